"""The discriminator: a PatchGAN over (lightness, ab) pairs."""

import keras
from keras import layers

from keras_colorizer.networks.unet import KERNEL, LEAK, batch_norm, normal
from keras_colorizer.presets import discriminator_widths


def build_discriminator(
    preset: str = "patchgan_70", **overrides
) -> keras.Model:
    """Builds a PatchGAN.

    Every logit of `patchgan_70` judges a patch of 70 x 70 pixels.

    Args:
        preset: `patchgan_70`.
        **overrides: `widths`, the channels of each convolution but the last:
            all of them halve the height and width except the last named one.

    Returns:
        A functional model from `[lightness, ab]`, `(batch, h, w, 1)` and
        `(batch, h, w, 2)` in [-1, 1], to a patch map of logits, float32
        `(batch, h / 8 - 2, w / 8 - 2, 1)`.

    Raises:
        ConfigError: If there is no such preset.

    Source:
        Isola et al., 2017, section 6.1.2, https://arxiv.org/abs/1611.07004,
        and NLayerDiscriminator in junyanz/pytorch-CycleGAN-and-pix2pix,
        models/networks.py.
    """
    return _patchgan(**{"widths": discriminator_widths(preset), **overrides})


def _patchgan(*, widths):
    lightness = keras.Input((None, None, 1), name="lightness")
    ab = keras.Input((None, None, 2), name="ab")
    x = layers.Concatenate(name="lab")([lightness, ab])
    for level, width in enumerate(widths, start=1):
        strides = 1 if level == len(widths) else 2
        x = _conv(x, width, level, strides=strides, use_bias=level == 1)
        if level > 1:
            x = batch_norm(f"norm_{level}")(x)
        x = layers.LeakyReLU(LEAK, name=f"relu_{level}")(x)
    x = _conv(x, 1, len(widths) + 1, strides=1, use_bias=True)
    logits = layers.Activation("linear", dtype="float32", name="logits")(x)
    return keras.Model([lightness, ab], logits, name="discriminator")


def _conv(x, width, level, *, strides, use_bias):
    # Padding by one on each side, as PyTorch does; `same` differs from it
    # for stride 1 and for odd sizes.
    x = layers.ZeroPadding2D(1, name=f"pad_{level}")(x)
    return layers.Conv2D(
        width,
        KERNEL,
        strides=strides,
        use_bias=use_bias,
        kernel_initializer=normal(0.0),
        name=f"conv_{level}",
    )(x)
