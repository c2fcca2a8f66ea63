"""The callbacks of a run, in their order."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf
from rich.console import Console

from keras_colorizer.callbacks.checkpoints import Checkpoints
from keras_colorizer.callbacks.history import BestGenerator, History
from keras_colorizer.callbacks.loss_watch import LossWatch
from keras_colorizer.callbacks.validation import SampleSheets, Validation
from keras_colorizer.config import TrainingConfig
from keras_colorizer.data.photo_split import PhotoSplit
from keras_colorizer.label import Label
from keras_colorizer.training.report import Report
from keras_colorizer.training.run_folder import RunFolder

PROFILED = (6, 10)  # First and last step; the first one of all is compiled.


class RunCallbacks(NamedTuple):
    """The callbacks of a run: all, and two of them by name."""

    history: History
    checkpoints: Checkpoints
    in_order: list[keras.callbacks.Callback]  # Each may use earlier logs.


def run_callbacks(
    config: TrainingConfig,
    folder: RunFolder,
    split: PhotoSplit,
    label: Label,
    own: Iterable[keras.callbacks.Callback],
    console: Console,
) -> RunCallbacks:
    """Returns what writes the run folder.

    The user's own see the scores of the validation; what they log is written
    to `history.csv`.
    """
    curves = _curves(folder.logs, profile=config.profile)
    steps = split.steps_per_epoch
    validation = Validation(split.validation, console)
    samples = SampleSheets(validation, folder.samples, folder.logs)
    history = History(folder.history, steps, validation)
    best = BestGenerator(folder.generator, history, label)
    report = Report(folder, config, split, history)
    checkpoints = Checkpoints(
        folder.checkpoint, config.checkpoint_minutes, steps
    )
    watched = [LossWatch(console), validation, samples, best]
    in_order = [*watched, *own, curves, history, report, checkpoints]
    return RunCallbacks(history, checkpoints, in_order)


def _curves(folder: Path, *, profile: bool) -> keras.callbacks.TensorBoard:
    if profile:
        return ProfiledSteps(folder, write_graph=False, profile_batch=PROFILED)
    curves = keras.callbacks.TensorBoard(folder, write_graph=False)
    # Within an epoch it does nothing that steps would have to wait for.
    curves.async_safe = True
    return curves


class ProfiledSteps(keras.callbacks.TensorBoard):
    """Marks steps as a profile knows them: Keras' own mark lacks the `_r`."""

    def on_train_batch_begin(self, batch: int, logs: dict) -> None:
        super().on_train_batch_begin(batch, logs)
        trace = tf.profiler.experimental.Trace
        self._mark = trace("train", step_num=batch, _r=1)
        self._mark.__enter__()

    def on_train_batch_end(self, batch: int, logs: dict) -> None:
        self._mark.__exit__(None, None, None)
        super().on_train_batch_end(batch, logs)
