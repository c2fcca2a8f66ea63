"""The history of a run: a row for every epoch, and the best generator."""

import csv
import time
from pathlib import Path

import keras
import numpy as np

from keras_colorizer.callbacks.validation import Validation
from keras_colorizer.errors import ArtifactError, first_line
from keras_colorizer.files import whole_file
from keras_colorizer.label import Label
from keras_colorizer.networks.generator_file import save_generator

TYPES: dict[str, type] = {"epoch": int, "stage": str}  # Others are float.
REQUIRED = {*TYPES, "val_ciede2000"}


class History(keras.callbacks.Callback):
    """Writes `history.csv` anew after every epoch: it is never cut off.

    Rows of epochs that a resumed run repeats are dropped.
    """

    def __init__(
        self, path: Path, steps_per_epoch: int, validation: Validation
    ) -> None:
        super().__init__()
        self.path = path
        self.validation = validation
        self.steps_per_epoch = steps_per_epoch
        self.rows = read_history(path)

    def on_train_begin(self, logs: dict | None = None) -> None:
        finished = self.model.steps_done // self.steps_per_epoch
        self.rows = [row for row in self.rows if row["epoch"] <= finished]

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> None:
        self._started = time.monotonic()
        rate = self.model.generator_optimizer.learning_rate
        self._learning_rate = float(np.asarray(rate))

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.rows.append(
            {
                "epoch": epoch + 1,
                "stage": self.stage,
                "learning_rate": self._learning_rate,
                **{name: float(value) for name, value in logs.items()},
                **self.validation.constants,
                "seconds": round(time.monotonic() - self._started, 1),
            }
        )
        self._write()

    @property
    def stage(self) -> str:
        """The stage that the run is in."""
        return "pretraining" if self.model.pretraining else "adversarial"

    def best_of_stage(self) -> dict | None:
        """Returns the row of the lowest CIEDE2000 in the newest stage.

        L1 alone always scores better than adversarial training, which takes
        risks for the sake of color: across stages the best would be the
        dullest.
        """
        rows = [row for row in self.rows if row["stage"] == self.stage]
        return min(rows, key=lambda row: row["val_ciede2000"], default=None)

    def _write(self) -> None:
        # The stages have different losses: every column that any row has.
        columns = dict.fromkeys(key for row in self.rows for key in row)
        with whole_file(self.path) as temporary, temporary.open("w") as file:
            writer = csv.DictWriter(file, list(columns), restval="")
            writer.writeheader()
            writer.writerows(self.rows)


class BestGenerator(keras.callbacks.Callback):
    """Writes `generator.keras` when validation is the best of the stage.

    Must come before the history, which then holds earlier epochs alone.
    """

    def __init__(self, path: Path, history: History, label: Label) -> None:
        super().__init__()
        self.path = path
        self.history = history
        self.label = label

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        best = self.history.best_of_stage()
        if best and logs["val_ciede2000"] >= best["val_ciede2000"]:
            return
        generator = self.model.averaged_generator
        save_generator(generator, self.path, **self.label._asdict())


def read_history(path: Path) -> list[dict]:
    """Reads `history.csv`: no rows if there is none.

    Raises:
        ArtifactError: If it is damaged.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = [
                {k: TYPES.get(k, float)(v) for k, v in row.items() if v}
                for row in reader
            ]
        for keys in (reader.fieldnames or (), *rows):
            if missing := REQUIRED.difference(keys):
                raise ValueError(f"it lacks {min(missing)}")
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise ArtifactError(
            f"`{path}` is damaged ({first_line(error)}): mend it, or delete it "
            "to go on without the epochs so far in it."
        ) from None
    return rows
