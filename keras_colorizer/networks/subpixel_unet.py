"""A U-Net of plain 3 x 3 convolutions: quick to train, and small.

Source: He et al., 2016, for the residual blocks,
https://arxiv.org/abs/1512.03385.
"""

import keras
from keras import layers

from keras_colorizer.networks.smooth_decoder import (
    ab_head,
    conv,
    decode,
    doubled,
    linear,
    relu,
)


def build_subpixel_unet(
    *,
    widths: tuple[int, ...],
    decoder_widths: tuple[int, ...],
    residual_blocks: int,
) -> keras.Model:
    """Builds the network.

    Args:
        widths: Channels of each level, finest first.
        decoder_widths: Channels of the decoder at each level but the
            coarsest, finest first.
        residual_blocks: How many blocks work at the coarsest level.

    Returns:
        A functional model from `lightness` to `ab`, see `build_generator`.
    """
    lightness = keras.Input((None, None, 1), name="lightness")
    *skips, x = _encode(lightness, widths)
    for block in range(residual_blocks):
        x = _residual(x, widths[-1], f"residual_{block + 1}")
    x = decode([*skips, x], decoder_widths)
    ab = doubled(ab_head(x, "half_ab"), "ab")
    ab = layers.Activation("tanh", dtype="float32", name="ab")(ab)
    return keras.Model(lightness, ab, name="generator")


def _encode(
    x: keras.KerasTensor, widths: tuple[int, ...]
) -> list[keras.KerasTensor]:
    levels = []
    for level, width in enumerate(widths, start=1):
        x = conv(x, width, f"down_{level}", strides=2)
        levels.append(x)
    return levels


def _residual(x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
    y = conv(x, width, f"{name}_a")
    y = linear(y, width, f"{name}_b")
    x = layers.Add(name=name)([x, y])
    return relu(x, name)
