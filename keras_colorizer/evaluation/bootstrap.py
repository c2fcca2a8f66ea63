"""How far a mean over photos could be off: intervals by the bootstrap.

Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13
(percentile intervals).
"""

from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
SEED = 0
CONFIDENCE = 0.95
FEWEST_PHOTOS = 2  # One photo says nothing of the others.


@dataclass(frozen=True)
class Estimate:
    """A figure with the interval that it would fall into with other photos.

    Attributes:
        value: What was measured.
        low: Lower end of the interval; None with fewer than 2 photos.
        high: Upper end.
    """

    value: float
    low: float | None = None
    high: float | None = None


def resampled_means(values: np.ndarray) -> np.ndarray:
    """Draws as many photos as there are, with replacement, again and again.

    The draws depend on the number of photos alone: columns, and models, are
    compared on the same ones.

    Args:
        values: `(photos, columns)` floating point.

    Returns:
        `(RESAMPLES, columns)`, the means over each draw.
    """
    rng = np.random.default_rng(SEED)
    photos = len(values)
    draws = (rng.integers(photos, size=photos) for _ in range(RESAMPLES))
    return np.stack([values[draw].mean(axis=0) for draw in draws])


def estimate(value: float, resampled: np.ndarray) -> Estimate:
    """Puts a figure into its interval.

    Args:
        value: What was measured.
        resampled: `(RESAMPLES,)`, the same figure of each draw; NaN where a
            draw has none.
    """
    tails = [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)]
    low, high = np.nanpercentile(resampled, tails)
    return Estimate(float(value), float(low), float(high))
