"""A U-Net for phones whose encoder tells what is in a photo.

The encoder is EfficientNet-Lite0 without its last block, head and classifier,
so that it can start from weights that tell ImageNet's thousand classes apart: a
network that knows a sky, a lawn and a face needs fewer photos to learn their
colors. Its first kernels see lightness in place of red, green and blue.

The decoder ends at a quarter of the height and width, where hints are
propagated; from there ab is upsampled smoothly.

Source: Tan and Le, 2019, https://arxiv.org/abs/1905.11946; Lite0 and its
weights (Apache-2.0): tensorflow/tpu, models/official/efficientnet/lite.
"""

import keras
from keras import layers

from keras_colorizer.networks.hint_propagation import HintPropagation
from keras_colorizer.networks.readout import Readout
from keras_colorizer.networks.smooth_decoder import (
    ab_head,
    decode,
    doubled,
    relu,
)

STEM_WIDTH = 32
EXPANSION = 6  # Channels within a block, for each that goes in.
ENCODER = "encoder_"  # How the names of its layers begin.
QUARTER = 4  # ab is predicted at a quarter of the height and width.


def build_efficientnet_unet(
    *,
    widths: tuple[int, ...],
    middle_width: int,
    decoder_widths: tuple[int, ...],
) -> keras.Model:
    """Builds the network.

    Args:
        widths: Channels of each of five levels, finest first.
        middle_width: Channels of the fourth level's first three blocks.
        decoder_widths: Channels of the decoder at each level between the
            finest and the coarsest, finest first.

    Returns:
        A functional model from `lightness` to `ab`, see `build_generator`.
    """
    lightness = keras.Input((None, None, 1), name="lightness")
    levels = _encode(lightness, widths, middle_width)
    x = ab_head(decode(levels, decoder_widths), "quarter_ab")
    ab = layers.Activation("tanh", dtype="float32", name="quarter_tanh")(x)
    ab = Readout(name="readout", dtype="float32")(ab)
    pooling = layers.AveragePooling2D(QUARTER, name="quarter_lightness")
    ab = HintPropagation(name="hint_propagation", dtype="float32")(
        [ab, pooling(lightness), *levels]
    )
    for name in ("half_ab", "full_ab"):
        ab = doubled(ab, name, dtype="float32")
    ab = layers.Activation("linear", dtype="float32", name="ab")(ab)
    return keras.Model(lightness, ab, name="generator")


def freeze_encoder(generator: keras.Model) -> None:
    """Leaves the encoder's weights and statistics as they are in training.

    Args:
        generator: Of `build_efficientnet_unet`.
    """
    for layer in generator.layers:
        if layer.name.startswith(ENCODER):
            layer.trainable = False


def _encode(
    lightness: keras.KerasTensor,
    widths: tuple[int, ...],
    middle_width: int,
) -> list[keras.KerasTensor]:
    """The levels of EfficientNet-Lite0 from a quarter on, finest first."""
    first, second, third, fourth, fifth = widths
    # Of each stage the channels, the side of its kernels, the step of its
    # first block, and how many blocks there are.
    stages = [
        (second, 3, 2, 2),
        (third, 5, 2, 2),
        (middle_width, 3, 2, 3),
        (fourth, 5, 1, 3),
        (fifth, 5, 2, 4),
    ]
    x = _block(_stem(lightness), first, 0, kernel=3, expansion=1)
    levels: list[keras.KerasTensor] = []
    number = 1
    for width, kernel, strides, repeats in stages:
        if strides > 1:  # A level ends where the next one is half its size.
            levels.append(x)
        for repeat in range(repeats):
            step = strides if repeat == 0 else 1
            x = _block(x, width, number, kernel=kernel, strides=step)
            number += 1
    return [*levels[1:], x]


def _stem(x: keras.KerasTensor) -> keras.KerasTensor:
    name = f"{ENCODER}stem"
    x = layers.Conv2D(
        STEM_WIDTH,
        3,
        strides=2,
        padding="same",
        use_bias=False,
        name=f"{name}_conv",
    )(x)
    return relu(_norm(x, name), name)


def _block(
    x: keras.KerasTensor,
    width: int,
    number: int,
    *,
    kernel: int,
    strides: int = 1,
    expansion: int = EXPANSION,
) -> keras.KerasTensor:
    """Expands the channels, filters each of them, and projects them back."""
    name = f"{ENCODER}block_{number}"
    y = x
    if expansion > 1:
        y = _pointwise(y, expansion * x.shape[-1], f"{name}_expand")
        y = relu(y, f"{name}_expand")
    y = layers.DepthwiseConv2D(
        kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        name=f"{name}_depthwise_conv",
    )(y)
    y = relu(_norm(y, f"{name}_depthwise"), f"{name}_depthwise")
    y = _pointwise(y, width, f"{name}_project")
    if strides > 1 or x.shape[-1] != width:
        return y
    return layers.Add(name=name)([x, y])


def _pointwise(
    x: keras.KerasTensor, width: int, name: str
) -> keras.KerasTensor:
    x = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_conv")(x)
    return _norm(x, name)


def _norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    # Epsilon is part of the pretrained weights.
    return layers.BatchNormalization(
        momentum=0.99, epsilon=1e-3, name=f"{name}_norm"
    )(x)
