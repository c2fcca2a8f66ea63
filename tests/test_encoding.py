"""`encoding` by values worked out by hand, and by its own inverse."""

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from skimage.color import rgb2lab

from keras_colorizer import color, encoding

# L*/50 - 1 and ab/110: black, mid grey, white, the limits, a color between.
LAB = np.float32(
    [[0, 0, 0], [50, 0, 0], [100, 0, 0], [25, 110, -110], [75, -55, 27.5]]
)
LIGHTNESS = np.float32([[-1], [0], [1], [-0.5], [0.5]])
AB = np.float32([[0, 0], [0, 0], [0, 0], [1, -1], [-0.5, 0.25]])


def there_and_back(levels):
    encoded = encoding.encode_lab(color.rgb_to_lab(levels))
    return encoding.decode_rgb(*encoded)


def test_encoded_values_by_hand(run):
    lightness, ab = run(encoding.encode_lab, LAB)
    assert_allclose(lightness, LIGHTNESS, atol=1e-7)
    assert_allclose(ab, AB, atol=1e-7)


def test_decoded_values_by_hand():
    assert_allclose(encoding.decode_lab(LIGHTNESS, AB), LAB, atol=1e-5)
    assert_allclose(encoding.decode_ab(AB), LAB[:, 1:], atol=1e-5)


def test_decoding_undoes_encoding(run, rng):
    lab = rng.uniform([0, -110, -110], [100, 110, 110], (2, 8, 9, 3))
    lab = lab.astype("float32")
    decoded = run(lambda x: encoding.decode_lab(*encoding.encode_lab(x)), lab)
    # Float32 noise: 110 times 1e-7.
    assert_allclose(decoded, lab, atol=3e-5)


def test_encoded_colors_of_the_gamut_stay_within_one(rgb_levels):
    lightness, ab = encoding.encode_lab(rgb2lab(rgb_levels).astype("float32"))
    # Noise of float32 and of scikit-image's white, far below a level.
    assert np.all(np.abs(lightness) <= 1 + 1e-6)
    # The docstring's bounds; blue's b* and magenta's a* come nearest.
    assert np.all((np.asarray(ab) >= -0.99) & (np.asarray(ab) <= 0.9))
    assert np.min(ab) < -0.97
    assert np.max(ab) > 0.88


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_outputs_in_half_precision_decode_in_float32(dtype):
    lightness, ab = tf.cast(LIGHTNESS, dtype), tf.cast(AB, dtype)
    lab = encoding.decode_lab(lightness, ab)
    assert lab.dtype == encoding.decode_ab(ab).dtype == tf.float32
    # All of these are exact in half precision, so only decoding could err.
    assert_allclose(lab, LAB, atol=1e-5)


def test_a_third_in_half_precision_loses_nothing_more():
    third = np.float16(1 / 3)
    ab = encoding.decode_ab(np.full((1, 2), third))
    # In float16, 110 / 3 would be off by up to 0.016.
    assert_allclose(ab, np.full((1, 2), 110 * np.float64(third)), rtol=1e-6)


def test_decoding_is_float32_under_mixed_precision(mixed_precision):
    ab = tf.cast(AB, mixed_precision)
    assert encoding.decode_lab(LIGHTNESS, ab).dtype == tf.float32
    assert encoding.decode_rgb(LIGHTNESS, ab).dtype == tf.uint8


def test_levels_survive_encoding_and_back(run, rgb_levels):
    assert_array_equal(run(there_and_back, rgb_levels), rgb_levels)


def test_decoded_levels_are_rounded_not_cut_off():
    # L* of grey 127.6 / 255; 128 is nearest, 127 is what a cast would give.
    lab = rgb2lab(np.full((1, 3), 127.6 / 255)).astype("float32")
    rgb = encoding.decode_rgb(*encoding.encode_lab(lab))
    assert_array_equal(rgb, [[128, 128, 128]])


def test_ab_that_srgb_cannot_show_decodes_to_the_nearest_bound():
    rgb = encoding.decode_rgb(np.float32([[0.1]]), np.float32([[1, 1]]))
    # Red past full and green below none do not wrap around in uint8.
    assert rgb[0, 0] == 255
    assert rgb[0, 1] == 0
