"""The run itself: plan, train, report."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf
from rich.console import Console

from keras_colorizer.callbacks.best_generator import BestGenerator
from keras_colorizer.callbacks.checkpoints import Checkpoints, restore_newest
from keras_colorizer.callbacks.history import History
from keras_colorizer.callbacks.interruption import Interruption
from keras_colorizer.callbacks.loss_watch import LossWatch
from keras_colorizer.callbacks.sample_sheets import SampleSheets
from keras_colorizer.callbacks.validation import Validation
from keras_colorizer.config import TrainingConfig, check_unchanged
from keras_colorizer.data.pipeline import (
    PhotoReader,
    training_batches,
    validation_batches,
)
from keras_colorizer.errors import TrainingError, first_line
from keras_colorizer.training.networks import build_gan
from keras_colorizer.training.photo_split import PhotoSplit, split_photos
from keras_colorizer.training.plan import print_plan
from keras_colorizer.training.report import (
    warn_of_changed_photos,
    write_report,
)
from keras_colorizer.training.run_folder import choose_run_folder
from keras_colorizer.training.schedule import segments

VALIDATION_BATCH = 16


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Attributes:
        run_dir: The run folder.
        generator: Its best generator, a `.keras` file; None after a dry run.
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
        ColorizerError: If the settings, the photos or the run folder do not
            allow it, or if training diverges.
        KeyboardInterrupt: After Ctrl-C, once a checkpoint is saved.
    """
    console = Console()
    folder = choose_run_folder(config)
    if config.resume:
        check_unchanged(TrainingConfig.load(folder.config), config)
    else:
        folder.check_free()
    split = split_photos(config, quiet=not console.is_terminal)
    if config.resume:
        warn_of_changed_photos(folder, split)
    with _precision(config.precision):
        gan = build_gan(config, steps_per_epoch(config, split))
        print_plan(console, config, folder, split, gan)
        if config.dry_run:
            return RunResult(folder.path, None, [])
        return _run(config, folder, split, gan, console)


def steps_per_epoch(config: TrainingConfig, split: PhotoSplit) -> int:
    """Returns how many whole batches the training photos fill."""
    return len(split.training) // config.batch_size


@contextmanager
def _precision(precision) -> Iterator[None]:
    before = keras.config.dtype_policy()
    mixed = precision if precision == "float32" else f"mixed_{precision}"
    keras.config.set_dtype_policy(mixed)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _run(config, folder, split, gan, console):
    if config.resume:
        restore_newest(gan, folder.checkpoint)
    folder.path.mkdir(parents=True, exist_ok=True)
    config.save(folder.config)
    callbacks = _callbacks(config, folder, split, gan, console)
    history, checkpoints = callbacks[-2:]
    write_report(folder, config, split, history.rows)
    try:
        with callbacks[0]:
            _fit(config, split, gan, callbacks, console)
    except KeyboardInterrupt:
        checkpoints.save_within_epoch()
        _say_how_to_resume(console, folder)
        raise
    except tf.errors.OpError as error:
        raise TrainingError(
            f"TensorFlow had to stop: {first_line(error)}. If memory ran out, "
            "lower --batch-size or --image-size; then go on with --resume."
        ) from None
    write_report(folder, config, split, history.rows)
    return RunResult(folder.path, folder.generator, history.rows)


def _callbacks(config, folder, split, gan, console):
    """Returns them in order: each may use what those before it have logged."""
    steps = steps_per_epoch(config, split)
    validation = Validation(_validation_batches(config, split), console)
    history = History(
        folder.history,
        finished_epochs=int(gan.steps) // steps,
        validation=validation,
    )
    checkpoints = Checkpoints(
        folder.checkpoint,
        minutes=config.checkpoint_minutes,
        steps_per_epoch=steps,
    )
    checkpoints.set_model(gan)  # Ctrl-C may come before `fit` does.
    return [
        Interruption(),
        LossWatch(console),
        validation,
        SampleSheets(validation.batches, folder.samples, folder.logs),
        BestGenerator(
            folder.generator,
            history,
            preset=config.generator,
            render_size=config.square,
        ),
        keras.callbacks.TensorBoard(folder.logs, write_graph=False),
        history,
        checkpoints,
    ]


def _say_how_to_resume(console, folder):
    console.print(
        "Stopped and saved. Continue with: python train.py --resume "
        f"--run-dir {shlex.quote(str(folder.path))}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _fit(config, split, gan, callbacks, console):
    reader = PhotoReader(split.training, square=config.square)
    for segment in segments(
        int(gan.steps),
        epochs=config.epochs,
        pretrain_epochs=config.pretrain_epochs,
        steps_per_epoch=steps_per_epoch(config, split),
    ):
        gan.pretraining = segment.first_epoch < config.pretrain_epochs
        console.print(f"[bold]{_announced(segment, gan.pretraining)}")
        batches = training_batches(
            reader,
            batch_size=config.batch_size,
            seed=config.seed,
            first_step=int(gan.steps),
            balance=config.balance,
            old_photos=config.old_photos,
        )
        gan.fit(
            batches,
            initial_epoch=segment.first_epoch,
            epochs=segment.end_epoch,
            steps_per_epoch=segment.steps,
            callbacks=callbacks,
            verbose=1 if console.is_terminal else 2,
            shuffle=False,  # Keras would warn that it cannot.
        )


def _announced(segment, pretraining):
    epochs = f"Epochs {segment.first_epoch + 1} to {segment.end_epoch}"
    if pretraining:
        return f"{epochs}: pretraining, the generator alone with L1"
    return f"{epochs}: the generator against the discriminator"


def _validation_batches(config, split):
    reader = PhotoReader(split.validation, square=config.square)
    return validation_batches(reader, batch_size=VALIDATION_BATCH)
