"""Colors that stay on what they are on, from frame to frame.

Each frame's ab is predicted; the mean of predictions is carried along the
motion of the lightness, for each pixel as long as its lightness agrees.
"""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import cv2
import numpy as np

Item = TypeVar("Item")

MEMORY = 24  # Predictions, at most, that a pixel's ab is the mean of.
DOUBT = 8.0  # L* by which a pixel may differ before its color is doubted.
WINDOW = (5, 5)  # Pixels, over which it is the mean: grain is no motion.
# Share of the contrast that motion leaves unexplained, plus share of the
# histogram that moved: above 1 at most cuts, below 0.6 at most motion.
CUT = 0.75
BLANK = 1.0  # L*, a standard deviation: frames of less are all one color.
BOLDER = 2.0  # Times that a bolder prediction counts, at most.
LOOK_AHEAD = 24  # Frames at least, and twice as many at most.


@dataclass(frozen=True)
class View(Generic[Item]):
    """A frame as the network sees it, a square of side s.

    Attributes:
        item: The frame itself.
        lightness: `(s, s)` float32 L*, the mean along the motion.
        ab: `(s, s, 2)` float32, L*a*b* units.
        count: `(s, s)` float32, number of predictions that ab is the mean of.
    """

    item: Item
    lightness: np.ndarray
    ab: np.ndarray
    count: np.ndarray


class Match(NamedTuple):
    """For each pixel of a frame the one of another that it was.

    Attributes:
        places: `(s, s, 2)` float32, x and y.
        lightness: `(s, s)` float32 L*, made as bright as the frame.
        trust: `(s, s)` float32 in [0, 1]: how well lightness agrees.
    """

    places: np.ndarray
    lightness: np.ndarray
    trust: np.ndarray


def steady_colors(
    views: Iterable[tuple[Item, np.ndarray]],
    predict: Callable[[np.ndarray], np.ndarray],
    *,
    two_pass: bool = False,
) -> Generator[tuple[Item, np.ndarray], None, None]:
    """Colors frames, steadily within each shot.

    Args:
        views: Frames, each with its `(s, s)` float32 L* in [0, 100].
        predict: From such an L* to `(s, s, 2)` float32 ab.
        two_pass: Whether colors come from the frames that follow, too.

    Yields:
        Each frame with its ab.
    """
    ahead = LOOK_AHEAD if two_pass else 0
    waiting: list[View[Item]] = []
    before: View[Item] | None = None
    for item, lightness in views:
        match = _match(lightness, before.lightness) if before else None
        if before is None or match is None:
            yield from _smoothed(waiting)
            once = np.ones_like(lightness)
            before = View(item, lightness, predict(lightness), once)
            waiting = []
        else:
            before = _next(item, lightness, predict, before, match)
        waiting.append(before)
        if len(waiting) > 2 * ahead:
            done = len(waiting) - ahead
            yield from _smoothed(waiting)[:done]
            waiting = waiting[done:]
    yield from _smoothed(waiting)


def _next(
    item: Item,
    lightness: np.ndarray,
    predict: Callable[[np.ndarray], np.ndarray],
    before: View[Item],
    match: Match,
) -> View[Item]:
    """Colors a frame by its prediction and the frame before."""
    known = match.trust * _warped(before.count, match.places)
    count = known.clip(0, MEMORY - 1) + 1
    calm = match.lightness + (lightness - match.lightness) / count
    carried = _warped(before.ab, match.places)
    ab = _mean(predict(calm), carried, count[..., None])
    return View(item, calm, ab, count)


def _mean(
    predicted: np.ndarray, carried: np.ndarray, count: np.ndarray
) -> np.ndarray:
    """Adds a prediction to the mean of those before.

    It counts more where it is bolder: what has just been recognized need not
    stay pale for a second.
    """
    chroma, before = (
        np.linalg.norm(ab, axis=-1, keepdims=True) + 1
        for ab in (predicted, carried)
    )
    share = np.clip(chroma / before, 1, BOLDER) / count
    return carried + (predicted - carried) * np.minimum(share, 1)


def _smoothed(views: list[View[Item]]) -> list[tuple[Item, np.ndarray]]:
    """Carries the colors of a shot back, from its last frame to its first."""
    smooth = [view.ab for view in views]
    for i in range(len(views) - 2, -1, -1):
        if match := _match(views[i].lightness, views[i + 1].lightness):
            carried = _warped(smooth[i + 1], match.places)
            share = match.trust[..., None] * (1 - 1 / MEMORY)
            smooth[i] = smooth[i] + (carried - smooth[i]) * share
    return [(view.item, ab) for view, ab in zip(views, smooth, strict=True)]


def _match(lightness: np.ndarray, other: np.ndarray) -> Match | None:
    """Finds a frame in another one by dense optical flow; None at a cut."""
    # Old film flickers: mean and contrast say nothing.
    mean, spread = lightness.mean(), max(lightness.std(), BLANK)
    own_level = (lightness - mean) / spread
    level = (other - other.mean()) / max(other.std(), BLANK)
    own, others = (
        (128 + 48 * each).clip(0, 255).astype("uint8")
        for each in (own_level, level)
    )
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    rows, columns = np.indices(lightness.shape, "float32")
    places = flow.calc(own, others, None) + np.stack([columns, rows], axis=-1)
    warped = _warped(level, places) * spread + mean
    difference = np.abs(lightness - warped)
    unexplained = difference.mean() / max(np.abs(lightness - mean).mean(), 1)
    if unexplained + _moved(own, others) > CUT:
        return None
    smooth = cv2.blur(difference, WINDOW)
    inside = ((places >= 0) & (places < len(lightness))).all(axis=-1)
    trust = np.exp(-((smooth / (DOUBT + np.median(smooth))) ** 2)) * inside
    return Match(places, warped, trust)


def _moved(levels: np.ndarray, other: np.ndarray) -> float:
    """Share of the pixels by which two histograms differ, in [0, 1]."""
    first, second = (
        np.bincount(each.ravel() // 8, minlength=32) for each in (levels, other)
    )
    return float(np.abs(first - second).sum() / (2 * levels.size))


def _warped(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Returns values at places, beyond the edge those of the edge."""
    # Cubic: linear ones blur what is carried over many frames.
    edge = cv2.BORDER_REPLICATE
    return cv2.remap(values, places, None, cv2.INTER_CUBIC, borderMode=edge)
