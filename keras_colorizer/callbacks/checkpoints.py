"""Checkpoints: everything that a run needs to go on."""

import shlex
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import keras
import numpy as np
from rich.console import Console

from keras_colorizer.callbacks.loss_watch import check_finite
from keras_colorizer.errors import (
    ArtifactError,
    ColorizerWarning,
    first_line,
)
from keras_colorizer.files import in_memory, whole_file

PATTERN = "step_{:09d}.weights.h5"
KEPT = 2  # Should the newest be damaged, the one before it serves.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Checkpoints(keras.callbacks.Callback):
    """Saves both networks, both optimizers and the moving average.

    Keras' `BackupAndRestore` writes weights and epoch one after the other; a
    run killed between the two would resume wrongly. Here the step is the
    file's name, and the name appears with the last byte.

    Within an epoch it saves when the last checkpoint is some minutes old. It
    must be the last callback: a checkpoint at the end of an epoch says that
    its validation, pictures and history are written, too.
    """

    def __init__(
        self, folder: Path, minutes: float, steps_per_epoch: int
    ) -> None:
        super().__init__()
        self.folder = folder
        self.seconds = 60 * minutes
        self.steps_per_epoch = steps_per_epoch
        self._stop_requested = False
        self._sums: list[tuple[keras.Variable, np.ndarray]] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._saved = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        for variable, value in self._sums:  # Keras has just reset them.
            variable.assign(value)
        self._sums = []

    def on_train_batch_begin(self, batch: int, logs: dict) -> None:
        if self._stop_requested:
            raise KeyboardInterrupt
        if time.monotonic() - self._saved > self.seconds:
            self._save_within_epoch()

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        self.save()

    def save(self) -> None:
        """Writes a checkpoint of the model as it is now.

        Raises:
            TrainingError: If it is not worth it.
            OSError: If it cannot be written.
        """
        check_finite(self.model)
        content = in_memory(self.model.save_weights, ".weights.h5")
        path = self.folder / PATTERN.format(self.model.steps_done)
        with whole_file(path) as temporary:
            temporary.write_bytes(content.getbuffer())
        for old in list_checkpoints(self.folder)[:-KEPT]:
            old.unlink()
        self._saved = time.monotonic()

    def restore(self, gan: keras.Model) -> None:
        """Loads the newest checkpoint that is whole.

        Raises:
            ArtifactError: If there is none, or none fits the networks.
        """
        for path in reversed(list_checkpoints(self.folder)):
            try:
                gan.load_weights(path)
                if gan.steps_done % self.steps_per_epoch:
                    self._sums = [(v, v.numpy()) for v in gan.loss_sums]
                return
            except Exception as error:  # noqa: BLE001, any damage to the file
                reason = first_line(error)
                message = f"The checkpoint `{path}` is damaged: {reason}"
                warnings.warn(message, ColorizerWarning, stacklevel=2)
        raise ArtifactError(
            f"`{self.folder}` holds no checkpoint that can be read: start a "
            "new run in another --run-dir."
        )

    @contextmanager
    def saved_when_interrupted(
        self, gan: keras.Model, console: Console
    ) -> Iterator[None]:
        """Lets Ctrl-C within `fit` wait for the end of a step, and saves then.

        Raised wherever Python happens to be, it can be lost: TensorFlow, HDF5
        and finalizers drop exceptions. A second Ctrl-C stops at once. Outside
        of the main thread signals are left as they are.
        """
        self.set_model(gan)  # Ctrl-C may come before training.
        is_main = threading.current_thread() is threading.main_thread()
        signals = SIGNALS if is_main else ()
        before = {s: signal.signal(s, self._request_stop) for s in signals}
        try:
            yield
        except KeyboardInterrupt:
            self._save_within_epoch()
            console.print(
                "Stopped and saved. Continue with: python train.py --resume "
                f"--run-dir {shlex.quote(str(self.folder.parent))}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        if self._stop_requested:
            signal.default_int_handler(number, frame)
        self._stop_requested = True

    def _save_within_epoch(self) -> None:
        """Saves unless an epoch's steps are done but not yet its books."""
        if self.model.steps_done % self.steps_per_epoch:
            self.save()


def list_checkpoints(folder: Path) -> list[Path]:
    """Returns a run's checkpoints, oldest first."""
    return sorted(folder.glob(PATTERN.replace("{:09d}", "*")))
