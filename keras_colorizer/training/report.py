"""`report.json`: what a run was made of, and how far it came."""

import hashlib
import importlib.metadata
import json
import warnings
from collections.abc import Iterable

import keras

from keras_colorizer.callbacks.history import History
from keras_colorizer.config import TrainingConfig
from keras_colorizer.data.survey import Survey
from keras_colorizer.errors import ColorizerWarning
from keras_colorizer.files import whole_file
from keras_colorizer.training.run_folder import RunFolder

VERSIONED = ("tensorflow", "keras", "numpy", "pillow", "scikit-image")


class Report(keras.callbacks.Callback):
    """Writes settings at the start, and the report then and every epoch.

    It warns when a run goes on with other photos than it started with.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: TrainingConfig,
        survey: Survey,
        history: History,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.config = config
        self.history = history
        held_out = survey.photos[: survey.held_out]
        self.photos = {
            "source": config.data or "scikit-image",
            "fingerprint": _hash(photo.digest for photo in survey.photos),
            "training": len(survey.training),
            "validation": len(survey.validation),
            "validation_names": [photo.name for photo in held_out],
            "colorless": survey.colorless,
            "unreadable": survey.unreadable,
            "duplicates": survey.duplicates,
        }
        self._warn_of_changed_photos()

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.config.save(self.folder.config)
        self._write()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._write()

    def _write(self) -> None:
        rows = self.history.rows
        report = {
            "photos": self.photos,
            "epochs_finished": len(rows),
            "last_epoch": rows[-1] if rows else None,
            "saved_epoch": self.history.best_of_stage(),
            "versions": {
                name: importlib.metadata.version(name) for name in VERSIONED
            },
        }
        with whole_file(self.folder.report) as temporary:
            temporary.write_text(json.dumps(report, indent=2) + "\n")

    def _warn_of_changed_photos(self) -> None:
        try:
            photos = json.loads(self.folder.report.read_text())["photos"]
        except (OSError, ValueError, KeyError):
            return  # A lost report stops no run.
        if photos["fingerprint"] != self.photos["fingerprint"]:
            warnings.warn(
                "The photos have changed since the run started: it goes on, "
                "but not exactly as it would have.",
                ColorizerWarning,
                stacklevel=2,
            )


def _hash(texts: Iterable[str]) -> str:
    return hashlib.blake2b("".join(texts).encode(), digest_size=8).hexdigest()
