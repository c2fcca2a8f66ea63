"""The loop of training: what it gives to devices and to callbacks."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from keras_colorizer import (
    ColorizationGAN,
    TrainingConfig,
    build_discriminator,
    build_generator,
    encode_lab,
    rgb_to_lab,
)
from keras_colorizer.training import loop
from keras_colorizer.training.devices import Devices
from keras_colorizer.training.schedule import Segment
from keras_colorizer.training.shares import device_encoding

STEPS = 5


@pytest.fixture
def gan():
    keras.utils.set_random_seed(1)
    gan = ColorizationGAN(
        build_generator("tiny"), build_discriminator(widths=(4, 8, 8, 8))
    )
    gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
    return gan


@pytest.fixture
def squares(rng):
    return tf.constant(rng.integers(0, 256, (2, 32, 32, 3), "uint8"))


class Seen(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.steps, self.epochs = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(logs["l1_loss"])

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(logs["l1_loss"])


def fitted(gan, squares, encode=lambda rgb, step: encode_lab(rgb_to_lab(rgb))):
    seen = Seen()
    batches = iter(tf.data.Dataset.from_tensors(squares).repeat())
    segment = Segment(0, 2, STEPS)
    loop.fit(gan, batches, encode, segment, [seen], verbose=0)
    return seen


def test_losses_are_looked_at_seldom_but_whole_at_the_end(
    gan, squares, monkeypatch
):
    monkeypatch.setattr(loop, "PAUSE", 3600.0)
    seen = fitted(gan, squares)
    for first, *old, last in (seen.steps[:STEPS], seen.steps[STEPS:]):
        assert old == [first] * (STEPS - 2)
        assert last != first
    assert seen.epochs == [seen.steps[STEPS - 1], seen.steps[-1]]


@pytest.mark.slow
def test_losses_of_an_epoch_are_means_over_its_steps(gan, squares, monkeypatch):
    monkeypatch.setattr(loop, "PAUSE", 0.0)
    means = np.array(fitted(gan, squares).steps).reshape(2, STEPS)
    # Of running means, those of the steps themselves.
    counts = np.arange(1, STEPS + 1)
    losses = np.diff(means * counts, axis=1, prepend=0)
    assert len(np.unique(losses.round(5))) == 2 * STEPS
    assert_allclose(losses.mean(axis=1), means[:, -1], rtol=1e-5)


def test_every_step_is_encoded_with_its_own_number(gan, squares):
    numbers = []

    def encode(rgb, step):
        tf.py_function(lambda n: numbers.append(int(n)), [step], [])
        return encode_lab(rgb_to_lab(rgb))

    fitted(gan, squares, encode)
    assert numbers == list(range(2 * STEPS))


def test_photos_age_anew_in_every_step_but_alike_in_every_run(squares):
    config = TrainingConfig(preset="tiny", old_photos=1.0, seed=3)
    devices = Devices(tf.distribute.get_strategy())

    def lightness(step):
        encode = device_encoding(devices, config)
        return encode(squares, tf.constant(step, tf.int64))[0].numpy()

    assert_array_equal(lightness(4), lightness(4))
    assert np.abs(lightness(4) - lightness(5)).max() > 0.01
