"""Everything that a run needs to go on, after every epoch."""

import time
import warnings
from pathlib import Path

import keras

from keras_colorizer.callbacks.loss_watch import check_finite
from keras_colorizer.errors import (
    ArtifactError,
    ColorizerWarning,
    TrainingError,
    first_line,
)
from keras_colorizer.files import whole_file

PATTERN = "step_{:09d}.weights.h5"
KEPT = 2  # Should the newest be damaged, the one before it serves.


class Checkpoints(keras.callbacks.Callback):
    """Saves both networks, both optimizers and the moving average.

    Keras' `BackupAndRestore` writes weights and epoch one after the other; a
    run killed between the two would resume wrongly. Here the step is the
    file's name, and the name appears with the last byte.

    Must be the last callback: a checkpoint at the end of an epoch says that
    its validation, pictures and history are written, too.

    Args:
        folder: Where to keep the newest checkpoints.
        minutes: Also save within an epoch when the last one is this old.
        steps_per_epoch: Steps of an epoch.
    """

    def __init__(self, folder: Path, *, minutes: float, steps_per_epoch: int):
        super().__init__()
        self.folder = folder
        self.seconds = 60 * minutes
        self.steps_per_epoch = steps_per_epoch

    def on_train_begin(self, logs=None):
        self._saved = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self._saved > self.seconds:
            self.save_within_epoch()

    def on_epoch_end(self, epoch, logs=None):
        self.save()

    def save_within_epoch(self) -> None:
        """Saves unless an epoch's steps are done but not yet its books."""
        if self.model.steps_done % self.steps_per_epoch:
            self.save()

    def save(self) -> None:
        """Writes a checkpoint of the model as it is now.

        Raises:
            TrainingError: If it cannot be written, or is not worth it.
        """
        check_finite(self.model)
        path = self.folder / PATTERN.format(self.model.steps_done)
        try:
            with whole_file(path) as temporary:
                self.model.save_weights(temporary)
        except (OSError, RuntimeError) as error:
            raise TrainingError(
                f"The checkpoint `{path}` cannot be written ({error}). "
                "Older ones are kept: make room and continue with --resume."
            ) from None
        for old in list_checkpoints(self.folder)[:-KEPT]:
            old.unlink()
        self._saved = time.monotonic()


def list_checkpoints(folder: Path) -> list[Path]:
    """Returns a run's checkpoints, oldest first."""
    return sorted(folder.glob(PATTERN.replace("{:09d}", "*")))


def restore_newest(gan: keras.Model, folder: Path) -> None:
    """Loads the newest checkpoint that is whole.

    Args:
        gan: A compiled `ColorizationGAN` of the run's networks.
        folder: The run's checkpoints.

    Raises:
        ArtifactError: If there is none, or none fits.
    """
    for half in folder.glob(".*.weights.h5"):
        half.unlink()  # Of a run killed while it wrote.
    paths = list_checkpoints(folder)
    for path in reversed(paths):
        try:
            gan.load_weights(path)
            return
        except Exception as error:  # noqa: BLE001, any damage to the file
            reason = first_line(error)
            message = f"The checkpoint `{path}` is damaged: {reason}"
            warnings.warn(message, ColorizerWarning, stacklevel=2)
    if paths:
        raise ArtifactError(
            f"None of the {len(paths)} checkpoints in `{folder}` can be read: "
            "start a new run in another --run-dir."
        )
    raise ArtifactError(
        f"There is no checkpoint in `{folder}` to resume from: start the run "
        "anew, without --resume."
    )
