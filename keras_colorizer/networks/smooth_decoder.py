"""A decoder that upsamples smoothly, level by level, with skip connections.

Nothing is learnt per sub-pixel: upsampling is fixed and smooth, so no grid of
coarse cells can show, and fine detail comes from the skip connections alone.
Every layer is one that TFLite's GPU delegates take as it is: batch norm folds
into the convolution before it, and depth-to-space needs no shape arithmetic.

Source: Odena et al., 2016, for resizing before a convolution,
https://distill.pub/2016/deconv-checkerboard; Iizuka et al., 2016, for telling
every place what the whole scene is, https://doi.org/10.1145/2897824.2925974.
"""

import keras
from keras import layers, ops

BLOCK = 2  # Depth-to-space turns groups of 2 x 2 channels into pixels.
SMOOTHING = 3  # Pixels on a side of the mean that rounds off doubled pixels.
AB_STDDEV = 0.005  # Of the last kernel: the first photos come out grey.
# The same ceiling for every activation leaves 8-bit arithmetic a fine step.
CEILING = 6.0


def decode(
    levels: list[keras.KerasTensor], widths: tuple[int, ...]
) -> keras.KerasTensor:
    """Builds the decoder.

    Args:
        levels: Features of the encoder at each level, finest first: symbolic
            `(batch, h, w, channels)`, each half as high and wide as the one
            before.
        widths: Channels of the decoder at each level but the coarsest, finest
            first.

    Returns:
        Symbolic features of the size of the finest level.
    """
    *skips, x = levels
    x = _with_scene(x)
    for level in range(len(skips), 0, -1):
        width = widths[level - 1]
        x = _join(x, skips.pop(), width, level)
        x = conv(x, width, f"decoder_{level}")
    return x


def ab_head(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """A convolution of 3 x 3 to two channels that begin near 0."""
    return layers.Conv2D(
        2,
        3,
        padding="same",
        kernel_initializer=keras.initializers.RandomNormal(0.0, AB_STDDEV),
        name=name,
    )(x)


@keras.saving.register_keras_serializable("keras_colorizer")
class DoublePixels(layers.Layer):
    """Makes 2 x 2 equal pixels of each.

    `UpSampling2D` does the same, but TFLite converts it to operations that
    phones do not run fast.
    """

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:
        return _double_pixels(features)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, height, width, channels = input_shape
        doubled = [side and BLOCK * side for side in (height, width)]
        return (batch, *doubled, channels)


def conv(
    x: keras.KerasTensor, width: int, name: str, *, strides: int = 1
) -> keras.KerasTensor:
    """Convolution of 3 x 3, batch norm, ReLU up to `CEILING`."""
    return relu(linear(x, width, name, strides=strides), name)


def linear(
    x: keras.KerasTensor,
    width: int,
    name: str,
    *,
    kernel: int = 3,
    strides: int = 1,
) -> keras.KerasTensor:
    """Convolution and batch norm."""
    x = layers.Conv2D(
        width,
        kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=f"{name}_norm"
    )(x)


def relu(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """ReLU up to `CEILING`."""
    return layers.ReLU(max_value=CEILING, name=f"{name}_relu")(x)


def _with_scene(x: keras.KerasTensor) -> keras.KerasTensor:
    """Adds what the mean over the whole photo says about it everywhere."""
    width = x.shape[-1]
    mean = layers.GlobalAveragePooling2D(keepdims=True, name="scene_mean")(x)
    scene = relu(layers.Conv2D(width, 1, name="scene_a")(mean), "scene_a")
    scene = layers.Conv2D(width, 1, name="scene_b")(scene)
    return layers.Add(name="scene")([x, scene])


def _join(
    x: keras.KerasTensor, skip: keras.KerasTensor, width: int, level: int
) -> keras.KerasTensor:
    """Brings the coarser level to this one's size and adds its skip."""
    x = layers.Conv2D(
        width, 1, kernel_initializer="he_normal", name=f"up_{level}_conv"
    )(x)
    x = doubled(x, f"up_{level}")
    skip = linear(skip, width, f"skip_{level}", kernel=1)
    x = layers.Add(name=f"join_{level}")([x, skip])
    return relu(x, f"join_{level}")


def doubled(
    x: keras.KerasTensor, name: str, *, dtype: str | None = None
) -> keras.KerasTensor:
    """Twice the height and width, nearly bilinear and smooth, as layers.

    Doubled pixels under a 3 x 3 mean are a third of one pixel and two thirds
    of the next.
    """
    x = DoublePixels(name=f"{name}_pixels", dtype=dtype)(x)
    return layers.AveragePooling2D(
        SMOOTHING,
        strides=1,
        padding="same",
        name=f"{name}_smooth",
        dtype=dtype,
    )(x)


def double(x: keras.KerasTensor) -> keras.KerasTensor:
    """The same, of tensors."""
    x = _double_pixels(x)
    return ops.average_pool(x, SMOOTHING, strides=1, padding="same")


def _double_pixels(x: keras.KerasTensor) -> keras.KerasTensor:
    copies = ops.concatenate([x] * BLOCK**2, axis=-1)
    return ops.nn.depth_to_space(copies, BLOCK)
