"""Means over photos with bootstrap intervals.

Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13
(percentile intervals).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from keras_colorizer.evaluation.judging import JudgedPhoto

RESAMPLES = 2000
SEED = 0


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval.

    Attributes:
        value: The figure.
        low: Lower end of the interval; None with fewer than 2 photos.
        high: Upper end.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Row:
    """Means over photos of a model, of grey or of the true photos.

    Attributes:
        name: Of the model, `GREY` or `TRUE`.
        estimates: By the name of the metric, see `tables.METRICS`. Without any
            color in the true photos there is no share of their colorfulness.
    """

    name: str
    estimates: dict[str, Estimate]


def summarize(photos: Sequence[JudgedPhoto], name: str) -> Row:
    """Returns the row of a model, of `GREY` or of `TRUE`."""
    return Row(name, estimate_means([photo.scores[name] for photo in photos]))


def estimate_means(scores: Sequence[dict[str, float]]) -> dict[str, Estimate]:
    """Returns means over photos, with their intervals.

    As many photos as there are are drawn with replacement, `RESAMPLES` times.
    The draws depend on the number of photos alone, so that all models are
    compared on the same ones.

    Args:
        scores: Of each photo, at least one, the same figures by name. With
            "true_colorfulness" among them, the gap and the share of
            "colorfulness" are estimated in its place.
    """
    values = np.array([list(photo.values()) for photo in scores])
    means = np.stack([values.mean(axis=0), *_resampled_means(values)])
    figures = _figures(dict(zip(scores[0], means.T, strict=True)))
    return {
        key: _estimate(value, resampled, len(values))
        for key, (value, *resampled) in figures.items()
        if np.isfinite(value)
    }


def _resampled_means(values: np.ndarray) -> Iterator[np.ndarray]:
    """Yields `RESAMPLES` times the means of columns over photos."""
    rng = np.random.default_rng(SEED)
    for _ in range(RESAMPLES):
        yield values[rng.integers(len(values), size=len(values))].mean(axis=0)


def _figures(means: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Adds the figures that are computed of means."""
    if "true_colorfulness" not in means:
        return means
    fake, true = means["colorfulness"], means.pop("true_colorfulness")
    share = fake / np.where(true > 0, true, np.nan)
    gap = np.abs(fake - true)
    return {**means, "colorfulness_gap": gap, "colorfulness_share": share}


def _estimate(value: float, resampled: list[float], photos: int) -> Estimate:
    if photos < 2:
        return Estimate(float(value))
    # A draw without the figure is NaN and does not count.
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return Estimate(float(value), float(low), float(high))
