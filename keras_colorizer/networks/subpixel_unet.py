"""A U-Net for phones: 3 x 3 convolutions, upsampling by depth-to-space.

Every layer is one that TFLite's GPU delegates take as it is: batch norm folds
into the convolution before it, and depth-to-space needs no shape arithmetic.

Source: Shi et al., 2016, for the sub-pixel convolution,
https://arxiv.org/abs/1609.05158; He et al., 2016, for the residual blocks,
https://arxiv.org/abs/1512.03385.
"""

import keras
from keras import layers, ops

BLOCK = 2  # Depth-to-space turns groups of 2 x 2 channels into pixels.


def build_subpixel_unet(
    *, widths: tuple[int, ...], residual_blocks: int
) -> keras.Model:
    """Builds the network.

    Args:
        widths: Channels of each level, finest first.
        residual_blocks: How many blocks work at the coarsest level.

    Returns:
        A functional model from `lightness` to `ab`, see `build_generator`.
    """
    lightness = keras.Input((None, None, 1), name="lightness")
    *skips, x = _encode(lightness, widths)
    for block in range(residual_blocks):
        x = _residual(x, widths[-1], f"residual_{block + 1}")
    for level in range(len(widths), 1, -1):
        # Half as wide as the encoder: fine levels cost most and tell least.
        x = _up(x, widths[level - 2] // 2, f"up_{level}")
        x = layers.Concatenate(name=f"skip_{level - 1}")([skips.pop(), x])
    x = layers.Conv2D(2 * BLOCK**2, 3, padding="same", name="up_1_conv")(x)
    x = DepthToSpace(name="up_1_pixels")(x)
    ab = layers.Activation("tanh", dtype="float32", name="ab")(x)
    return keras.Model(lightness, ab, name="generator")


@keras.saving.register_keras_serializable("keras_colorizer")
class DepthToSpace(layers.Layer):
    """Rearranges `(batch, h, w, 4 c)` into `(batch, 2 h, 2 w, c)`."""

    def call(self, features):
        return ops.nn.depth_to_space(features, BLOCK)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        doubled = [side and BLOCK * side for side in (height, width)]
        return (batch, *doubled, channels // BLOCK**2)


def _encode(x, widths):
    levels = []
    for level, width in enumerate(widths, start=1):
        x = _conv(x, width, f"down_{level}", strides=2)
        levels.append(x)
    return levels


def _residual(x, width, name):
    y = _conv(x, width, f"{name}_a")
    return layers.Add(name=name)([x, _conv(y, width, f"{name}_b")])


def _up(x, width, name):
    x = _conv(x, BLOCK**2 * width, name)
    return DepthToSpace(name=f"{name}_pixels")(x)


def _conv(x, width, name, *, strides=1):
    x = layers.Conv2D(
        width,
        3,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    x = layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, name=f"{name}_norm"
    )(x)
    return layers.ReLU(name=f"{name}_relu")(x)
