"""Which photo is drawn when: counted."""

from collections import Counter

import numpy as np
import pytest

from keras_colorizer.data.drawing import Drawing
from keras_colorizer.data.sources import SourcePhoto

GROUPS = ["many"] * 64 + ["few"] * 4


def drawn(groups, count, *, balance, first=0, seed=0):
    photos = [
        SourcePhoto("", b"", relative=f"{group}/x", shape=(40, 60))
        for group in groups
    ]
    draw = Drawing(photos, batch_size=4, seed=seed, balance=balance)
    steps = range(first // 4, (first + count) // 4)
    return np.concatenate([draw(step) for step in steps])[:, 0].tolist()


@pytest.mark.parametrize("groups", [GROUPS, [""] * 68])
def test_without_balance_every_photo_comes_once_a_round(groups):
    order = drawn(groups, 136, balance=0.0)
    assert sorted(order[:68]) == sorted(order[68:]) == list(range(68))
    assert order[:68] != order[68:]
    assert order[:68] != sorted(order[:68])


# Of 68 draws: c ** (1 - balance) to 1 for groups of 64 and 4.
@pytest.mark.parametrize(("balance", "few"), [(0.5, 13.6), (1.0, 34)])
def test_small_groups_are_drawn_more_often(balance, few):
    order = drawn(GROUPS, 68, balance=balance)
    assert abs(sum(photo >= 64 for photo in order) - few) < 1


@pytest.mark.parametrize("balance", [0.3, 1.0])
def test_photos_of_a_group_are_drawn_equally_often(balance):
    order = drawn(GROUPS, 680, balance=balance)
    for rounds in range(1, 11):
        counts = Counter(order[: 68 * rounds])
        for group in (range(64), range(64, 68)):
            of_group = [counts[photo] for photo in group]
            assert max(of_group) - min(of_group) <= 1


def test_any_place_of_the_order_is_known_without_the_others():
    order = drawn(GROUPS, 200, balance=0.5)
    assert drawn(GROUPS, 20, balance=0.5, first=148) == order[148:168]
    assert drawn(GROUPS, 200, balance=0.5, seed=1) != order


def test_groups_of_one_photo_are_drawn():
    counts = Counter(drawn(["a", "b", "b", "b"], 400, balance=1.0))
    assert counts[0] == 200
    assert max(counts[i] for i in (1, 2, 3)) <= 68
