"""Golden vectors: the script makes the committed ones, and every port passes.

Their numbers come from scikit-image, SciPy and Keras; the tolerances stand in
the files. The web app has its own tests of them, in JavaScript.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from keras_colorizer import Colorizer, color, encoding
from keras_colorizer.chroma import ops, steps
from keras_colorizer.networks.generator_file import load_generator
from keras_colorizer.networks.precision import with_precision
from keras_colorizer.pretrained import DEFAULT, FOLDER, KERAS

sys.path.insert(0, str(Path(__file__).parents[1] / "serving"))
sys.path.insert(0, str(Path(__file__).parent / "golden"))

import make_golden
import on_device

REPOSITORY = Path(__file__).parents[1]
GOLDEN = REPOSITORY / "tests/golden"

COLOR, CHROMA, MODEL = (
    json.loads((GOLDEN / f"{name}.json").read_text())
    for name in ("color", "chroma", "model")
)
TFLITE_FILES = ("colorizer_float16.tflite", "ab_float16.tflite")


@pytest.mark.parametrize(
    "name",
    [
        "color.json",
        "chroma.json",
        # Loads Keras' file, compiles the network.
        pytest.param("model.json", marks=pytest.mark.slow),
    ],
)
def test_committed_vectors_are_those_of_the_script(name):
    committed = json.loads((GOLDEN / name).read_text())
    made = json.loads(json.dumps(make_golden.FILES[name]()))
    assert_same(committed, made)


def assert_same(committed, made):
    """Numbers may differ by their last digit: processors round differently."""
    if isinstance(made, dict):
        assert committed.keys() == made.keys()
        for key in made:
            assert_same(committed[key], made[key])
    elif isinstance(made, list):
        assert len(committed) == len(made)
        for one, other in zip(committed, made, strict=True):
            assert_same(one, other)
    elif isinstance(made, float):
        assert committed == pytest.approx(made, abs=0.011, rel=0)
    else:
        assert committed == made


def column(cases, name):
    return np.array([case[name] for case in cases])


def documented():
    """Definitions of the document's own code."""
    text = (REPOSITORY / "docs/on_device.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    definitions = code.split("# A photo, in and out.")[0]
    names: dict = {}
    exec(definitions, names)
    return names


# The network's view of `(h, w, 3)` levels, as `(side, side)`.


def view_by_tensorflow(rgb, side):
    lightness = color.rgb_to_lightness(rgb[None])
    return ops.network_view(lightness, side)[0, ..., 0]


def view_by_steps(rgb, side):
    return steps.network_view(steps.photo_lightness(rgb), side)[0, ..., 0]


def view_by_document(rgb, side):
    return documented()["network_view"](rgb, side)[0, ..., 0]


# `(h, w, 3)` levels with other ab.


def merge_by_tensorflow(rgb, ab):
    lightness = color.rgb_to_lightness(rgb[None])
    return np.rint(255 * ops.merge(lightness, ab[None])[0])


def merge_by_steps(rgb, ab):
    return steps.merge(steps.photo_lightness(rgb), ab, np.uint8)


def merge_by_document(rgb, ab):
    return documented()["merge"](rgb, ab)


VIEWS = [view_by_tensorflow, view_by_steps, view_by_document]
MERGES = [merge_by_tensorflow, merge_by_steps, merge_by_document]


@pytest.mark.parametrize("port", VIEWS)
def test_network_sees_what_it_should(port):
    for case in CHROMA["view"]:
        seen = port(np.uint8(case["rgb"]), case["side"])
        tolerance = CHROMA["tolerance"]["view"]
        assert_allclose(seen, case["view"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("port", MERGES)
def test_ab_is_merged_as_it_should_be(port):
    for case in CHROMA["merge"]:
        merged = port(np.uint8(case["rgb"]), np.float32(case["ab"]))
        tolerance = CHROMA["tolerance"]["level"]
        assert_allclose(merged, case["merged"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("port", MERGES)
def test_colors_merged_with_their_own_ab_stay(port):
    for case in COLOR["to_lab"]:
        pixel = np.uint8([[case["rgb"]]])
        merged = port(pixel, np.float32([[case["lab"][1:]]]))
        # L*a*b* of 0.01 units, and tables of 16 bits, tip a level at most.
        assert_allclose(merged, pixel, atol=1)


def test_colors_are_converted_as_they_should_be():
    lab = color.rgb_to_lab(column(COLOR["to_lab"], "rgb").astype("uint8"))
    rgb = color.lab_to_rgb(column(COLOR["to_rgb"], "lab"))
    tolerance = COLOR["tolerance"]
    expected = column(COLOR["to_lab"], "lab")
    assert_allclose(lab, expected, rtol=0, atol=tolerance["lab"])
    expected = column(COLOR["to_rgb"], "rgb")
    assert_allclose(rgb, expected, rtol=0, atol=tolerance["rgb"])


# The model: by this package, and by the script for small computers.


def lightness_of_vectors():
    y, x = np.mgrid[: MODEL["side"], : MODEL["side"]]
    return np.float32(50 + 25 * np.sin(x / 20) + 20 * np.cos(y / 30))


def photo_of_vectors():
    y, x = np.mgrid[: MODEL["height"], : MODEL["width"]]
    return np.repeat(np.uint8(abs(x - 80) + y)[..., None], 3, axis=-1)


def at(cases, image):
    return image[column(cases, "y"), column(cases, "x")].astype(float)


@pytest.mark.parametrize("name", TFLITE_FILES)
def test_model_predicts_what_keras_does(name):
    colorizer = Colorizer.load(FOLDER / DEFAULT / name)
    ab = colorizer.predict_ab(lightness_of_vectors()[None, ..., None])[0]
    cases = MODEL["predict_ab"]
    tolerance = MODEL["tolerance"]["ab"]
    assert_allclose(at(cases, ab), column(cases, "ab"), rtol=0, atol=tolerance)
    # They would tell other colors apart.
    assert np.ptp(column(cases, "ab"), axis=0).min() > 30 * tolerance


@pytest.mark.slow
def test_arithmetic_in_float16_stays_within_the_tolerance():
    saved = load_generator(FOLDER / DEFAULT / KERAS)
    generator = with_precision(saved.generator, "float16")
    lightness = lightness_of_vectors()[None, ..., None]
    encoded = encoding.encode_lightness(lightness)
    ab = encoding.decode_ab(generator(encoded, training=False))[0].numpy()
    cases = MODEL["predict_ab"]
    tolerance = MODEL["tolerance"]["ab_by_float16"]
    assert_allclose(at(cases, ab), column(cases, "ab"), rtol=0, atol=tolerance)


def by_package(path, rgb):
    return np.asarray(Colorizer.load(path).colorize(rgb))


def by_on_device(path, rgb):
    return on_device.load(path)(rgb)


@pytest.mark.parametrize(
    ("port", "name"),
    [
        *((by_package, name) for name in TFLITE_FILES),
        (by_on_device, "colorizer_float16.tflite"),
    ],
)
def test_photo_is_colored_as_by_keras(name, port):
    cases = MODEL["colorize"]
    colored = port(FOLDER / DEFAULT / name, photo_of_vectors())
    tolerance = MODEL["tolerance"]["level"]
    assert_allclose(
        at(cases, colored), column(cases, "rgb"), rtol=0, atol=tolerance
    )
