"""What batches are made of: photos, boxes and flips, drawn by numbers."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from keras_colorizer.data.sources import SourcePhoto

# pix2pix resizes to 286 and crops 256.
SHORT_SIDE_PER_CROP = 286 / 256

GROUP, ROUND, BATCH = range(3)  # Each has random numbers of its own.


class Drawing:
    """What every batch is made of, as a function of its number.

    Photos come in rounds of as many draws as there are photos. After every
    round, photos of the same group have been drawn equally often, give or
    take one.

    Args:
        photos: To draw from.
        batch_size: Photos per batch.
        seed: Of all that is drawn.
        balance: In [0, 1]. 0 draws all photos equally often; 1 draws all
            groups equally often, whatever their size. Of a group with c
            photos c ** (1 - balance) are drawn for every one of a group of 1.
    """

    def __init__(
        self,
        photos: Sequence[SourcePhoto],
        *,
        batch_size: int,
        seed: int,
        balance: float = 0.0,
    ) -> None:
        self._batch_size, self._seed = batch_size, seed % 2**64
        self._shapes = np.array([photo.shape for photo in photos])
        groups = [photo.group if balance else "" for photo in photos]
        _, group_of, sizes = np.unique(
            groups, return_inverse=True, return_counts=True
        )
        by_group = np.argsort(group_of, kind="stable")
        self._members = np.split(by_group, np.cumsum(sizes)[:-1])
        # In whole numbers, as near to the weights as they go.
        ends = np.cumsum(sizes ** (1.0 - balance))
        ends = np.round(ends / ends[-1] * len(photos)).astype(int)
        self._draws = np.diff(ends, prepend=0)
        self._round = lru_cache(maxsize=2)(self._draw_round)

    def __call__(self, step: int) -> np.ndarray:
        """Returns what batch number `step`, from 0, is made of.

        Returns:
            `(n, 7)` int64: photo, top, left, height and width of the box,
            whether it is flipped, and `step`.
        """
        size, count = self._batch_size, len(self._shapes)
        numbers = range(step * size, (step + 1) * size)
        places = [divmod(number, count) for number in numbers]
        photos = np.array([self._round(r)[place] for r, place in places])
        rng = self._rng(BATCH, step)
        boxes = draw_boxes(self._shapes[photos], rng)
        flips = rng.integers(2, size=size)
        return np.column_stack([photos, boxes, flips, np.full(size, step)])

    def _draw_round(self, number: int) -> np.ndarray:
        drawn = []
        for group, members in enumerate(self._members):
            size, draws = len(members), int(self._draws[group])
            start, end = number * draws, (number + 1) * draws
            first, last = start // size, -(-end // size)
            skipped = first * size  # Each photo so and so often.
            bits = np.random.PCG64([self._seed, GROUP, group])
            rng = np.random.Generator(bits.advance(skipped))
            keys = rng.random((last - first, size))
            shuffled = members[keys.argsort(axis=1)].ravel()
            drawn.append(shuffled[start - skipped : end - skipped])
        rng = self._rng(ROUND, number)
        return rng.permutation(np.concatenate(drawn))

    def _rng(self, kind: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, kind, number])


def draw_boxes(shapes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws a box for each photo.

    Height and width of the box are drawn apart, from pix2pix's share of the
    photo's shorter side up to the whole side: the network learns every
    squeezing up to that of a whole photo, which is what it is shown later.

    Args:
        shapes: `(n, 2)`, heights and widths.
        rng: What is drawn from.

    Returns:
        `(n, 4)` int64: top, left, height, width.
    """
    smallest = shapes.min(axis=1, keepdims=True) / SHORT_SIDE_PER_CROP
    boxes = np.round(rng.uniform(smallest, shapes)).astype(int)
    corners = rng.integers(0, shapes - boxes, endpoint=True)
    return np.hstack([corners, boxes])
