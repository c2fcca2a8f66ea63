"""pix2pix's U-Net, layer by layer as junyanz wrote it.

Source: Isola et al., 2017, section 6.1.1, https://arxiv.org/abs/1611.07004,
and UnetGenerator in junyanz/pytorch-CycleGAN-and-pix2pix, models/networks.py.
"""

import keras
from keras import layers

KERNEL = 4
LEAK = 0.2


def build_unet(
    *, widths: tuple[int, ...], dropout_blocks: int, dropout: float = 0.5
) -> keras.Model:
    """Builds the U-Net.

    Args:
        widths: Channels of each level, finest first, at least two.
        dropout_blocks: How many decoder blocks drop out, counted from the
            coarsest; the innermost never does.
        dropout: Share of the activations they drop in training.

    Returns:
        A functional model from `lightness` to `ab`, see `build_generator`.
    """
    lightness = keras.Input((None, None, 1), name="lightness")
    *skips, x = _encode(lightness, widths)
    for level in range(len(widths), 1, -1):
        x = _up(x, level, widths[level - 2])
        if 0 < len(widths) - level <= dropout_blocks:
            x = layers.Dropout(dropout, name=f"up_{level}_dropout")(x)
        x = layers.Concatenate(name=f"skip_{level - 1}")([skips.pop(), x])
    x = layers.ReLU(name="up_1_relu")(x)
    x = _transposed(2, use_bias=True, name="up_1_conv")(x)
    ab = layers.Activation("tanh", dtype="float32", name="ab")(x)
    return keras.Model(lightness, ab, name="generator")


def _encode(
    x: keras.KerasTensor, widths: tuple[int, ...]
) -> list[keras.KerasTensor]:
    levels = []
    for level, width in enumerate(widths, start=1):
        x = _down(x, level, width, innermost=level == len(widths))
        levels.append(x)
    return levels


def _down(
    x: keras.KerasTensor, level: int, width: int, *, innermost: bool
) -> keras.KerasTensor:
    outermost = level == 1
    if not outermost:
        x = layers.LeakyReLU(LEAK, name=f"down_{level}_relu")(x)
    x = layers.Conv2D(
        width,
        KERNEL,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer=normal(0.0),
        name=f"down_{level}_conv",
    )(x)
    if outermost or innermost:
        return x
    return batch_norm(f"down_{level}_norm")(x)


def _up(x: keras.KerasTensor, level: int, width: int) -> keras.KerasTensor:
    x = layers.ReLU(name=f"up_{level}_relu")(x)
    x = _transposed(width, use_bias=False, name=f"up_{level}_conv")(x)
    return batch_norm(f"up_{level}_norm")(x)


def _transposed(width: int, *, use_bias: bool, name: str) -> layers.Layer:
    return layers.Conv2DTranspose(
        width,
        KERNEL,
        strides=2,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=normal(0.0),
        name=name,
    )


def normal(mean: float) -> keras.initializers.Initializer:
    """Returns pix2pix's initializer, N(mean, 0.02)."""
    return keras.initializers.RandomNormal(mean, 0.02)


def batch_norm(name: str) -> keras.layers.Layer:
    """Returns batch norm with PyTorch's constants and pix2pix's scale."""
    return layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, gamma_initializer=normal(1.0), name=name
    )
