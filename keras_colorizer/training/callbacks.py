"""The callbacks of a run, in their order."""

from collections.abc import Iterable
from pathlib import Path

import keras
import tensorflow as tf
from rich.console import Console

from keras_colorizer.callbacks.history import BestGenerator, History
from keras_colorizer.callbacks.loss_watch import LossWatch
from keras_colorizer.callbacks.validation import SampleSheets, Validation
from keras_colorizer.config import TrainingConfig
from keras_colorizer.data.survey import Survey
from keras_colorizer.label import Label
from keras_colorizer.training.report import Report
from keras_colorizer.training.run_folder import RunFolder
from keras_colorizer.training.stages import SecondHalfDecay

PROFILED = (6, 10)  # First and last step; the first one of all is compiled.


def run_callbacks(
    config: TrainingConfig,
    folder: RunFolder,
    survey: Survey,
    label: Label,
    own: Iterable[keras.callbacks.Callback],
    console: Console,
) -> list[keras.callbacks.Callback]:
    """Returns what writes the run folder, but for checkpoints.

    Each may use what earlier ones log. The user's own see the scores of the
    validation; what they log is written to `history.csv`.
    """
    validation = Validation(survey, console)
    history = History(folder.history, survey.steps_per_epoch, validation)
    return [
        SecondHalfDecay(config.recipe.learning_rate, config.epochs),
        LossWatch(console),
        validation,
        SampleSheets(validation, folder.samples, folder.logs),
        BestGenerator(folder.generator, history, label),
        *own,
        _curves(folder.logs, profile=config.profile),
        history,
        Report(folder, config, survey, history),
    ]


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
