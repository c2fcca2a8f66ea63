"""Which callbacks a run is trained with."""

import keras
from rich.console import Console

from keras_colorizer.callbacks.best_generator import BestGenerator
from keras_colorizer.callbacks.checkpoints import Checkpoints
from keras_colorizer.callbacks.history import History
from keras_colorizer.callbacks.interruption import Interruption
from keras_colorizer.callbacks.loss_watch import LossWatch
from keras_colorizer.callbacks.sample_sheets import SampleSheets
from keras_colorizer.callbacks.validation import Validation
from keras_colorizer.config import TrainingConfig
from keras_colorizer.data.photo_reader import PhotoReader
from keras_colorizer.data.pipeline import validation_batches
from keras_colorizer.gan import ColorizationGAN
from keras_colorizer.training.photo_split import PhotoSplit
from keras_colorizer.training.run_folder import RunFolder

VALIDATION_BATCH = 16
PROFILED = (6, 10)  # First and last step; the first one of all is compiled.


class RunCallbacks:
    """The callbacks of the process that writes the run folder.

    Args:
        config: The settings.
        folder: Where they write.
        split: The photos.
        gan: The compiled networks.
        steps: Steps of an epoch.
        console: Where they print.

    Attributes:
        interruption: A context in which Ctrl-C waits for the end of a step.
        history: Has a row for every epoch.
        checkpoints: Can save between two steps.
    """

    def __init__(
        self,
        config: TrainingConfig,
        folder: RunFolder,
        split: PhotoSplit,
        gan: ColorizationGAN,
        *,
        steps: int,
        console: Console,
    ):
        self.interruption = Interruption()
        self.loss_watch = LossWatch(console)
        self.validation = Validation(_held_out(config, split), console)
        self.samples = SampleSheets(
            self.validation.batches, folder.samples, folder.logs
        )
        self.history = History(
            folder.history,
            finished_epochs=gan.steps_done // steps,
            validation=self.validation,
        )
        self.best = BestGenerator(
            folder.generator,
            self.history,
            preset=config.generator,
            render_size=config.square,
        )
        self.checkpoints = Checkpoints(
            folder.checkpoint,
            minutes=config.checkpoint_minutes,
            steps_per_epoch=steps,
        )
        self.curves = keras.callbacks.TensorBoard(
            folder.logs,
            write_graph=False,
            profile_batch=PROFILED if config.profile else 0,
        )
        self.checkpoints.set_model(gan)  # Ctrl-C may come before training.

    def in_order(self) -> list[keras.callbacks.Callback]:
        """Returns them so that each may use what those before have logged."""
        return [
            self.interruption,
            self.loss_watch,
            self.validation,
            self.samples,
            self.best,
            self.curves,
            self.history,
            self.checkpoints,
        ]


def _held_out(config, split):
    reader = PhotoReader(split.validation, square=config.square)
    return validation_batches(reader, batch_size=VALIDATION_BATCH)
