"""Distributions of true and painted colors.

Shares are of a photo's pixels, so that in means over photos each weighs the
same.
"""

import numpy as np

AB_BIN, AB_BINS = 2, 110  # L*a*b* units; -110 to 110 holds all of sRGB.
AB_EDGES = np.linspace(-110, 110, AB_BINS + 1)
CHROMA_BIN, CHROMA_BINS = 5, 27  # Up to 135; the most of sRGB is 134.
CHROMA_MIDDLES = (np.arange(CHROMA_BINS) + 0.5) * CHROMA_BIN
COLORED_CHROMA = 8  # Above it a pixel counts as colored.
BROWN_HUES = (30, 100)  # Degrees: from orange red through brown to yellow.


def measure_colors(
    real_lab: np.ndarray, fake_lab: np.ndarray
) -> dict[str, np.ndarray]:
    """Measures one photo.

    Args:
        real_lab: `(h, w, 3)` float32 of the true photo, L*a*b* units.
        fake_lab: The same of the colorized one.

    Returns:
        Three float64 arrays: "ab", `(2, AB_BINS)`, the density of a* and of b*
        over `AB_EDGES`, per unit; "given_painted", `(2, CHROMA_BINS)`, in bins
        of the painted chroma the share of the pixels, and that times their
        mean true chroma; "given_true" with true and painted exchanged.
    """
    real_chroma, fake_chroma = _chroma(real_lab), _chroma(fake_lab)
    return {
        "ab": np.stack([_density(fake_lab[..., i]) for i in (1, 2)]),
        "given_painted": _means_in_bins(fake_chroma, real_chroma),
        "given_true": _means_in_bins(real_chroma, fake_chroma),
    }


def brown_share(lab: np.ndarray) -> float:
    """Returns the share of brown and yellow among the colored pixels.

    Args:
        lab: `(h, w, 3)` floating point, L*a*b* units.

    Returns:
        In [0, 1]: of the pixels with a chroma above 8 those with a hue angle
        from 30 to 100 degrees; 0 where no pixel is colored.
    """
    hues = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])).ravel()
    hues = hues[_chroma(lab) > COLORED_CHROMA]
    low, high = BROWN_HUES
    return float(((hues >= low) & (hues <= high)).sum() / max(1, hues.size))


def _chroma(lab: np.ndarray) -> np.ndarray:
    return np.hypot(lab[..., 1], lab[..., 2]).ravel()


def _density(channel: np.ndarray) -> np.ndarray:
    counts, _ = np.histogram(channel, AB_EDGES)
    return counts / (channel.size * AB_BIN)


def _means_in_bins(chroma: np.ndarray, other: np.ndarray) -> np.ndarray:
    bins = np.minimum(chroma // CHROMA_BIN, CHROMA_BINS - 1).astype("int64")
    shares = np.bincount(bins, minlength=CHROMA_BINS)
    totals = np.bincount(bins, weights=other, minlength=CHROMA_BINS)
    return np.stack([shares, totals]) / chroma.size
