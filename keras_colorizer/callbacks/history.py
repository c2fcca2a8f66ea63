"""One row for every finished epoch, in `history.csv`."""

import csv
import time
from pathlib import Path

import keras
import numpy as np

from keras_colorizer.callbacks.validation import Validation
from keras_colorizer.files import whole_file

PRETRAINING, ADVERSARIAL = "pretraining", "adversarial"


class History(keras.callbacks.Callback):
    """Writes `history.csv` anew after every epoch: it is never cut off.

    Args:
        path: The file. Rows of epochs that a resumed run repeats are dropped.
        finished_epochs: How many epochs are done.
        validation: Holds the scores of grey and of the true photos.

    Attributes:
        rows: The file's rows, a dictionary each.
    """

    def __init__(
        self, path: Path, *, finished_epochs: int, validation: Validation
    ):
        super().__init__()
        self.path = path
        self.validation = validation
        rows = read_history(path)
        self.rows = [row for row in rows if row["epoch"] <= finished_epochs]

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.monotonic()
        # Of the epoch's first step: afterwards it is the next epoch's.
        rate = self.model.generator_optimizer.learning_rate
        self._learning_rate = float(np.asarray(rate))

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append(
            {
                "epoch": epoch + 1,
                "stage": stage_name(self.model),
                "learning_rate": self._learning_rate,
                **{name: float(value) for name, value in logs.items()},
                "grey_psnr": self.validation.grey.psnr,
                "grey_ciede2000": self.validation.grey.ciede2000,
                "true_colorfulness": self.validation.true_colorfulness,
                "seconds": round(time.monotonic() - self._started, 1),
            }
        )
        self._write()

    def _write(self):
        # The stages have different losses: every column that any row has.
        columns = dict.fromkeys(key for row in self.rows for key in row)
        with whole_file(self.path) as temporary, temporary.open("w") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)


def stage_name(gan) -> str:
    """Names the stage of a run that the model is in."""
    return PRETRAINING if gan.pretraining else ADVERSARIAL


def read_history(path: Path) -> list[dict]:
    """Reads `history.csv`: no rows if there is none."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            {key: _number(value) for key, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def _number(text):
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return text
