"""Lightness, the network's view and merging, for photos of any size."""

import numpy as np
import skimage.data
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage.color import lab2rgb, rgb2lab

from keras_colorizer.chroma import ops, steps
from keras_colorizer.chroma.compile import compile_steps
from keras_colorizer.litert import signature_runner


def bilinear(ab, height, width):
    """Pillow's bilinear enlargement: pixel centres, edges held."""
    planes = [
        Image.fromarray(plane).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        for plane in np.moveaxis(ab, -1, 0)
    ]
    return np.stack(planes, axis=-1)


def test_merge_is_the_formula_for_the_whole_photo(rng):
    height, width = 211, 1500  # Several strips, the last one not full.
    # Within sRGB: outside of it, scikit-image clips in other places.
    lightness = rng.uniform(40, 70, (height, width, 1)).astype("float32")
    ab = rng.uniform(-20, 20, (16, 16, 2)).astype("float32")
    whole = np.concatenate([lightness, bilinear(ab, height, width)], axis=-1)
    expected = lab2rgb(whole) * 255
    # Half a level of rounding, and float32 against float64.
    merged = steps.merge(lightness, ab, np.uint8)
    assert_allclose(merged, expected, atol=0.6)


def test_lightness_of_color_is_scikit_image_s():
    photo = skimage.data.astronaut()
    lightness = steps.photo_lightness(photo)
    assert_allclose(lightness[..., 0], rgb2lab(photo)[..., 0], atol=0.01)


def test_network_sees_no_aliasing():
    # Lines one pixel wide blend to the mean of their L*, whatever their phase.
    stripes = np.zeros((2048, 2048, 1), "float32")
    stripes[:, ::2] = 100
    view = steps.network_view(stripes, 32)
    assert_allclose(view, np.full((1, 32, 32, 1), 50), atol=1e-3)


def test_network_sees_the_whole_photo_squashed():
    ramp = np.linspace(0, 100, 1000, dtype="float32")
    photo = np.broadcast_to(ramp[None, :, None], (200, 1000, 1))
    view = steps.network_view(photo, 50)[0, :, :, 0]
    expected = ramp.reshape(50, 20).mean(axis=1)
    assert_allclose(view, np.broadcast_to(expected, (50, 50)), atol=0.1)


def test_strips_join_without_a_seam(monkeypatch, rng):
    photo = rng.integers(0, 256, (61, 47, 3), "uint8")
    ab = rng.uniform(-20, 20, (8, 8, 2)).astype("float32")
    lightness = steps.photo_lightness(photo)
    whole = steps.merge(lightness, ab, np.uint16)
    monkeypatch.setattr(steps, "STRIP", 300)
    assert_array_equal(steps.photo_lightness(photo), lightness)
    # Rows of ab are upsampled before the strips are cut: equal to rounding.
    difference = steps.merge(lightness, ab, np.uint16).astype(int) - whole
    assert np.abs(difference).max() <= 1


def test_merge_of_a_strip_is_that_of_tensorflow(rng):
    lightness = rng.uniform(0, 100, (40, 50, 1)).astype("float32")
    ab = rng.uniform(-60, 60, (8, 6, 2)).astype("float32")
    expected = ops.merge(lightness[None], ab[None])[0] * 65535
    merged = steps.merge(lightness, ab, np.uint16)
    # Half a level of rounding, and exponentials of two libraries.
    assert_allclose(merged, expected, atol=2)


def test_compiled_steps_are_those_of_the_code(rng):
    """`python -m keras_colorizer.chroma.compile` after changing the ops."""
    inputs = {
        "lightness": {"rgb": rng.random((1, 9, 11, 3), "f4")},
        "stretch": {"ab": rng.random((1, 8, 6, 2), "f4")},
        "network_view": {"lightness": rng.random((1, 70, 41, 1), "f4")},
        "merge": {
            "lightness": rng.random((9, 11), "f4"),
            "ab": rng.random((2, 6, 1, 9), "f4"),
            "white": np.float32(255),
        },
    }
    inputs["network_view"]["side"] = np.int32(16)
    inputs["stretch"]["height"] = np.int32(33)
    fresh = compile_steps()
    for name, values in inputs.items():
        (ours,) = signature_runner(steps.STEPS, name)(**values).values()
        (expected,) = signature_runner(fresh, name)(**values).values()
        assert_array_equal(ours, expected)
