"""The drawing of photos, shuffled and balanced by folder, and of boxes."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_colorizer.data.survey import SHORT_SIDE_PER_CROP

KEY = 498_247_692  # What `tf.random.experimental.index_shuffle` adds to seeds.


class DrawingOrder:
    """An endless order of photos; every place in it is a function of a seed.

    A round has as many draws as there are photos. After every round, photos of
    the same group have been drawn equally often, give or take one.

    Args:
        groups: The group of every photo.
        balance: In [0, 1]. 0 draws all photos equally often; 1 draws all
            groups equally often, whatever their size. Of a group with c
            photos c ** (1 - balance) are drawn for every one of a group of 1.
    """

    def __init__(self, groups: Sequence[str], *, balance: float = 0.0) -> None:
        if balance == 0:
            groups = [""] * len(groups)
        _, group_of, sizes = np.unique(
            np.asarray(groups), return_inverse=True, return_counts=True
        )
        self.count = len(groups)
        self._members = tf.constant(np.argsort(group_of, kind="stable"))
        self._sizes = tf.constant(sizes)
        self._firsts = tf.constant(np.cumsum(sizes) - sizes)
        draws = _shares(sizes ** (1.0 - balance), self.count)
        self._draws = tf.constant(draws)
        self._ends = tf.constant(np.cumsum(draws))

    def __call__(self, numbers: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns the photos at some places.

        Args:
            numbers: `(n,)` int64 places, from 0.
            seed: Scalar int64.

        Returns:
            `(n,)` int64.
        """
        rounds, places = numbers // self.count, numbers % self.count
        seeds = tf.fill(tf.shape(numbers), seed)
        counts = tf.fill(tf.shape(numbers), tf.cast(self.count, tf.int64))
        places = _shuffled(places, seeds, rounds, counts)
        group = tf.searchsorted(self._ends, places, side="right")
        size = tf.gather(self._sizes, group)
        draws = tf.gather(self._draws, group)
        drawn = rounds * draws + places - (tf.gather(self._ends, group) - draws)
        group_seeds = seeds + 1 + tf.cast(group, tf.int64)
        members = _shuffled(drawn % size, group_seeds, drawn // size, size)
        return tf.gather(
            self._members, tf.gather(self._firsts, group) + members
        )


def draw_boxes(shares: tf.Tensor, shapes: tf.Tensor) -> tf.Tensor:
    """Draws a box for each photo.

    Height and width of the box are drawn apart, from pix2pix's share of the
    photo's shorter side up to the whole side: the network learns every
    squeezing up to that of a whole photo, which is what it is shown later.

    Args:
        shares: `(n, 4)` float32, drawn from [0, 1).
        shapes: `(n, 2)` int32, heights and widths.

    Returns:
        `(n, 4)` int32: top, left, height, width.
    """
    sides = tf.cast(shapes, tf.float32)
    shortest = tf.reduce_min(sides, axis=1, keepdims=True)
    smallest = shortest / SHORT_SIDE_PER_CROP
    boxes = tf.round(smallest + shares[:, :2] * (sides - smallest))
    corners = tf.floor(shares[:, 2:] * (sides - boxes + 1))
    return tf.cast(tf.concat([corners, boxes], axis=1), tf.int32)


def _shuffled(
    places: tf.Tensor, seeds: tf.Tensor, rounds: tf.Tensor, counts: tf.Tensor
) -> tf.Tensor:
    # TensorFlow's function for it takes one seed for all places.
    keys = tf.fill(tf.shape(places), tf.constant(KEY, tf.int64))
    return tf.raw_ops.RandomIndexShuffle(
        index=places,
        seed=tf.stack([keys, seeds, rounds], axis=1),
        max_index=counts - 1,
        rounds=4,
    )


def _shares(weights: np.ndarray, total: int) -> np.ndarray:
    """Splits `total` in whole numbers, as near to the weights as they go."""
    ends = np.round(np.cumsum(weights) / np.sum(weights) * total)
    return np.diff(ends, prepend=0).astype("int64")
