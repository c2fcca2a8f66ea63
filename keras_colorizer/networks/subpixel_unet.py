"""A U-Net for phones: 3 x 3 convolutions, upsampling by depth-to-space.

Every layer is one that TFLite's GPU delegates take as it is: batch norm folds
into the convolution before it, and depth-to-space needs no shape arithmetic.

Nothing is learnt per sub-pixel: upsampling is fixed and smooth, so no grid of
coarse cells can show, and fine detail comes from the skip connections alone.

Source: He et al., 2016, for the residual blocks,
https://arxiv.org/abs/1512.03385; Odena et al., 2016, for resizing before a
convolution, https://distill.pub/2016/deconv-checkerboard; Iizuka et al., 2016,
for telling every place what the whole scene is,
https://doi.org/10.1145/2897824.2925974.
"""

import keras
from keras import layers, ops

BLOCK = 2  # Depth-to-space turns groups of 2 x 2 channels into pixels.
SMOOTHING = 3  # Pixels on a side of the mean that rounds off doubled pixels.
AB_STDDEV = 0.005  # Of the last kernel: the first photos come out grey.
# The same ceiling for every activation leaves 8-bit arithmetic a fine step.
CEILING = 6.0


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
    x = _with_scene(x, widths[-1])
    for level in range(len(widths) - 1, 0, -1):
        width = decoder_widths[level - 1]
        x = _join(x, skips.pop(), width, level)
        x = _conv(x, width, f"decoder_{level}")
    x = layers.Conv2D(
        2,
        3,
        padding="same",
        kernel_initializer=keras.initializers.RandomNormal(0.0, AB_STDDEV),
        name="half_ab",
    )(x)
    x = _double(x, "ab")
    ab = layers.Activation("tanh", dtype="float32", name="ab")(x)
    return keras.Model(lightness, ab, name="generator")


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


def _encode(x, widths):
    levels = []
    for level, width in enumerate(widths, start=1):
        x = _conv(x, width, f"down_{level}", strides=2)
        levels.append(x)
    return levels


def _residual(x, width, name):
    y = _conv(x, width, f"{name}_a")
    y = _linear(y, width, f"{name}_b")
    x = layers.Add(name=name)([x, y])
    return _relu(x, name)


def _with_scene(x, width):
    """Adds what the mean over the whole photo says about it everywhere."""
    mean = layers.GlobalAveragePooling2D(keepdims=True, name="scene_mean")(x)
    scene = _relu(layers.Conv2D(width, 1, name="scene_a")(mean), "scene_a")
    scene = layers.Conv2D(width, 1, name="scene_b")(scene)
    return layers.Add(name="scene")([x, scene])


def _join(x, skip, width, level):
    """Brings the coarser level to this one's size and adds its skip."""
    x = layers.Conv2D(
        width, 1, kernel_initializer="he_normal", name=f"up_{level}_conv"
    )(x)
    x = _double(x, f"up_{level}")
    skip = _linear(skip, width, f"skip_{level}", kernel=1)
    x = layers.Add(name=f"join_{level}")([x, skip])
    return _relu(x, f"join_{level}")


def _double(x, name):
    # Doubled pixels under a 3 x 3 mean are a third of one pixel and two
    # thirds of the next: nearly bilinear, and smooth.
    x = DoublePixels(name=f"{name}_pixels")(x)
    return layers.AveragePooling2D(
        SMOOTHING, strides=1, padding="same", name=f"{name}_smooth"
    )(x)


def _conv(x, width, name, *, strides=1):
    return _relu(_linear(x, width, name, strides=strides), name)


def _relu(x, name):
    return layers.ReLU(max_value=CEILING, name=f"{name}_relu")(x)


def _linear(x, width, name, *, kernel=3, strides=1):
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
