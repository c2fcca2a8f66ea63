"""Evaluation of one or several models on the same photos."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from keras_colorizer.errors import PhotoError, UnreadablePhotoError
from keras_colorizer.evaluation.judging import GREY, TRUE, JudgedPhoto, judge
from keras_colorizer.evaluation.report import EvaluationReport, Example
from keras_colorizer.evaluation.summary import Row, summarize
from keras_colorizer.evaluation.trade_off import Progress, trade_off
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.photos import FoundPhoto, list_photos, read_rgb

SHOWN = 4  # Best photos, and as many worst.
PICTURE = (320, 480)  # Pixels; the pictures of the report fit into it.


def evaluate(
    colorizer: Colorizer, photos: str | Path | Sequence[str | Path]
) -> EvaluationReport:
    """Colorizes photos from their lightness and compares with the truth.

    Every photo is judged at its own size, and weighs the same. Photos are read
    one at a time; those that cannot be read, and folders that cannot be listed,
    are named in the report.

    Args:
        colorizer: The model.
        photos: Color photos: a file, a folder (searched recursively), a glob,
            or several of them.

    Returns:
        The scores, beside those of the same photos left grey. Print it with
        `rich.print(report)`; `report.write("report.html")` shows pictures.

    Raises:
        DataError: If there are no photos.
        UnreadablePhotoError: If none can be read.

    Example:
        >>> report = evaluate(Colorizer.load("runs/mine"), "my_photos/")
        >>> report.models[0].estimates["psnr_gain"]
        Estimate(value=0.73, low=0.58, high=0.89)
    """
    named = [photos] if isinstance(photos, str | Path) else photos
    listing = list_photos(named)
    return evaluate_models(
        {"colorized": colorizer},
        listing.photos,
        unreadable=listing.unreadable,
    )


def evaluate_models(
    colorizers: Mapping[str, Colorizer],
    photos: Sequence[FoundPhoto],
    *,
    unreadable: Sequence[str] = (),
    curve: bool = False,
    progress: Progress = lambda items, title: items,
) -> EvaluationReport:
    """Judges several models on the same photos, in one pass.

    Args:
        colorizers: By the names of their rows.
        photos: Color photos.
        unreadable: Sentences about what could not be listed, for the report.
        curve: Whether to score at equal colorfulness, too; the networks are
            not run again.
        progress: Called as `rich.progress.track`.

    Raises:
        DataError: If there shall be a curve, and no photo has color.
        UnreadablePhotoError: If no photo can be read.
    """
    judged: list[JudgedPhoto] = []
    failed = list(unreadable)
    for photo in progress(photos, "Judging"):
        try:
            one = judge(photo, colorizers)
        except PhotoError as error:
            failed.append(str(error))
        else:
            judged.append(one if curve else replace(one, predicted_ab={}))
    if not judged:
        reasons = " ".join(failed)
        raise UnreadablePhotoError(f"No photo can be judged. {reasons}")
    return EvaluationReport(
        rows=[summarize(judged, row) for row in (GREY, *colorizers)],
        true=summarize(judged, TRUE),
        photos=judged,
        unreadable=failed,
        examples={m: _examples(judged, m, colorizers[m]) for m in colorizers},
        curve=_curve(judged, progress),
    )


def _examples(
    photos: Sequence[JudgedPhoto], model: str, colorizer: Colorizer
) -> list[Example]:
    """Colorizes those that gained least and most once more, to show them."""
    gains = [photo.scores[model]["ciede2000_gain"] for photo in photos]
    order = np.argsort(gains, stable=True).tolist()
    shown = [photos[i] for i in order[:SHOWN] + order[SHOWN:][-SHOWN:]]
    return [(photo, _pictures(photo, colorizer)) for photo in shown]


def _pictures(photo: JudgedPhoto, colorizer: Colorizer) -> list[bytes]:
    true = Image.fromarray(read_rgb(photo.photo.path, short_side=None))
    grey = colorizer.colorize(true, saturation=0.0)
    return [_jpeg(one) for one in (grey, colorizer.colorize(true), true)]


def _jpeg(picture: Image.Image) -> bytes:
    picture.thumbnail(PICTURE)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=88, subsampling=0)
    return file.getvalue()


def _curve(photos: Sequence[JudgedPhoto], progress: Progress) -> list[Row]:
    """Returns the points of each model whose predictions were kept."""
    return [
        replace(row, name=f"{model}, {row.name}")
        for model in photos[0].predicted_ab
        for row in trade_off(
            [(one.photo, one.predicted_ab[model]) for one in photos],
            progress=progress,
        )
    ]
