"""The discriminator: a PatchGAN over (lightness, ab) pairs."""

import dataclasses
from typing import Any

import keras
from keras import layers

from keras_colorizer.networks.unet import KERNEL, LEAK, batch_norm, normal
from keras_colorizer.presets import discriminator_preset


def build_discriminator(
    preset: str = "patchgan_70", **overrides: Any
) -> keras.Model:
    """Builds a PatchGAN.

    Every logit of `patchgan_70` judges a patch of 70 x 70 pixels.

    Args:
        preset: `patchgan_70`, pix2pix's; `patchgan_70_spectral`, the same
            with spectral norm in place of batch norm; or `patchgan_70_light`,
            that with half the widths, a quarter of the work.
        **overrides: `widths`, the channels of each convolution but the last:
            all of them halve the height and width except the last named one;
            `spectral_norm`.

    Returns:
        A functional model from `[lightness, ab]`, `(batch, h, w, 1)` and
        `(batch, h, w, 2)` in [-1, 1], to a patch map of logits, float32
        `(batch, h / 8 - 2, w / 8 - 2, 1)`.

    Raises:
        ConfigError: If there is no such preset.

    Example:
        ```python
        discriminator = build_discriminator("patchgan_70")
        lightness = keras.random.uniform((1, 256, 256, 1), -1, 1)
        ab = keras.random.uniform((1, 256, 256, 2), -1, 1)
        logits = discriminator([lightness, ab])  # (1, 30, 30, 1)
        ```

    Source:
        Isola et al., 2017, section 6.1.2, https://arxiv.org/abs/1611.07004,
        and NLayerDiscriminator in junyanz/pytorch-CycleGAN-and-pix2pix,
        models/networks.py. Spectral norm: Miyato et al., 2018,
        https://arxiv.org/abs/1802.05957.
    """
    spec = discriminator_preset(preset)
    return _patchgan(**{**dataclasses.asdict(spec), **overrides})


def _patchgan(*, widths: tuple[int, ...], spectral_norm: bool) -> keras.Model:
    lightness = keras.Input((None, None, 1), name="lightness")
    ab = keras.Input((None, None, 2), name="ab")
    x = layers.Concatenate(name="lab")([lightness, ab])
    for level, width in enumerate(widths, start=1):
        strides = 1 if level == len(widths) else 2
        normed = level > 1 and not spectral_norm
        x = _pad(x, level)
        x = _conv(
            width,
            level,
            strides=strides,
            use_bias=not normed,
            spectral_norm=spectral_norm,
        )(x)
        if normed:
            x = batch_norm(f"norm_{level}")(x)
        x = layers.LeakyReLU(LEAK, name=f"relu_{level}")(x)
    last = len(widths) + 1
    x = _conv(1, last, strides=1, use_bias=True, spectral_norm=spectral_norm)(
        _pad(x, last)
    )
    logits = layers.Activation("linear", dtype="float32", name="logits")(x)
    return keras.Model([lightness, ab], logits, name="discriminator")


def _pad(x: keras.KerasTensor, level: int) -> keras.KerasTensor:
    # By one on each side, as PyTorch does; `same` differs from it for stride
    # 1 and for odd sizes.
    return layers.ZeroPadding2D(1, name=f"pad_{level}")(x)


def _conv(
    width: int,
    level: int,
    *,
    strides: int,
    use_bias: bool,
    spectral_norm: bool,
) -> layers.Layer:
    conv = layers.Conv2D(
        width,
        KERNEL,
        strides=strides,
        use_bias=use_bias,
        kernel_initializer=normal(0.0),
        name=f"conv_{level}",
    )
    if spectral_norm:
        return layers.SpectralNormalization(conv, name=f"spectral_{level}")
    return conv
