"""Hints for training, drawn from true colors."""

import keras
import numpy as np
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from keras_colorizer import ColorizationGAN
from keras_colorizer.hint_simulation import COLOR_NOISE, simulate_hints
from keras_colorizer.networks.discriminator import build_discriminator
from keras_colorizer.networks.hint_propagation import HintPropagation


def drawn(ab, seed=0):
    return simulate_hints(tf.constant(ab), tf.constant([seed, 0])).numpy()


def test_numbers_of_hints_are_geometric():
    hints = drawn(np.zeros((20_000, 4, 4, 2), "float32"))
    counts = np.bincount(hints[..., 4].sum(axis=1).astype(int), minlength=11)
    expected = 0.25 * 0.75 ** np.arange(10)
    # Four standard deviations of a share of 20,000.
    assert_allclose(counts[:10] / 20_000, expected, atol=0.0125)
    assert_array_equal(hints[hints[..., 4] == 0], 0)


def test_colors_are_those_of_the_places_but_for_noise():
    ab = np.zeros((2000, 16, 16, 2), "float32")
    ab[:, :, 8:, 0], ab[:, 8:, :, 1] = 0.5, -0.4
    hints = drawn(ab)
    x, y, a, b, given = np.moveaxis(hints, -1, 0)
    # A patch away from the borders that places and patches blur.
    inside = (given == 1) & (abs(x - 0.5) > 0.2) & (abs(y - 0.5) > 0.2)
    errors = np.stack([a - 0.5 * (x > 0.5), b + 0.4 * (y > 0.5)])[:, inside]
    assert inside.sum() > 1000
    assert_allclose(errors.mean(), 0, atol=0.003)
    # The deviation is drawn evenly up to the largest.
    assert_allclose(errors.std(), COLOR_NOISE / 3**0.5, rtol=0.1)
    assert ((x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)).all()


def test_the_same_seed_draws_alike():
    ab = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 2)).astype("float32")
    assert_array_equal(drawn(ab, 7), drawn(ab, 7))
    assert (drawn(ab, 7) != drawn(ab, 8)).any()


def test_training_moves_the_weights_that_take_hints():
    lightness = keras.Input((None, None, 1))
    features = keras.layers.Conv2D(4, 3, padding="same")(lightness)
    ab = keras.layers.Conv2D(2, 1)(features)
    layer = HintPropagation()
    ab = keras.layers.Activation("tanh")(layer([ab, lightness, features]))
    generator = keras.Model(lightness, ab)
    gan = ColorizationGAN(generator, build_discriminator(widths=(2, 2)))
    gan.compile()
    gan.pretraining = True
    before = layer.get_weights()
    rng = np.random.default_rng(0)
    photos = [
        rng.uniform(-1, 1, (4, 32, 32, n)).astype("float32") for n in (1, 2)
    ]
    gan.fit(*photos, batch_size=4, epochs=2, verbose=0)
    for old, new in zip(before, layer.get_weights(), strict=True):
        assert (old != new).any()
