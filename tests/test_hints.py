"""Hints, their file format, and the list that networks take."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage.color import rgb2lab

from keras_colorizer import Hint, HintError, read_hints, write_hints
from keras_colorizer.hints import MOST, hint_array
from keras_colorizer.networks.hint_propagation import HINTS

COAT = {"x": 0.31, "y": 0.62, "color": "#a03020"}
EXAMPLE = json.dumps({"hints": [COAT]})


def test_the_list_holds_places_and_the_colors_ab():
    colors = {"#a03020": (160, 48, 32), "navy": (0, 0, 128), "#fff": (255,) * 3}
    places = [(0, 1), (0.31, 0.62), (1, 0)]
    hints = [Hint(*xy, c) for xy, c in zip(places, colors, strict=True)]
    array = hint_array(hints)
    assert array.shape == (HINTS, 5) == (MOST, 5)
    assert array.dtype == np.float32
    ab = rgb2lab(np.uint8(list(colors.values()))[None])[0, :, 1:]
    # scikit-image's white point has one digit less.
    assert_allclose(array[:3], np.c_[places, ab, np.ones(3)], atol=0.02)
    assert_array_equal(array[3:], 0)
    assert_array_equal(hint_array([]), 0)


def test_files_keep_hints_and_are_the_documented_json(tmp_path):
    path = tmp_path / "old.jpg.hints.json"
    path.write_text(EXAMPLE)
    assert read_hints(path) == [Hint(0.31, 0.62, "#a03020")]
    hints = [Hint(0, 1, "hsl(8, 67%, 38%)"), Hint(np.float32(0.5), 0.25, "red")]
    write_hints(str(path), hints)
    assert read_hints(str(path)) == hints
    rows = json.loads(path.read_text())["hints"]
    assert rows[1] == {"x": 0.5, "y": 0.25, "color": "red"}
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"x": 1.01}, "`x` must be a number from 0 to 1. Received: 1.01"),
        ({"y": -1e-9}, "`y` must be"),
        ({"x": float("nan")}, "`x` must be"),
        ({"x": 10**400}, "`x` must be"),
        ({"y": "0.5"}, "`y` must be a number from 0 to 1. Received: '0.5'"),
        ({"y": True}, "`y` must be"),
        ({"color": "colour"}, "`color` must be .* Received: 'colour'"),
        ({"color": "rgb(999, 0, 0)"}, "`color` must be"),
        ({"color": 5}, "`color` must be"),
        ({"color": "#" * 10**6}, "`color` must be"),
    ],
    ids=range(10),
)
def test_wrong_hints_are_refused_by_field(change, sentence, tmp_path):
    with pytest.raises(HintError, match=f"^{sentence}"):
        Hint(**COAT | change)
    path = tmp_path / "old.jpg.hints.json"
    rows = [COAT, COAT | change]
    path.write_text(json.dumps({"hints": rows})[: 2 * 10**6])
    with pytest.raises(HintError) as refusal:
        read_hints(path)
    assert len(str(refusal.value)) < 300 + len(str(path))
    if "#" * 99 not in str(change):
        assert refusal.match(f"hints.json`: Hint 2: {sentence}")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "must be JSON"),
        (b"\xff\xd8\xff no JSON", "must be JSON"),
        (EXAMPLE[:-3].encode(), "must be JSON"),
        (b"[" * 100_000, "must be JSON"),
        (b"[]", "must be JSON"),
        (b'{"hints": 5}', "must be JSON"),
        (b'{"hints": [5]}', "Hint 1 is no JSON object"),
        (b'{"hints": [{"x": 0, "y": 1}]}', "Hint 1 has no `color`"),
        (b" " * 2**21, "1,048,576 bytes"),
        (
            json.dumps({"hints": [COAT] * 10_000}).encode(),
            "at most 32 hints. Received: 10000",
        ),
    ],
    ids=range(10),
)
def test_broken_files_are_refused_in_a_sentence(content, sentence, tmp_path):
    path = tmp_path / "old.jpg.hints.json"
    path.write_bytes(content)
    with pytest.raises(HintError, match=f"old.jpg.hints.json`: .*{sentence}"):
        read_hints(path)


def test_more_hints_and_other_things_are_refused(tmp_path):
    with pytest.raises(HintError, match="nowhere.json` cannot be read"):
        read_hints(tmp_path / "nowhere.json")
    with pytest.raises(HintError, match="cannot be written"):
        write_hints(tmp_path, [])
    hints = [Hint(**COAT)] * 33
    with pytest.raises(HintError, match="at most 32 hints. Received: 33"):
        write_hints(tmp_path / "many.json", hints)
    with pytest.raises(HintError, match="must be a list of `Hint"):
        hint_array([(0.5, 0.5, "red")])
    assert not list(tmp_path.iterdir())
