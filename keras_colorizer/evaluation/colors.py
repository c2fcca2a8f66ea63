"""Which colors a model paints, and which the photos truly have.

Everything is a sum over photos in which each photo weighs the same, however
many pixels it has.
"""

from dataclasses import dataclass, fields

import numpy as np

AB_LIMIT = 110  # L*a*b* units; holds all of sRGB.
AB_BIN = 2
AB_BINS = 2 * AB_LIMIT // AB_BIN
AB_EDGES = np.linspace(-AB_LIMIT, AB_LIMIT, AB_BINS + 1)
CHROMA_BIN = 5
CHROMA_BINS = 27  # Up to 135; the most of sRGB is 134.
CHROMA_MIDDLES = (np.arange(CHROMA_BINS) + 0.5) * CHROMA_BIN


@dataclass(frozen=True)
class Colors:
    """Of one photo or, added up, of several.

    Attributes:
        ab: `(2, AB_BINS)` floating point, density of a* and of b* over
            `AB_EDGES`, per unit; its integral is the number of photos.
        given_predicted: `(2, CHROMA_BINS)` floating point, in bins of the
            predicted chroma: the share of the pixels, and that times their
            mean true chroma.
        given_true: The other way around: in bins of the true chroma.
    """

    ab: np.ndarray
    given_predicted: np.ndarray
    given_true: np.ndarray

    @classmethod
    def none(cls) -> "Colors":
        """Returns those of no photo, to add to."""
        chroma = np.zeros((2, CHROMA_BINS))
        return cls(np.zeros((2, AB_BINS)), chroma, chroma)

    def __add__(self, other: "Colors") -> "Colors":
        names = [field.name for field in fields(self)]
        pairs = ((getattr(self, n), getattr(other, n)) for n in names)
        return Colors(*(one + another for one, another in pairs))


def measure_colors(real_lab: np.ndarray, fake_lab: np.ndarray) -> Colors:
    """Measures one photo.

    Args:
        real_lab: `(h, w, 3)` float32 of the true photo, L*a*b* units.
        fake_lab: The same of the colorized one.
    """
    real_chroma, fake_chroma = (
        np.hypot(lab[..., 1], lab[..., 2]).ravel()
        for lab in (real_lab, fake_lab)
    )
    return Colors(
        ab=ab_density(fake_lab),
        given_predicted=_means_in_bins(fake_chroma, real_chroma),
        given_true=_means_in_bins(real_chroma, fake_chroma),
    )


def ab_density(lab: np.ndarray) -> np.ndarray:
    """Returns how often each a* and each b* occurs in a photo.

    Args:
        lab: `(h, w, 3)` float32, L*a*b* units.

    Returns:
        `(2, AB_BINS)` floating point, per unit.
    """
    limits = (-AB_LIMIT, AB_LIMIT)
    counts = [
        np.histogram(lab[..., channel], AB_BINS, limits)[0]
        for channel in (1, 2)
    ]
    return np.stack(counts) / (lab[..., 0].size * AB_BIN)


def calibration(sums: np.ndarray, *, photos: int, fewest: float):
    """Returns the points of a calibration curve.

    Args:
        sums: `given_predicted` or `given_true`.
        photos: How many were added up.
        fewest: Share of the pixels that a bin needs to count.

    Returns:
        Middles of the bins that count, and the mean of the other chroma in
        each; `(points,)` floating point, L*a*b* units.
    """
    shares, totals = sums
    counting = shares >= fewest * photos
    return CHROMA_MIDDLES[counting], totals[counting] / shares[counting]


def _means_in_bins(chroma, other):
    bins = np.minimum(chroma // CHROMA_BIN, CHROMA_BINS - 1).astype("int64")
    shares = np.bincount(bins, minlength=CHROMA_BINS)
    totals = np.bincount(bins, weights=other, minlength=CHROMA_BINS)
    return np.stack([shares, totals]) / chroma.size
