"""Gains over grey at equal colorfulness, the trade-off curve of a model.

One row of scores cannot compare a bold model with a muted one: wrong colors
cost the bold one more. Here predictions are scaled until the mean colorfulness
of the photos is a given share of the true one's. The factors are found on a
sample of the pixels; only the factors found are scored, on whole photos.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from keras_colorizer.chroma import steps
from keras_colorizer.errors import DataError
from keras_colorizer.evaluation.judging import predict_ab
from keras_colorizer.evaluation.summary import Estimate, Row, estimate_means
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.metrics import colorfulness, score
from keras_colorizer.photos import FoundPhoto, read_rgb

SHARES = (0.6, 0.75, 0.9)  # Of the true colorfulness.
FACTORS = np.array([0.0, *2.0 ** np.arange(-3, 4.25, 0.25)])  # 1/8 to 16.
SAMPLED = 64  # Pixels on the longer side that factors are found on.
PIVOT = 12.0  # The chroma that a power leaves as it is, L*a*b* units.
TINY = 1e-3  # Chroma; 0 has no logarithm.
LIMIT = 110.0  # Of a* and b*.

# A photo and its `(s, s, 2)` ab, floating point, L*a*b* units.
Prediction = tuple[FoundPhoto, np.ndarray]
# Called as `rich.progress.track`.
Progress = Callable[[Sequence[Any], str], Iterable[Any]]


def predict_photos(
    colorizer: Colorizer, photos: Iterable[FoundPhoto]
) -> list[Prediction]:
    """Runs the network once on each photo.

    Returns:
        Predictions in float16: 200 kB a photo at a render size of 224.
    """
    predictions = []
    for photo in photos:
        rgb = read_rgb(photo.path, short_side=None)
        ab = predict_ab(colorizer, steps.photo_lightness(rgb))
        predictions.append((photo, ab.astype("float16")))
    return predictions


def trade_off(
    predictions: Sequence[Prediction],
    *,
    power: float = 1.0,
    shares: Sequence[float] = SHARES,
    progress: Progress = lambda items, title: items,
) -> list[Row]:
    """Scores predictions scaled to shares of the true colorfulness.

    Args:
        predictions: At least one.
        power: Of the chroma, as in `networks.readout`; 1 scales all alike.
        shares: To reach, in (0, 1].
        progress: Called for each of two passes.

    Returns:
        For each share that a factor up to 16 reaches a row: `factor`, on ab
        after the power, `psnr_gain`, `ciede2000_gain` and, as it was reached,
        `colorfulness_share`. Intervals are for this factor.

    Raises:
        DataError: If the photos have no color.
        PhotoError: If a photo cannot be read any more.

    Example:
        >>> predictions = predict_photos(colorizer, find_photos(["my_photos"]))
        >>> rows = trade_off(predictions)
        >>> [row.estimates["ciede2000_gain"].value for row in rows]
        [1.02, 0.94, 0.71]
    """

    def photos(title: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for photo, ab in progress(predictions, title):
            rgb = read_rgb(photo.path, short_side=None)
            yield rgb, _with_power(ab, power)

    reached = _mean_shares(photos("Finding factors"))
    targets = [share for share in shares if share <= reached[-1]]
    factors = np.interp(targets, reached, FACTORS).tolist()
    scored = [_scores(*p, factors) for p in photos("Scoring at equal color")]
    points = zip(targets, factors, zip(*scored, strict=True), strict=True)
    return [
        Row(f"{t:.0%}", {**estimate_means(one), "factor": Estimate(factor)})
        for t, factor, one in points
    ]


def _with_power(ab: np.ndarray, power: float) -> np.ndarray:
    ab = ab.astype("float32")
    chroma = np.maximum(np.hypot(ab[..., :1], ab[..., 1:]), TINY)
    return ab * (chroma / PIVOT) ** (power - 1)


def _mean_shares(
    photos: Iterable[tuple[np.ndarray, np.ndarray]],
) -> np.ndarray:
    """Returns the share of the true colorfulness at each of `FACTORS`.

    A sample of the pixels gives the curve over the factors, whole photos its
    height at factor 1.
    """
    true, whole, fakes = 0.0, 0.0, np.zeros(len(FACTORS))
    for rgb, ab in photos:
        true += colorfulness(rgb)
        lightness, ab = steps.photo_lightness(rgb), _scaled(ab, 1.0)
        whole += colorfulness(steps.merge(lightness, ab, np.uint8))
        sample, ab = _sampled(lightness, ab)
        # All factors at once, one below the other.
        samples = np.tile(sample, (len(FACTORS), 1, 1))
        scaled = np.concatenate([_scaled(ab, factor) for factor in FACTORS])
        merged = steps.merge(samples, scaled, np.uint8)
        fakes += [colorfulness(one) for one in np.split(merged, len(FACTORS))]
    if not true:
        raise DataError("The photos have no color to reach a share of.")
    at_1 = max(fakes[FACTORS.tolist().index(1.0)], TINY)
    # Clipping ends the rise.
    return np.maximum.accumulate(fakes / at_1) * whole / true


def _sampled(
    lightness: np.ndarray, ab: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns L* and ab of every n-th pixel of every n-th row."""
    step = -(-max(lightness.shape) // SAMPLED)
    places = [np.arange(step // 2, n, step) for n in lightness.shape[:2]]
    rows, columns = (
        _weights((place + 0.5) / n, len(ab))
        for place, n in zip(places, lightness.shape, strict=False)
    )
    sampled_ab = np.einsum("rs,ct,stk->rck", rows, columns, ab, optimize=True)
    return lightness[np.ix_(*places)], sampled_ab.astype("float32")


def _weights(places: np.ndarray, side: int) -> np.ndarray:
    """Weights `(places, side)` of pixels at places in [0, 1], bilinear."""
    at = places * side - 0.5
    pixels = np.arange(side)
    return np.stack([np.interp(at, pixels, one) for one in np.eye(side)], -1)


def _scaled(ab: np.ndarray, factor: float) -> np.ndarray:
    return np.clip(np.float32(factor) * ab, -LIMIT, LIMIT)


def _scores(
    rgb: np.ndarray, ab: np.ndarray, factors: Sequence[float]
) -> list[dict[str, float]]:
    """Scores a photo with ab times each factor."""
    true, lightness = colorfulness(rgb), steps.photo_lightness(rgb)
    grey, *fakes = (
        score(rgb, steps.merge(lightness, _scaled(ab, factor), np.uint8))
        for factor in (0.0, *factors)
    )
    return [
        {
            "true_colorfulness": true,
            "colorfulness": fake.colorfulness,
            "psnr_gain": fake.psnr - grey.psnr,
            "ciede2000_gain": grey.ciede2000 - fake.ciede2000,
        }
        for fake in fakes
    ]
