"""Hints after the decoder, against the formula written in plain NumPy."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import map_coordinates

from keras_colorizer.networks.generator import build_generator
from keras_colorizer.networks.hint_propagation import (
    HINTS,
    HintPropagation,
    sample,
    with_hints,
)

NARROW = {
    "small": {
        "widths": (4, 4, 8, 8, 8),
        "middle_width": 8,
        "decoder_widths": (4, 4, 8, 8),
    },
    "tiny": {},
}
SIDE = 8
FLOAT32 = 1e-5


def encoded(rng, *shape):
    return rng.uniform(-0.5, 0.5, shape).astype("float32")


def no_hints(count):
    return np.zeros((count, HINTS, 5), "float32")


def hint_list(*rows):
    hints = no_hints(1)
    hints[0, : len(rows)] = [(*row, 1) for row in rows]
    return hints


def interpolated(values, x, y):
    """SciPy's bilinear reading of `(h, w, c)`, clamped to pixel centers."""
    height, width, channels = values.shape
    where = [
        [np.clip(y * height - 0.5, 0, height - 1)],
        [np.clip(x * width - 0.5, 0, width - 1)],
    ]
    return np.array(
        [
            map_coordinates(values[..., c], where, order=1)[0]
            for c in range(channels)
        ]
    )


def plain(ab, lightness, features, falloffs, hints):
    """The formula of the module, pixel by pixel, features of one level."""
    size = ab.shape[0]
    t_lightness, t_distance, t_level = falloffs
    unit = features / np.linalg.norm(features, axis=-1, keepdims=True)
    result = ab.astype("float64").copy()
    for row in range(size):
        for column in range(size):
            change, total = np.zeros(2), 0.005
            for x, y, a, b, valid in hints:
                if not valid:
                    continue
                alike = unit[row, column] @ interpolated(unit, x, y) - 1
                lighter = (
                    lightness[row, column] - interpolated(lightness, x, y)
                )[0]
                away = np.hypot(
                    (column + 0.5) / size - x, (row + 0.5) / size - y
                )
                weight = np.exp(
                    t_level * alike
                    - t_lightness * lighter**2
                    - t_distance * away
                )
                change += weight * ([a, b] - interpolated(ab, x, y))
                total += weight
            result[row, column] += change / total
    return result


def test_hints_spread_by_the_formula(rng):
    layer = HintPropagation()
    ab, lightness = (
        encoded(rng, 1, SIDE, SIDE, 2),
        encoded(rng, 1, SIDE, SIDE, 1),
    )
    features = encoded(rng, 1, SIDE, SIDE, 6)
    layer([ab, lightness, features])
    falloffs = np.array([7.0, 3.0, 1.5], "float32")
    layer.falloffs.assign(falloffs)
    hints = hint_list((0.3, 0.7, 0.4, -0.2), (0.9, 0.05, -0.3, 0.1))
    fast = np.asarray(layer([ab, lightness, features], hints=hints))
    projected = features[0] @ layer.projections[0].numpy()
    expected = plain(ab[0], lightness[0], projected, falloffs, hints[0])
    assert np.abs(expected - ab[0]).max() > 0.1
    assert_allclose(fast[0], expected, atol=FLOAT32)


def test_coarser_features_are_compared_at_the_finest_size(rng):
    layer = HintPropagation()
    ab, lightness = (
        np.zeros((1, 16, 16, 2), "float32"),
        np.zeros((1, 16, 16, 1)),
    )
    fine, coarse = encoded(rng, 1, 16, 16, 3), np.ones((1, 8, 8, 3), "float32")
    coarse[:, :, 4:] *= -1  # The right half is of another thing.
    layer([ab, lightness, np.ones_like(fine), coarse])
    layer.falloffs.assign([0.0, 0.0, 0.0, 4.0])
    hints = hint_list((0.2, 0.5, 0.5, 0.5))
    result = layer([ab, lightness, fine, coarse], hints=hints)
    change = np.asarray(result)[0, :, :, 0]
    assert_allclose(change[:, :6], 0.5 / 1.005, atol=1e-3)
    # A cosine of -1 is 2 below that of the same thing: exp(-8).
    far = 0.5 * np.exp(-8) / (np.exp(-8) + 0.005)
    assert_allclose(change[:, 10:], far, atol=1e-3)


def test_places_between_pixels_are_read_as_scipy_does(rng):
    values = encoded(rng, 2, 7, 9, 3)
    places = rng.uniform(0, 1, (2, 5, 2)).astype("float32")
    places[0, 0], places[0, 1] = (0, 0), (1, 1)
    read = np.asarray(sample(values, places))
    for photo, row in np.ndindex(2, 5):
        expected = interpolated(values[photo], *places[photo, row])
        assert_allclose(read[photo, row], expected, atol=FLOAT32)


@pytest.fixture(scope="module", params=NARROW)
def generator(request):
    keras.utils.set_random_seed(0)
    return build_generator(request.param, **NARROW[request.param])


def test_without_a_hint_the_prediction_is_exactly_the_network_s(generator, rng):
    lightness = encoded(rng, 2, 32, 32, 1)
    hinted = with_hints(generator)([lightness, no_hints(2)])
    assert_array_equal(hinted, generator(lightness))


def test_one_hint_on_a_plain_photo_colors_all_of_it():
    generator = build_generator("tiny")
    lightness = np.full((1, 64, 64, 1), 0.1, "float32")
    hints = hint_list((0.5, 0.5, 0.3, -0.4))
    ab = np.asarray(with_hints(generator)([lightness, hints]))[0]
    # Of a residual of r it leaves 0.005 / 1.005, and what grows with distance.
    assert_allclose(ab[32, 32], [0.3, -0.4], atol=0.01)
    assert_allclose(ab[4:-4, 4:-4, 0], 0.3, atol=0.05)


def test_hints_of_one_photo_leave_another_alone(generator, rng):
    lightness = encoded(rng, 2, 32, 32, 1)
    hints = np.concatenate([hint_list((0.5, 0.5, 0.3, -0.4)), no_hints(1)])
    hinted = np.asarray(with_hints(generator)([lightness, hints]))
    alone = np.asarray(generator(lightness))
    assert np.abs(hinted[0] - alone[0]).max() > 0.1
    assert_array_equal(hinted[1], alone[1])


def network_with_features():
    """Lightness to ab by two convolutions, with hints by their features."""
    lightness = keras.Input((None, None, 1), name="lightness")
    x = keras.layers.Conv2D(4, 3, padding="same")(lightness)
    ab = keras.layers.Conv2D(2, 1, activation="tanh")(x)
    ab = HintPropagation(name="hint_propagation")([ab, lightness, x])
    ab = keras.layers.Activation("linear", name="ab")(ab)
    return keras.Model(lightness, ab)


def test_saved_networks_keep_what_they_learnt_of_hints(tmp_path, rng):
    generator = network_with_features()
    layer = generator.get_layer("hint_propagation")
    layer.falloffs.assign(layer.falloffs + 1)
    generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    inputs = [encoded(rng, 1, 32, 32, 1), hint_list((0.2, 0.4, 0.3, -0.4))]
    before = np.asarray(with_hints(generator)(inputs))
    assert_array_equal(with_hints(loaded)(inputs), before)
    assert np.abs(before - np.asarray(generator(inputs[0]))).max() > 0.05
