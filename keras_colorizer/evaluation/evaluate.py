"""Photos colorized, and compared with their true colors."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_colorizer.errors import (
    PhotoError,
    UnreadablePhotoError,
    UnwritablePhotoError,
)
from keras_colorizer.evaluation.colors import AB_BINS, Colors
from keras_colorizer.evaluation.gallery import Example, Gallery
from keras_colorizer.evaluation.images import ImageFolder
from keras_colorizer.evaluation.judging import JudgedPhoto, judge
from keras_colorizer.evaluation.photo_scores import GREY, PhotoScores
from keras_colorizer.evaluation.report import EvaluationReport
from keras_colorizer.evaluation.summary import summarize, true_colorfulness
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.photos import MAX_PIXELS, FoundPhoto, find_photos


def evaluate(
    colorizer: Colorizer, photos: str | Path | Sequence[str | Path]
) -> EvaluationReport:
    """Colorizes photos from their lightness and compares with the truth.

    Every photo is judged at its own size, and weighs the same. Photos are read
    one at a time; those that cannot be read are named in the report.

    Args:
        colorizer: What to judge.
        photos: Color photos: a file, a folder (searched recursively), a glob,
            or several of them.

    Returns:
        The scores, beside those of the same photos left grey. Print it with
        `rich.print(report)`; `report.write("report.html")` shows pictures.

    Raises:
        DataError: If there are no photos.
        UnreadablePhotoError: If none can be read.
    """
    named = [photos] if isinstance(photos, str | Path) else photos
    return evaluate_models(
        {"colorized": colorizer},
        find_photos(named),
        max_pixels=MAX_PIXELS,
        images=None,
    )


def evaluate_models(
    colorizers: Mapping[str, Colorizer],
    photos: Iterable[FoundPhoto],
    *,
    max_pixels: int,
    images: ImageFolder | None,
) -> EvaluationReport:
    """Judges several models on the same photos, in one pass.

    Args:
        colorizers: By the names that their rows shall have.
        photos: Color photos.
        max_pixels: Larger photos are refused.
        images: Where to write all photos, true and colorized; or None.

    Raises:
        UnreadablePhotoError: If no photo can be read.
        UnwritablePhotoError: If one cannot be written to `images`.
    """
    findings = _Findings(colorizers)
    for photo in photos:
        try:
            judged = judge(
                photo, colorizers, max_pixels=max_pixels, images=images
            )
        except UnwritablePhotoError:
            raise  # The next one would fail as well.
        except PhotoError as error:
            findings.unreadable.append(str(error))
        except MemoryError:
            findings.unreadable.append(
                f"`{photo.path}` does not fit into memory."
            )
        else:
            findings.add(judged)
    return findings.report()


class _Findings:
    """Collects what is found, photo after photo."""

    def __init__(self, models: Iterable[str]):
        self.unreadable: list[str] = []
        self._photos: list[PhotoScores] = []
        self._galleries = {model: Gallery() for model in models}
        self._colors = {model: Colors.none() for model in self._galleries}
        self._true_ab = np.zeros((2, AB_BINS))

    def add(self, photo: JudgedPhoto) -> None:
        self._photos.append(photo.scores)
        self._true_ab += photo.true_ab
        for model, gallery in self._galleries.items():
            self._colors[model] += photo.rows[model].colors
            gallery.offer(_example(photo, model))

    def report(self) -> EvaluationReport:
        if not self._photos:
            raise UnreadablePhotoError(
                f"No photo can be judged. {' '.join(self.unreadable)}"
            )
        names = [GREY, *self._galleries]
        return EvaluationReport(
            rows=[summarize(self._photos, name) for name in names],
            true_colorfulness=true_colorfulness(self._photos),
            photos=self._photos,
            unreadable=self.unreadable,
            true_ab=self._true_ab,
            colors=self._colors,
            galleries=self._galleries,
        )


def _example(photo: JudgedPhoto, model: str) -> Example:
    row, grey = photo.rows[model], photo.rows[GREY]
    return Example(
        gain=photo.scores.ciede2000_gain(model),
        name=photo.scores.name,
        scores=row.scores,
        grey_scores=grey.scores,
        pictures=(grey.picture, row.picture, photo.true_picture),
    )
