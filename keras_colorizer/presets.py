"""The named networks, as data: nothing here imports Keras."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from keras_colorizer.errors import ConfigError


class Recipe(NamedTuple):
    """Settings of a run that suit a generator: by default pix2pix's.

    Attributes:
        discriminator: Name of its preset.
        learning_rate: Adam's, for both networks.
        pretrain_epochs: First epochs that train the generator alone.
    """

    discriminator: str = "patchgan_70"
    learning_rate: float = 2e-4
    pretrain_epochs: int = 0


@dataclass(frozen=True)
class GeneratorPreset:
    """The network that a name of `build_generator` stands for.

    Attributes:
        architecture: `unet` is pix2pix's, with transposed convolutions;
            `efficientnet_unet` has an encoder that can be pretrained, and
            `subpixel_unet` is the quickest to train; both are for phones.
        render_size: Side in pixels of the square that the network sees of a
            photo, whatever the photo's size.
        widths: Channels of each level, finest first; every level halves the
            height and width.
        options: Further keyword arguments of the architecture.
        recipe: To train it from nothing in a number of epochs.
    """

    architecture: str
    render_size: int
    widths: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    recipe: Callable[[int], Recipe] = lambda epochs: Recipe()

    @property
    def has_encoder(self) -> bool:
        """Whether its encoder can come trained, and be left as it is."""
        return self.architecture == "efficientnet_unet"

    @property
    def multiple(self) -> int:
        """Sides of an input must be multiples of this many pixels."""
        return 2 ** len(self.widths)


@dataclass(frozen=True)
class DiscriminatorPreset:
    """The network that a name of `build_discriminator` stands for.

    Attributes:
        widths: Channels of each convolution but the last.
        spectral_norm: Whether kernels are divided by their largest singular
            value, instead of batch norm.
    """

    widths: tuple[int, ...]
    spectral_norm: bool = False


GENERATORS = {
    "unet_256": GeneratorPreset(
        "unet", 256, (64, 128, 256, *[512] * 5), {"dropout_blocks": 3}
    ),
    "unet_128": GeneratorPreset(
        "unet", 128, (64, 128, 256, *[512] * 4), {"dropout_blocks": 2}
    ),
    "small": GeneratorPreset(
        "efficientnet_unet",
        224,
        (16, 24, 40, 112, 192),
        {"middle_width": 80, "decoder_widths": (32, 64, 128)},
    ),
    "quick": GeneratorPreset(
        "subpixel_unet",
        128,
        (16, 48, 96, 192, 208),
        {"decoder_widths": (16, 32, 64, 128), "residual_blocks": 2},
        lambda epochs: Recipe("patchgan_70_light", 1e-3, 4 * epochs // 5),
    ),
    "tiny": GeneratorPreset("unet", 32, (8, 16, 32), {"dropout_blocks": 1}),
}

DISCRIMINATORS = {
    "patchgan_70": DiscriminatorPreset((64, 128, 256, 512)),
    "patchgan_70_spectral": DiscriminatorPreset(
        (64, 128, 256, 512), spectral_norm=True
    ),
    "patchgan_70_light": DiscriminatorPreset(
        (32, 64, 128, 256), spectral_norm=True
    ),
}


def generator_preset(name: str) -> GeneratorPreset:
    """Returns the generator of this name.

    Raises:
        ConfigError: If there is none.
    """
    return _named("generator", GENERATORS, name)


def discriminator_preset(name: str) -> DiscriminatorPreset:
    """Returns the discriminator of this name.

    Raises:
        ConfigError: If there is none.
    """
    return _named("discriminator", DISCRIMINATORS, name)


def _named(kind: str, presets: dict[str, Any], name: str) -> Any:
    if name not in presets:
        raise ConfigError(
            f"There is no {kind} preset `{name}`: choose one of "
            f"{', '.join(presets)}."
        )
    return presets[name]
