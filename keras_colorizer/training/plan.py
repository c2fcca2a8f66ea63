"""The plan of a run, in words."""

import os
import shlex

import keras
import tensorflow as tf
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keras_colorizer.config import AUTO, TrainingConfig
from keras_colorizer.data.survey import Survey
from keras_colorizer.gan import ColorizationGAN
from keras_colorizer.training.run_folder import RunFolder

MIB = 2**20


def print_plan(
    console: Console,
    config: TrainingConfig,
    folder: RunFolder,
    survey: Survey,
    gan: ColorizationGAN,
) -> None:
    """Prints device, networks, photos, memory and files."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")  # Of paths, too, nothing is cut off.
    for name, text in _rows(config, folder, survey, gan).items():
        table.add_row(name, escape(text))
    console.print(table)


def _rows(
    config: TrainingConfig,
    folder: RunFolder,
    survey: Survey,
    gan: ColorizationGAN,
) -> dict[str, str]:
    side, recipe = config.square, config.recipe
    rows = {
        "device": _devices(gan.distribute_strategy),
        "generator": f"{config.generator}, {_size(gan.generator)}"
        + _reason(config),
        "discriminator": f"{recipe.discriminator}, {_size(gan.discriminator)}",
        "precision": config.precision + ", XLA" * config.jit_compile,
        "photos": f"{len(survey.training):,} to train on, "
        f"{len(survey.validation):,} to validate with",
        "left out": f"{len(survey.colorless):,} without color, "
        f"{len(survey.unreadable):,} unreadable, {len(survey.duplicates):,} "
        "duplicates (named in report.json)",
        "training": f"{config.epochs} epochs; steps in each: "
        f"{survey.steps_per_epoch:,}, of {config.batch_size} squares of {side}"
        f" x {side} pixels; draws of each photo in an epoch: {survey.draws}"
        f"{_pretraining(recipe.pretrain_epochs)}",
        "memory": _memory(survey, gan),
        "writes to": f"{folder.path}/: samples/, history.csv, logs/, "
        "generator.keras, old_photo.png, checkpoint/, report.json, config.json",
    }
    if config.profile:
        logs = shlex.quote(str(folder.logs))
        rows["profile"] = f"tensorboard --logdir {logs}"
    return rows


def _reason(config: TrainingConfig) -> str:
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    if config.generator == "unet_256" and not has_gpu:
        return "; without a GPU it trains for hours, quick for minutes"
    if config.preset != AUTO or config.init is not None:
        return ""
    if config.generator == "unet_256":
        return "; --preset auto, as TensorFlow sees a GPU"
    return "; --preset auto, as TensorFlow sees no GPU: trained in minutes"


def _pretraining(epochs: int) -> str:
    return f"; the first {epochs} epochs with L1 alone" if epochs else ""


def _devices(strategy: tf.distribute.Strategy) -> str:
    gpus = tf.config.list_physical_devices("GPU")
    kind = f"CPU, {os.cpu_count()} cores"
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        kind = details.get("device_name", "GPU")
    count = strategy.num_replicas_in_sync
    if count > 1:
        return f"{count} x {kind} (mirrored)"
    return kind if len(gpus) < 2 else f"{kind}, one of {len(gpus)} (single)"


def _size(network: keras.Model) -> str:
    return f"{_elements(network.trainable_variables):,} trainable parameters"


def _elements(variables: list[keras.Variable]) -> int:
    return sum(variable.value.shape.num_elements() for variable in variables)


def _memory(survey: Survey, gan: ColorizationGAN) -> str:
    held = _elements([*gan.variables, *gan.optimizer.variables])
    kept = [p.pixels.nbytes for p in survey.photos if p.pixels is not None]
    left = len(survey.photos) - len(kept)
    others = f" ({left:,} are read every epoch)" if left else ""
    return (
        f"{sum(kept) / MIB:,.0f} MiB of photos{others}; {4 * held / MIB:,.0f} "
        "MiB of weights, moving average and optimizers; and the activations "
        "of a step"
    )
