"""Means over photos, with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from keras_colorizer.evaluation.bootstrap import (
    FEWEST_PHOTOS,
    Estimate,
    estimate,
    resampled_means,
)
from keras_colorizer.evaluation.photo_scores import GREY, PhotoScores
from keras_colorizer.metrics import DetailedScores

TRUE = "true_colorfulness"


@dataclass(frozen=True)
class Row:
    """What all photos together say of a model, or of leaving them grey.

    Attributes:
        name: Of the model, or `GREY`.
        estimates: By the name of the metric, see `definitions.METRICS`. Grey
            has no gains over itself; if the true photos are all without
            color, there is no share of their colorfulness.
    """

    name: str
    estimates: dict[str, Estimate]


def summarize(photos: Sequence[PhotoScores], name: str) -> Row:
    """Returns a row of the table.

    Args:
        photos: At least one.
        name: Of the row.
    """
    columns = _columns(photos, name)
    values = np.stack(list(columns.values()), axis=1)
    measured = _statistics(dict(zip(columns, values.mean(axis=0), strict=True)))
    measured = {key: v for key, v in measured.items() if np.isfinite(v)}
    if len(photos) < FEWEST_PHOTOS:
        return Row(name, {k: Estimate(float(v)) for k, v in measured.items()})
    means = resampled_means(values)
    resampled = _statistics(dict(zip(columns, means.T, strict=True)))
    return Row(
        name, {k: estimate(v, resampled[k]) for k, v in measured.items()}
    )


def true_colorfulness(photos: Sequence[PhotoScores]) -> Estimate:
    """Returns the mean colorfulness of the true photos.

    Args:
        photos: At least one.
    """
    values = np.array([[photo.true_colorfulness] for photo in photos])
    if len(photos) < FEWEST_PHOTOS:
        return Estimate(float(values.mean()))
    return estimate(values.mean(), resampled_means(values)[:, 0])


def _columns(photos, name) -> dict[str, np.ndarray]:
    """The figures of each photo, by name, `(photos,)` each."""
    scores = [photo.scores[name] for photo in photos]
    columns = {
        field.name: [getattr(score, field.name) for score in scores]
        for field in fields(DetailedScores)
    }
    columns[TRUE] = [photo.true_colorfulness for photo in photos]
    if name != GREY:
        columns["psnr_gain"] = [p.psnr_gain(name) for p in photos]
        columns["ciede2000_gain"] = [p.ciede2000_gain(name) for p in photos]
    return {key: np.array(column) for key, column in columns.items()}


def _statistics(means):
    """Adds what is computed of means: of the photos, or of each draw."""
    fake, true = means["colorfulness"], means[TRUE]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(true > 0, fake / true, np.nan)
    return {
        **{key: mean for key, mean in means.items() if key != TRUE},
        "colorfulness_gap": np.abs(fake - true),
        "colorfulness_share": share,
    }
