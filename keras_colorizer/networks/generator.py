"""The generator: from lightness to ab."""

from collections.abc import Callable
from typing import Any

import keras

from keras_colorizer.networks.efficientnet_unet import (
    build_efficientnet_unet,
)
from keras_colorizer.networks.subpixel_unet import build_subpixel_unet
from keras_colorizer.networks.unet import build_unet
from keras_colorizer.presets import generator_preset

ARCHITECTURES: dict[str, Callable[..., keras.Model]] = {
    "unet": build_unet,
    "efficientnet_unet": build_efficientnet_unet,
    "subpixel_unet": build_subpixel_unet,
}


def build_generator(preset: str = "unet_256", **overrides: Any) -> keras.Model:
    """Builds a generator.

    Args:
        preset: `unet_256`, `unet_128`, `small`, `quick` or `tiny`.
        **overrides: Arguments of the architecture that differ from the
            preset's: `widths` and, for the pix2pix U-Nets, `dropout_blocks`
            and `dropout`; for `small`, `middle_width` and `decoder_widths`;
            for `quick`, `decoder_widths` and `residual_blocks`.

    Returns:
        A functional model from `lightness`, `(batch, h, w, 1)` in [-1, 1], to
        `ab`, `(batch, h, w, 2)` float32 in [-1, 1]. Height and width may be
        any multiples of `2 ** len(widths)`.

    Raises:
        ConfigError: If there is no such preset.

    Example:
        ```python
        generator = build_generator("unet_256")
        lightness = keras.random.uniform((1, 256, 256, 1), -1, 1)
        ab = generator(lightness)  # (1, 256, 256, 2)
        ```
    """
    spec = generator_preset(preset)
    arguments = {"widths": spec.widths, **spec.options, **overrides}
    return ARCHITECTURES[spec.architecture](**arguments)
