"""Which photo is drawn when: shuffled, and in balance between folders."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


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

    def __init__(self, groups: Sequence[str], *, balance: float = 0.0):
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

    def __call__(self, number: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns the photo at place `number`, scalars of int64."""
        round_, place = number // self.count, number % self.count
        place = _shuffled(place, seed, round_, self.count)
        group = tf.searchsorted(self._ends, place[None], side="right")[0]
        size, draws = self._sizes[group], self._draws[group]
        drawn = round_ * draws + place - (self._ends[group] - draws)
        group_seed = seed + 1 + tf.cast(group, tf.int64)
        member = _shuffled(drawn % size, group_seed, drawn // size, size)
        return self._members[self._firsts[group] + member]


def _shuffled(place, seed, round_, count):
    return tf.random.experimental.index_shuffle(
        place, tf.stack([seed, round_]), count - 1
    )


def _shares(weights, total):
    """Splits `total` in whole numbers, as near to the weights as they go."""
    ends = np.round(np.cumsum(weights) / np.sum(weights) * total)
    return np.diff(ends, prepend=0).astype("int64")
