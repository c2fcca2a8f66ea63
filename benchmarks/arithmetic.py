"""How many multiply-adds a training step takes, counted from the layers."""

import math

import keras

from keras_colorizer import build_discriminator, build_generator


def step_multiply_adds(*, side: int) -> int:
    """Counts the multiply-adds of one step of pix2pix for one square.

    The generator runs forward once and backward once, to its weights and, but
    for its first layer, to its inputs. The discriminator runs forward three
    times: on true ab, on generated ab, and on these again once updated. It
    runs backward to its weights for the first two, and to its inputs for all
    three, except that the first layer's inputs matter in the last one alone.

    Only convolutions count: all else is less than a hundredth. Padding counts
    as if it were pixels.

    Args:
        side: Height and width of the square in pixels.
    """
    generator = _multiply_adds(build_generator(), side)
    discriminator = _multiply_adds(build_discriminator(), side)
    return (
        (1 + 1 + 1) * sum(generator)
        - generator[0]
        + (3 + 2 + 3) * sum(discriminator)
        - 2 * discriminator[0]
    )


def _multiply_adds(network, side):
    """One forward run's multiply-adds, convolution by convolution."""
    convolutions = [
        layer for layer in network.layers if hasattr(layer, "kernel")
    ]
    outputs = keras.Model(network.inputs, [c.output for c in convolutions])
    shapes = outputs.compute_output_shape(
        [(1, side, side, x.shape[-1]) for x in network.inputs]
    )
    return [
        math.prod(convolution.kernel.shape) * _positions(convolution, shape)
        for convolution, shape in zip(convolutions, shapes, strict=True)
    ]


def _positions(convolution, output_shape):
    """How often the kernel is applied: per output, or per input pixel."""
    _, height, width, _ = output_shape
    if isinstance(convolution, keras.layers.Conv2DTranspose):
        return height * width // math.prod(convolution.strides)
    return height * width
