"""How many multiply-adds networks take, counted from their layers."""

import math

import keras

from keras_colorizer import build_discriminator, build_generator


def forward_multiply_adds(network: keras.Model, *, side: int) -> int:
    """Counts the multiply-adds of one forward run for one square.

    Only convolutions and dense layers count. Padding counts as if it were
    pixels.

    Args:
        network: A functional model of any height and width.
        side: Height and width of the square in pixels.
    """
    return sum(_multiply_adds(network, side))


def step_multiply_adds(
    *,
    side: int,
    generator: str = "unet_256",
    discriminator: str = "patchgan_70",
) -> int:
    """Counts the multiply-adds of one step of pix2pix for one square.

    The generator runs forward once and backward once, to its weights and, but
    for its first layer, to its inputs. The discriminator runs forward three
    times: on true ab, on generated ab, and on these again once updated. It
    runs backward to its weights for the first two, and to its inputs for all
    three, except that the first layer's inputs matter in the last one alone.

    Only convolutions count: all else is less than a hundredth in pix2pix's
    networks. Nor does the power iteration of spectral norm, which a step does
    once for all its squares. Padding counts as if it were pixels.

    Args:
        side: Height and width of the square in pixels.
        generator: Name of its preset.
        discriminator: Name of its preset.
    """
    generating = _multiply_adds(build_generator(generator), side)
    judging = _multiply_adds(build_discriminator(discriminator), side)
    return (
        (1 + 1 + 1) * sum(generating)
        - generating[0]
        + (3 + 2 + 3) * sum(judging)
        - 2 * judging[0]
    )


def _multiply_adds(network, side):
    """One forward run's multiply-adds, layer by layer."""
    layers = [layer for layer in network.layers if hasattr(layer, "kernel")]
    outputs = keras.Model(network.inputs, [layer.output for layer in layers])
    shapes = outputs.compute_output_shape(
        [(1, side, side, x.shape[-1]) for x in network.inputs]
    )
    return [
        math.prod(layer.kernel.shape) * _positions(layer, shape)
        for layer, shape in zip(layers, shapes, strict=True)
    ]


def _positions(layer, output_shape):
    """How often the kernel is applied: per output, or per input pixel."""
    positions = math.prod(output_shape[1:-1])
    conv = getattr(layer, "layer", layer)  # Spectral norm wraps it.
    if isinstance(conv, keras.layers.Conv2DTranspose):
        return positions // math.prod(conv.strides)
    return positions
