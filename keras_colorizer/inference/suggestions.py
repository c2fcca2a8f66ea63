"""Suggested colors of a place: from its prediction, its likes, and a palette.

A generator tells one color of a place, not how likely others are. What it
gives to places alike, of near lightness and not far away, stands for that.
"""

import numpy as np

from keras_colorizer.chroma import steps

APART = 10.0  # L*a*b* units between any two.
CELL = 10.0  # Side of a square of ab within which colors count as one.
LEAST_SHARE = 0.02  # Of the places alike that have a color.
LIGHTNESS_FALLOFF, DISTANCE_FALLOFF = 8.4, 1.9  # Those of hints.
STRENGTHS = (1.6, 0.5, 2.4)  # Of the prediction's chroma.
SHRINKING = np.linspace(1, 0, 21)  # Of chroma, until sRGB holds it.
LIGHTNESS_ERROR = 1.0  # L* that a color may be off by.
# Skin, brick, wood, straw, sunflower, olive, leaf, lawn, teal, sky, denim,
# navy, violet, rose, red paint and grey, a* and b* in L*a*b* units.
PALETTE = (
    [(14, 17), (30, 26), (14, 28), (4, 34), (8, 70), (-6, 30), (-22, 28)]
    + [(-36, 44), (-24, -6), (-8, -28), (2, -30), (14, -42), (28, -32)]
    + [(34, 2), (58, 40), (0, 0)]
)


def suggested_colors(
    lightness: np.ndarray, ab: np.ndarray, x: float, y: float
) -> list[str]:
    """Suggests colors of a place.

    Args:
        lightness: `(s, s)` float32 L* of the photo.
        ab: `(s, s, 2)` float32, as predicted, L*a*b* units.
        x: In [0, 1], of the width.
        y: In [0, 1], of the height.

    Returns:
        Colors as "#rrggbb" of the place's lightness, likeliest first.
    """
    side = len(lightness)
    place = min(int(y * side), side - 1), min(int(x * side), side - 1)
    own = ab[place]
    near = [own * strength for strength in STRENGTHS] + list(PALETTE)
    near.sort(key=lambda color: np.linalg.norm(np.subtract(color, own)))
    candidates = [own, *_colors_of_likes(lightness, ab, place), *near]
    rgb = _in_gamut(lightness[place], np.array(candidates, "float32"))
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in _apart(rgb)]


def _colors_of_likes(
    lightness: np.ndarray, ab: np.ndarray, place: tuple[int, int]
) -> list[np.ndarray]:
    """Means of the colors of places alike, the most frequent first."""
    rows, columns = np.indices(lightness.shape)
    away = np.hypot(rows - place[0], columns - place[1]) / len(lightness)
    lighter = (lightness - lightness[place]) / 50
    exponent = LIGHTNESS_FALLOFF * lighter**2 + DISTANCE_FALLOFF * away
    weights = np.exp(-exponent).ravel()
    colors = ab.reshape(-1, 2)
    _, cell = np.unique(np.floor(colors / CELL), axis=0, return_inverse=True)
    cell = cell.ravel()
    shares = np.bincount(cell, weights)
    means = [np.bincount(cell, weights * each) / shares for each in colors.T]
    order = np.argsort(-shares)
    frequent = order[shares[order] > LEAST_SHARE * shares.sum()]
    return list(np.stack(means, axis=-1)[frequent])


def _in_gamut(lightness: float, colors: np.ndarray) -> np.ndarray:
    """Returns `(n, 3)` uint8 sRGB, paler where that keeps the lightness."""
    tried = SHRINKING[:, None, None] * colors
    levels = steps.merge(
        np.full((*tried.shape[:2], 1), lightness, "float32"),
        tried.astype("float32"),
        np.uint8,
    )
    shown = steps.lab(levels.reshape(-1, 3)).reshape(levels.shape)
    kept = np.abs(shown[..., 0] - lightness) < LIGHTNESS_ERROR
    strongest = kept.argmax(axis=0)  # Black and white keep it at no strength.
    return levels[strongest, np.arange(len(colors))]


def _apart(rgb: np.ndarray) -> list[np.ndarray]:
    """Leaves out colors that are close to one before them."""
    lab = steps.lab(rgb)
    chosen: list[int] = []
    for number, color in enumerate(lab):
        if all(np.linalg.norm(color - lab[i]) >= APART for i in chosen):
            chosen.append(number)
    return [rgb[number] for number in chosen]
