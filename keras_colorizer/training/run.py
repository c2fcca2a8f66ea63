"""The run itself: plan, train, report."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
from rich.console import Console

from keras_colorizer.callbacks.checkpoints import restore_newest
from keras_colorizer.callbacks.interruption import Interruption
from keras_colorizer.callbacks.loss_watch import LossWatch
from keras_colorizer.config import TrainingConfig, check_unchanged
from keras_colorizer.data.photo_reader import PhotoReader, unreadable_named
from keras_colorizer.training.devices import choose_devices, chosen_cluster
from keras_colorizer.training.loop import fit
from keras_colorizer.training.networks import build_gan
from keras_colorizer.training.photo_split import PhotoSplit, split_photos
from keras_colorizer.training.plan import print_plan
from keras_colorizer.training.report import (
    warn_of_changed_photos,
    write_report,
)
from keras_colorizer.training.run_callbacks import PROFILED, RunCallbacks
from keras_colorizer.training.run_folder import choose_run_folder
from keras_colorizer.training.schedule import segments
from keras_colorizer.training.shares import device_batches, device_encoding
from keras_colorizer.training.workers import (
    check_agreement,
    lost_workers,
    share_state,
    wait_for_all,
)


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Attributes:
        run_dir: The run folder.
        generator: Its best generator, a `.keras` file; None after a dry run,
            and on all workers but the first.
        history: A dictionary for every epoch: losses and validation scores.
    """

    run_dir: Path
    generator: Path | None
    history: list[dict]


def train(config: TrainingConfig) -> RunResult:
    """Trains a colorizer, as `python train.py` does.

    Keras' global random seed and precision are set; the precision is put back
    afterwards.

    Args:
        config: The settings.

    Returns:
        The run folder and its history.

    Raises:
        ColorizerError: If the settings, the photos, the run folder or the
            devices do not allow it, if training diverges, or if a worker is
            lost.
        KeyboardInterrupt: After Ctrl-C, once a checkpoint is saved.
    """
    folder = choose_run_folder(config)
    cluster = chosen_cluster(config)
    leads = cluster is None or cluster.is_chief
    if leads:
        _check_folder(folder, config)
    console = Console(quiet=not leads)
    devices = choose_devices(config, cluster)
    split = split_photos(config, quiet=not (leads and console.is_terminal))
    if leads and config.resume:
        warn_of_changed_photos(folder, split)
    with (
        _precision(config.precision),
        lost_workers(devices),
        unreadable_named(split.survey.photos),
    ):
        check_agreement(devices, config, split)
        with devices.strategy.scope():
            gan = build_gan(config, steps_per_epoch(config, split))
        print_plan(console, config, folder, split, gan, devices)
        if config.dry_run:
            wait_for_all(devices)
            return RunResult(folder.path, None, [])
        return _run(config, folder, split, gan, devices, console)


def steps_per_epoch(config: TrainingConfig, split: PhotoSplit) -> int:
    """Returns how many whole batches the training photos fill."""
    return len(split.training) // config.batch_size


def _check_folder(folder, config):
    if config.resume:
        check_unchanged(TrainingConfig.load(folder.config), config)
    else:
        folder.check_free()


@contextmanager
def _precision(precision) -> Iterator[None]:
    before = keras.config.dtype_policy()
    mixed = precision if precision == "float32" else f"mixed_{precision}"
    keras.config.set_dtype_policy(mixed)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _run(config, folder, split, gan, devices, console):
    if devices.is_chief and config.resume:
        restore_newest(gan, folder.checkpoint)
    share_state(devices, gan)
    if devices.is_chief:
        rows = _lead(config, folder, split, gan, devices, console)
        result = RunResult(folder.path, folder.generator, rows)
    else:
        _follow(config, split, gan, devices, console)
        result = RunResult(folder.path, None, [])
    wait_for_all(devices)
    return result


def _lead(config, folder, split, gan, devices, console):
    """Trains, writes the run folder, and returns the history."""
    folder.path.mkdir(parents=True, exist_ok=True)
    config.save(folder.config)
    steps = steps_per_epoch(config, split)
    run = RunCallbacks(config, folder, split, gan, steps=steps, console=console)
    write_report(folder, config, split, run.history.rows)
    try:
        with run.interruption:
            _fit(config, split, gan, devices, run.in_order(), console)
    except KeyboardInterrupt:
        run.checkpoints.save_within_epoch()
        _say_how_to_resume(console, folder)
        raise
    write_report(folder, config, split, run.history.rows)
    if config.profile:
        _say_where_the_profile_is(console, folder)
    return run.history.rows


def _follow(config, split, gan, devices, console):
    """Trains beside the chief, and writes nothing."""
    worker = devices.cluster.name(devices.cluster.index)
    print(f"{worker} computes; worker 0 writes the run.", flush=True)
    with Interruption() as interruption:
        callbacks = [interruption, LossWatch(console)]
        _fit(config, split, gan, devices, callbacks, console)


def _say_how_to_resume(console, folder):
    console.print(
        "Stopped and saved. Continue with: python train.py --resume "
        f"--run-dir {shlex.quote(str(folder.path))}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _say_where_the_profile_is(console, folder):
    if any(folder.logs.rglob("*.xplane.pb")):
        logs = shlex.quote(str(folder.logs))
        advice = f"See the profile with: tensorboard --logdir {logs}"
    else:
        advice = (
            f"Nothing was profiled: a stage needs {PROFILED[0]} steps in one "
            "go. Raise --epochs or lower --batch-size."
        )
    console.print(advice, markup=False, highlight=False, soft_wrap=True)


def _fit(config, split, gan, devices, callbacks, console):
    reader = PhotoReader(split.training, square=config.square)
    encode = device_encoding(devices, config)
    for segment in segments(
        gan.steps_done,
        epochs=config.epochs,
        pretrain_epochs=config.pretrain_epochs,
        steps_per_epoch=steps_per_epoch(config, split),
    ):
        gan.pretraining = segment.first_epoch < config.pretrain_epochs
        console.print(f"[bold]{_announced(segment, gan.pretraining)}")
        batches = device_batches(
            devices, reader, config, first_step=gan.steps_done
        )
        verbose = _verbosity(console)
        fit(gan, batches, encode, segment, callbacks, verbose=verbose)


def _verbosity(console):
    if console.quiet:
        return 0
    return 1 if console.is_terminal else 2


def _announced(segment, pretraining):
    epochs = f"Epochs {segment.first_epoch + 1} to {segment.end_epoch}"
    if pretraining:
        return f"{epochs}: pretraining, the generator alone with L1"
    return f"{epochs}: the generator against the discriminator"
