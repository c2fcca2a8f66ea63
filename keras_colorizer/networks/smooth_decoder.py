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


def decode(levels: list, widths: tuple[int, ...]):
    """Builds the decoder.

    Args:
        levels: What the encoder found at each level, finest first: symbolic
            `(batch, h, w, channels)`, each half as high and wide as the one
            before, the first half the photo's.
        widths: Channels of the decoder at each level but the coarsest, finest
            first.

    Returns:
        Symbolic `ab`, `(batch, h, w, 2)` float32 in [-1, 1], at the photo's
        height and width.
    """
    *skips, x = levels
    x = _with_scene(x)
    for level in range(len(skips), 0, -1):
        width = widths[level - 1]
        x = _join(x, skips.pop(), width, level)
        x = conv(x, width, f"decoder_{level}")
    x = layers.Conv2D(
        2,
        3,
        padding="same",
        kernel_initializer=keras.initializers.RandomNormal(0.0, AB_STDDEV),
        name="half_ab",
    )(x)
    x = _double(x, "ab")
    return layers.Activation("tanh", dtype="float32", name="ab")(x)


@keras.saving.register_keras_serializable("keras_colorizer")
class DoublePixels(layers.Layer):
    """Makes 2 x 2 equal pixels of each.

    `UpSampling2D` does the same, but TFLite converts it to operations that
    phones do not run fast.
    """

    def call(self, features):
        copies = ops.concatenate([features] * BLOCK**2, axis=-1)
        return ops.nn.depth_to_space(copies, BLOCK)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        doubled = [side and BLOCK * side for side in (height, width)]
        return (batch, *doubled, channels)


def conv(x, width: int, name: str, *, strides: int = 1):
    """Convolution of 3 x 3, batch norm, ReLU up to `CEILING`."""
    return relu(linear(x, width, name, strides=strides), name)


def linear(x, width: int, name: str, *, kernel: int = 3, strides: int = 1):
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


def relu(x, name: str):
    """ReLU up to `CEILING`."""
    return layers.ReLU(max_value=CEILING, name=f"{name}_relu")(x)


def _with_scene(x):
    """Adds what the mean over the whole photo says about it everywhere."""
    width = x.shape[-1]
    mean = layers.GlobalAveragePooling2D(keepdims=True, name="scene_mean")(x)
    scene = relu(layers.Conv2D(width, 1, name="scene_a")(mean), "scene_a")
    scene = layers.Conv2D(width, 1, name="scene_b")(scene)
    return layers.Add(name="scene")([x, scene])


def _join(x, skip, width, level):
    """Brings the coarser level to this one's size and adds its skip."""
    x = layers.Conv2D(
        width, 1, kernel_initializer="he_normal", name=f"up_{level}_conv"
    )(x)
    x = _double(x, f"up_{level}")
    skip = linear(skip, width, f"skip_{level}", kernel=1)
    x = layers.Add(name=f"join_{level}")([x, skip])
    return relu(x, f"join_{level}")


def _double(x, name):
    # Doubled pixels under a 3 x 3 mean are a third of one pixel and two
    # thirds of the next: nearly bilinear, and smooth.
    x = DoublePixels(name=f"{name}_pixels")(x)
    return layers.AveragePooling2D(
        SMOOTHING, strides=1, padding="same", name=f"{name}_smooth"
    )(x)
