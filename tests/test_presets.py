"""The named networks: which there are, and what a wrong name is told."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest

from keras_colorizer import presets
from keras_colorizer.config import TrainingConfig
from keras_colorizer.errors import ConfigError


@pytest.mark.parametrize("name", ["unet_256", "unet_128", "small", "tiny"])
def test_generators_of_the_contract_are_there(name):
    preset = presets.generator_preset(name)
    # A photo squashed to the render size must fit the network.
    assert preset.render_size % preset.multiple == 0


def test_pix2pix_generators_have_pix2pix_s_widths():
    # UnetGenerator(1, 2, num_downs, ngf=64): ngf, 2 ngf, 4 ngf, then 8 ngf.
    for name, levels in [("unet_256", 8), ("unet_128", 7)]:
        widths = presets.generator_preset(name).widths
        assert widths == (64, 128, 256) + (512,) * (levels - 3)


@pytest.mark.parametrize(
    ("name", "render_size"), [("unet_256", 256), ("unet_128", 128)]
)
def test_render_size_is_what_the_name_says(name, render_size):
    assert presets.generator_preset(name).render_size == render_size


@pytest.mark.parametrize(
    ("name", "multiple"),
    [
        ("unet_256", 256),
        ("unet_128", 128),
        ("small", 32),
        ("quick", 32),
        ("tiny", 8),
    ],
)
def test_multiple_is_two_to_the_number_of_levels(name, multiple):
    assert presets.generator_preset(name).multiple == multiple


def test_only_a_preset_with_an_encoder_of_its_own_is_frozen():
    assert TrainingConfig(preset="small", freeze_encoder=True).freeze_encoder
    for name in presets.GENERATORS:
        if name != "small":
            with pytest.raises(ConfigError, match="--freeze-encoder must be"):
                TrainingConfig(preset=name, freeze_encoder=True)


def test_discriminator_has_pix2pix_s_widths():
    assert presets.discriminator_preset("patchgan_70").widths == (
        64,
        128,
        256,
        512,
    )


@pytest.mark.parametrize("name", ["unet_512", "UNET_256", "", "patchgan_70"])
def test_unknown_generator_names_every_choice(name):
    with pytest.raises(ConfigError) as raised:
        presets.generator_preset(name)
    message = str(raised.value)
    assert f"generator preset `{name}`" in message
    for choice in presets.GENERATORS:
        assert choice in message


@pytest.mark.parametrize("name", ["patchgan_34", "unet_256"])
def test_unknown_discriminator_names_every_choice(name):
    with pytest.raises(ConfigError, match=f"`{name}`.*patchgan_70"):
        presets.discriminator_preset(name)


def test_presets_cannot_be_changed_by_mistake():
    with pytest.raises(FrozenInstanceError):
        presets.generator_preset("tiny").render_size = 64


def test_presets_import_neither_keras_nor_tensorflow():
    script = (
        "import sys, keras_colorizer.presets\n"
        "sys.exit(bool({'keras', 'tensorflow', 'numpy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
