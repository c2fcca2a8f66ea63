"""`color` against published values, two other libraries and its own inverse.

Where a tolerance is 0.01 units of L*a*b*: a just noticeable difference is
about 1, and libraries differ by 0.005 because some divide by the D65 white
of the tables (0.95047, 1, 1.08883) and some by that of their own matrix.
"""

import warnings

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from skimage.color import lab2rgb, rgb2lab

from keras_colorizer import color

ATOL = 0.01

# sRGB and L*a*b* for D65, 2 degrees, by the calculator of
# http://www.brucelindbloom.com/index.html?ColorCalculator.html
# and, for those with halves, as listed in `colors_test.go` of
# https://github.com/lucasb-eyer/go-colorful.
PUBLISHED = {
    "white": ([1, 1, 1], [100, 0, 0]),
    "red": ([1, 0, 0], [53.2408, 80.0925, 67.2032]),
    "green": ([0, 1, 0], [87.7347, -86.1827, 83.1793]),
    "blue": ([0, 0, 1], [32.2970, 79.1875, -107.8602]),
    "cyan": ([0, 1, 1], [91.1132, -48.0875, -14.1312]),
    "magenta": ([1, 0, 1], [60.3242, 98.2343, -60.8249]),
    "yellow": ([1, 1, 0], [97.1393, -21.5537, 94.4780]),
    "black": ([0, 0, 0], [0, 0, 0]),
    "grey": ([0.5, 0.5, 0.5], [53.3890, 0, 0]),
    "light cyan": ([0.5, 1, 1], [93.1390, -35.3319, -10.8946]),
    "light magenta": ([1, 0.5, 1], [72.0892, 65.1673, -42.2133]),
    "light yellow": ([1, 1, 0.5], [97.7637, -16.5795, 60.2017]),
    "light blue": ([0.5, 0.5, 1], [59.0453, 33.2846, -63.7099]),
    "light red": ([1, 0.5, 0.5], [68.1085, 48.3884, 22.8328]),
    "light green": ([0.5, 1, 0.5], [90.6026, -60.0870, 49.8993]),
}

# Where the curves change from a line to a power, and either side of it.
THRESHOLDS = [
    np.nextafter(np.float32(0.04045), np.float32(toward))
    for toward in (0, 0.04045, 1)
]
LAB_AT_DELTA = 8.0  # L* where its root is 6/29: 116 * 6/29 - 16.


@pytest.fixture(scope="module")
def grid():
    """33^3 colors over the whole sRGB cube, corners included."""
    steps = np.linspace(0, 1, 33, dtype="float32")
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)


@pytest.fixture(scope="module")
def tfio_color():
    """The color ops of tensorflow-io, which are plain TensorFlow."""
    with warnings.catch_warnings():
        # It warns of its native ops, built for another TensorFlow.
        warnings.simplefilter("ignore")
        tfio = pytest.importorskip(
            "tensorflow_io", reason="no wheel for this Python (3.13 and later)"
        )
        return tfio.experimental.color


def edge_rgb():
    corners = np.stack(np.meshgrid(*[[0, 1]] * 3), axis=-1).reshape(-1, 3)
    thresholds = np.repeat(THRESHOLDS, 3).reshape(-1, 3)
    outside = [[-0.1, 0.5, 1.1], [-1, -1, -1], [2, 2, 2]]
    return np.float32([*corners, *thresholds, *outside])


def edge_lab():
    neutral = [[lightness, 0, 0] for lightness in (0, LAB_AT_DELTA, 50, 100)]
    outside = [[50, 120, -120], [0, 80, 80], [100, -110, 110], [100, 0, 110]]
    beyond = [[-5, 0, 0], [-100, -300, 300], [120, 10, 10]]
    return np.float32([*neutral, *outside, *beyond])


def to_levels(rgb):
    return tf.cast(tf.round(255 * rgb), tf.uint8)


def round_trip(levels):
    return to_levels(color.lab_to_rgb(color.rgb_to_lab(levels)))


def gradient_of(convert):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            converted = convert(x)
        return tape.gradient(converted, x)

    return gradient


@pytest.mark.parametrize(("rgb", "lab"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_values(rgb, lab):
    assert_allclose(color.rgb_to_lab(np.float32(rgb)), lab, atol=ATOL)
    # A quarter of a level of 8 bits.
    assert_allclose(color.lab_to_rgb(np.float32(lab)), rgb, atol=0.25 / 255)


def test_published_values_wherever_it_runs(run):
    rgb, lab = map(np.float32, zip(*PUBLISHED.values(), strict=True))
    assert_allclose(run(color.rgb_to_lab, rgb), lab, atol=ATOL)
    assert_allclose(run(color.lab_to_rgb, lab), rgb, atol=0.25 / 255)


def test_parity_with_scikit_image(run, rng):
    rgb = rng.random((2, 8, 9, 3), dtype="float32")
    assert_allclose(run(color.rgb_to_lab, rgb), rgb2lab(rgb), atol=ATOL)


def test_parity_with_scikit_image_over_the_gamut(grid):
    lab = rgb2lab(grid.astype("float64"))
    assert_allclose(color.rgb_to_lab(grid), lab, atol=ATOL)
    assert_allclose(color.lab_to_rgb(lab), lab2rgb(lab), atol=0.1 / 255)


def test_parity_with_tensorflow_io(tfio_color, grid):
    lab = tfio_color.rgb_to_lab(tf.constant(grid))
    assert_allclose(color.rgb_to_lab(grid), lab, atol=ATOL)
    back = tfio_color.lab_to_rgb(lab)
    assert_allclose(color.lab_to_rgb(lab), back, atol=0.1 / 255)


def test_levels_equal_the_same_values_in_floating_point(run, rgb_levels):
    floats = rgb_levels.astype("float32") / 255
    lab = run(color.rgb_to_lab, floats)
    # Float32 noise: a and b are 500 and 200 times differences near 1.
    assert_allclose(run(color.rgb_to_lab, rgb_levels), lab, atol=5e-4)


def test_gamut_bounds_are_those_the_docstring_states(grid):
    lab = np.asarray(color.rgb_to_lab(grid))
    # The extremes are at corners of the cube, which the grid holds.
    low, high = np.array([[0, -86.2, -107.9], [100, 98.3, 94.5]])
    assert np.all((lab > low - 1e-4) & (lab < high + 1e-4))
    assert_allclose(lab.min(axis=0), low, atol=0.1)
    assert_allclose(lab.max(axis=0), high, atol=0.1)


@pytest.mark.parametrize(
    "greys",
    [np.linspace(0, 1, 1001, dtype="float32"), np.arange(256, dtype="uint8")],
    ids=["float32", "uint8"],
)
def test_neutral_greys_have_no_chroma(run, greys):
    rgb = greys[:, None].repeat(3, axis=1)
    # Float32 noise, 1e-7, times the 500 of a*; a level of a* is 1.
    assert_allclose(run(color.rgb_to_lab, rgb)[:, 1:], 0, atol=5e-4)


def test_colors_without_chroma_are_neutral_greys(run):
    lightness = np.linspace(0, 100, 1001, dtype="float32")
    rgb = run(color.lab_to_rgb, np.pad(lightness[:, None], ((0, 0), (0, 2))))
    assert_allclose(np.ptp(rgb, axis=-1), 0, atol=1e-5)


def test_lightness_rises_with_the_grey_level(run):
    greys = np.arange(256, dtype="uint8")[:, None].repeat(3, axis=1)
    lightness = run(color.rgb_to_lab, greys)[:, 0]
    # 10 / 255 is still on the line, where a level is 0.27 L*.
    assert np.all(np.diff(lightness) > 0.2)
    floats = np.linspace(0, 1, 10_001, dtype="float32")[:, None]
    lightness = run(color.rgb_to_lab, floats.repeat(3, axis=1))[:, 0]
    assert np.all(np.diff(lightness) > 0)


def test_lightness_alone_is_the_first_channel(run, rgb_levels):
    lightness = run(color.rgb_to_lightness, rgb_levels)
    lab = run(color.rgb_to_lab, rgb_levels)
    assert lightness.shape == (*rgb_levels.shape[:-1], 1)
    assert_allclose(lightness, lab[..., :1], atol=1e-4)


def test_film_that_sees_as_eyes_do_has_the_photo_s_lightness(run, rgb_levels):
    weights = np.array([0.212671, 0.715160, 0.072169], "float32")

    def film(rgb):
        return color.film_lightness(rgb, weights / weights.sum())

    lightness = rgb2lab(rgb_levels[None])[0, :, :1]
    assert_allclose(run(film, rgb_levels), lightness, atol=ATOL)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_film_that_sees_one_channel_has_its_lightness(rgb_levels, channel):
    only = np.eye(3, dtype="float32")[channel]
    film = color.film_lightness(rgb_levels, only)
    grey = np.repeat(rgb_levels[:, channel : channel + 1], 3, axis=-1)
    assert_allclose(film, rgb2lab(grey[None])[0, :, :1], atol=ATOL)


def test_levels_survive_the_round_trip(run, rgb_levels):
    assert_array_equal(run(round_trip, rgb_levels), rgb_levels)


def test_all_16_777_216_colors_survive_the_round_trip():
    compiled = tf.function(round_trip, jit_compile=True)
    levels = np.arange(256, dtype="uint8")
    for red in range(0, 256, 8):
        chunk = np.meshgrid(levels[red : red + 8], levels, levels)
        rgb = np.stack(chunk, axis=-1)
        assert_array_equal(compiled(tf.constant(rgb)), rgb)


def test_floating_point_survives_the_round_trip(run, grid):
    lab = run(color.rgb_to_lab, grid)
    # A hundredth of a level of 8 bits.
    assert_allclose(run(color.lab_to_rgb, lab), grid, atol=0.01 / 255)


def test_colors_outside_the_gamut_are_clipped(run):
    rgb = np.asarray(run(color.lab_to_rgb, edge_lab()))
    assert np.all((rgb >= 0) & (rgb <= 1))


def test_clipping_takes_each_linear_channel_to_its_nearest_bound(run):
    lab = np.float32([[120, 0, 0], [-5, 0, 0], [53.24, 130, 67.2]])
    rgb = np.asarray(run(color.lab_to_rgb, lab))
    # One float32 step: 1.055 - 0.055 is not exactly 1.
    assert_allclose(rgb[:2], [[1, 1, 1], [0, 0, 0]], atol=1e-7)
    # Redder than sRGB's red: red is full and green, below zero, is none.
    assert_allclose(rgb[2, :2], [1, 0], atol=1e-7)


@pytest.mark.parametrize(
    ("convert", "edges"),
    [(color.rgb_to_lab, edge_rgb()), (color.lab_to_rgb, edge_lab())],
    ids=["rgb_to_lab", "lab_to_rgb"],
)
def test_gradients_are_finite_at_every_edge(run, convert, edges):
    assert np.all(np.isfinite(run(convert, edges)))
    assert np.all(np.isfinite(run(gradient_of(convert), edges)))


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_gradient_is_the_slope_scikit_image_has(rng, channel):
    rgb = rng.uniform(0.1, 0.9, (50, 3))
    step = np.eye(3)[channel] * 1e-4
    slope = (rgb2lab(rgb + step) - rgb2lab(rgb - step)).sum(axis=-1) / 2e-4
    gradient = gradient_of(color.rgb_to_lab)(tf.constant(rgb, tf.float32))
    # Slopes are in the hundreds; the two differ by their whites.
    assert_allclose(gradient[:, channel], slope, rtol=1e-3, atol=0.05)


def test_black_has_the_slope_of_the_two_lines(run):
    # L* = 903.3 Y near black, and Y = rgb / 12.92 of a grey. CIE 15:2004.
    gradient = run(gradient_of(color.rgb_to_lightness), np.zeros((1, 3), "f4"))
    assert_allclose(np.sum(gradient), (29 / 3) ** 3 / 12.92, rtol=1e-4)


def test_results_are_float32_under_mixed_precision(mixed_precision, grid):
    before = rgb2lab(grid.astype("float64"))
    lab = color.rgb_to_lab(grid)
    assert lab.dtype == color.lab_to_rgb(lab).dtype == tf.float32
    assert_allclose(lab, before, atol=ATOL)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_floating_point_is_converted_in_float32(run, rng, dtype):
    rgb = tf.cast(rng.random((64, 3)), dtype)
    lab = run(color.rgb_to_lab, rgb)
    assert lab.dtype == tf.float32
    exact = rgb2lab(tf.cast(rgb, tf.float64).numpy())
    assert_allclose(lab, exact, atol=ATOL)
    back = run(color.lab_to_rgb, tf.cast(lab, dtype))
    assert back.dtype == tf.float32


@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "uint16", "int32", "int64", "bool"]
)
@pytest.mark.parametrize("convert", [color.rgb_to_lab, color.rgb_to_lightness])
def test_integers_of_unknown_white_are_refused(convert, dtype):
    with pytest.raises(TypeError, match=f"Received: {dtype}"):
        convert(np.ones((2, 3), dtype))


@pytest.mark.parametrize(
    "shape", [(3,), (5, 3), (2, 4, 5, 3), (1, 2, 3, 4, 3), (0, 3), (2, 0, 4, 3)]
)
def test_any_leading_shape(run, shape):
    lab = run(color.rgb_to_lab, np.ones(shape, "uint8"))
    assert lab.shape == shape
    assert run(color.lab_to_rgb, lab).shape == shape


def test_sides_may_be_unknown_when_traced(rng):
    images = tf.TensorSpec([None, None, None, 3], tf.uint8)
    traced = tf.function(color.rgb_to_lab, input_signature=[images])
    rgb = rng.integers(0, 256, (2, 4, 6, 3)).astype("uint8")
    assert_allclose(traced(rgb), color.rgb_to_lab(rgb), atol=1e-4)
    assert traced(rgb).shape == rgb.shape
