"""What a run is about to do, in words."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keras_colorizer.config import TrainingConfig
from keras_colorizer.data.survey import short_side_for
from keras_colorizer.gan import ColorizationGAN
from keras_colorizer.training.devices import Devices, describe
from keras_colorizer.training.photo_split import PhotoSplit
from keras_colorizer.training.run_folder import RunFolder

MIB = 2**20


def print_plan(
    console: Console,
    config: TrainingConfig,
    folder: RunFolder,
    split: PhotoSplit,
    gan: ColorizationGAN,
    devices: Devices,
) -> None:
    """Prints device, networks, photos, memory and files.

    Args:
        console: Where to print.
        config: The settings.
        folder: Where the run will write.
        split: The photos.
        gan: The compiled networks.
        devices: What they compute on.
    """
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    for row in [
        ("device", describe(devices)),
        ("generator", f"{config.generator}, {_parameters(gan.generator)}"),
        (
            "discriminator",
            f"{config.discriminator}, {_parameters(gan.discriminator)}",
        ),
        ("precision", config.precision + ", XLA" * config.jit_compile),
        ("photos", _photos(split)),
        ("left out", _left_out(split.survey)),
        ("training", _training(config, split)),
        ("memory", _memory(config, split, gan)),
        ("writes to", f"{folder.path}/: samples/, history.csv, logs/, "),
        ("", "generator.keras, checkpoint/, report.json, config.json"),
    ]:
        table.add_row(*map(escape, row))
    console.print(table)


def _parameters(network):
    count = sum(v.shape.num_elements() for v in _tensors(network))
    return f"{count:,} trainable parameters"


def _tensors(network):
    return [variable.value for variable in network.trainable_variables]


def _photos(split):
    return (
        f"{len(split.training):,} to train on, {len(split.validation):,} to "
        "validate with"
    )


def _left_out(survey):
    return (
        f"{len(survey.colorless):,} without color, "
        f"{len(survey.unreadable):,} unreadable, "
        f"{len(survey.duplicates):,} duplicates (named in report.json)"
    )


def _training(config, split):
    steps = len(split.training) // config.batch_size
    return (
        f"{config.epochs} epochs, steps in each: {steps:,}, of "
        f"{config.batch_size} squares of {config.square} x {config.square} "
        f"pixels; the first {config.pretrain_epochs} epochs with L1 alone"
    )


def _memory(config, split, gan):
    side = short_side_for(config.square)
    photos = split.survey.decoded_bytes / MIB
    where = "kept in memory" if split.survey.is_cached else "read every epoch"
    variables = [
        *gan.variables,
        *gan.generator_optimizer.variables,
        *gan.discriminator_optimizer.variables,
    ]
    held = sum(variable.value.shape.num_elements() for variable in variables)
    return (
        f"{photos:,.0f} MiB of photos (short side {side} or more), {where}; "
        f"{4 * held / MIB:,.0f} MiB of weights, moving average and optimizers; "
        "and the activations of a step"
    )
