"""`report.json`: what a run was made of, and how far it came."""

import hashlib
import importlib.metadata
import json
import warnings

from keras_colorizer.config import TrainingConfig
from keras_colorizer.errors import ColorizerWarning
from keras_colorizer.files import whole_file
from keras_colorizer.training.photo_split import PhotoSplit
from keras_colorizer.training.run_folder import RunFolder

VERSIONED = ("tensorflow", "keras", "numpy", "pillow", "scikit-image")


def write_report(
    folder: RunFolder,
    config: TrainingConfig,
    split: PhotoSplit,
    rows: list[dict],
) -> None:
    """Writes the report, whole or not at all.

    Args:
        folder: The run folder.
        config: The settings.
        split: The photos.
        rows: The history so far; may be empty.
    """
    survey = split.survey
    report = {
        "photos": {
            "source": config.data or "scikit-image",
            "fingerprint": fingerprint(split),
            "training": len(split.training),
            "validation": len(split.validation),
            "validation_names": [p.source.name for p in split.validation],
            "colorless": survey.colorless,
            "unreadable": survey.unreadable,
            "duplicates": survey.duplicates,
        },
        "epochs_finished": len(rows),
        "last_epoch": rows[-1] if rows else None,
        "saved_epoch": _saved(rows),
        "versions": {
            name: importlib.metadata.version(name) for name in VERSIONED
        },
    }
    with whole_file(folder.report) as temporary:
        temporary.write_text(json.dumps(report, indent=2) + "\n")


def warn_of_changed_photos(folder: RunFolder, split: PhotoSplit) -> None:
    """Warns when a run goes on with other photos than it started with.

    Args:
        folder: The run folder.
        split: The photos found now.
    """
    try:
        photos = json.loads(folder.report.read_text())["photos"]
    except (OSError, ValueError, KeyError):
        return  # A lost report stops no run.
    if photos["fingerprint"] != fingerprint(split):
        warnings.warn(
            "The photos have changed since the run started: it goes on, but "
            "not exactly as it would have.",
            ColorizerWarning,
            stacklevel=2,
        )


def fingerprint(split: PhotoSplit) -> str:
    """Returns a digest of all photos, whatever they are called."""
    digests = (photo.digest for photo in split.survey.photos)
    return hashlib.blake2b("".join(digests).encode(), digest_size=8).hexdigest()


def _saved(rows):
    """Returns the row of `generator.keras`: the best of the newest stage."""
    stage = [row for row in rows if row["stage"] == rows[-1]["stage"]]
    return min(stage, key=lambda row: row["val_ciede2000"], default=None)
