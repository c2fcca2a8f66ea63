"""The multiply-adds that benchmarks count, against sums made by hand."""

import keras
import pytest
from keras import layers

from benchmarks.arithmetic import forward_multiply_adds, step_multiply_adds

# Of `tiny` for 32 x 32: pixels x 4 x 4 of the kernel x channels in x out.
# Pixels are those of the output or, where it is transposed, of the input.
TINY = [
    16 * 16 * 16 * 1 * 8,
    8 * 8 * 16 * 8 * 16,
    4 * 4 * 16 * 16 * 32,
    4 * 4 * 16 * 32 * 16,
    8 * 8 * 16 * (16 + 16) * 8,
    16 * 16 * 16 * (8 + 8) * 2,
]
# Of `patchgan_70_light`, each of whose last two layers lose a row and column.
LIGHT = [
    16 * 16 * 16 * 3 * 32,
    8 * 8 * 16 * 32 * 64,
    4 * 4 * 16 * 64 * 128,
    3 * 3 * 16 * 128 * 256,
    2 * 2 * 16 * 256 * 1,
]


@pytest.mark.parametrize(
    ("layer", "by_hand"),
    [
        (layers.Conv2D(5, 3, strides=2, padding="same"), 4 * 4 * 9 * 6 * 5),
        (
            layers.Conv2DTranspose(5, 4, strides=2, padding="same"),
            8 * 8 * 16 * 6 * 5,
        ),
        (layers.DepthwiseConv2D(5, padding="same"), 8 * 8 * 25 * 6),
        (
            layers.SpectralNormalization(layers.Conv2D(5, 3)),
            6 * 6 * 9 * 6 * 5,
        ),
        (
            layers.SpectralNormalization(
                layers.Conv2DTranspose(5, 4, strides=2, padding="same")
            ),
            8 * 8 * 16 * 6 * 5,
        ),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_one_layer_takes_what_is_counted_by_hand(layer, by_hand):
    pixels = keras.Input((None, None, 6))
    network = keras.Model(pixels, layer(pixels))
    assert forward_multiply_adds(network, side=8) == by_hand


def test_step_runs_each_network_as_often_as_counted_by_hand():
    # The generator: forward, to weights, to inputs but the first layer's. The
    # discriminator: forward three times, to weights twice, to inputs three
    # times, but for the first layer once.
    generating = sum(TINY) + sum(TINY) + sum(TINY[1:])
    judging = 3 * sum(LIGHT) + 2 * sum(LIGHT) + sum(LIGHT) + 2 * sum(LIGHT[1:])
    counted = step_multiply_adds(
        side=32, generator="tiny", discriminator="patchgan_70_light"
    )
    assert counted == generating + judging
