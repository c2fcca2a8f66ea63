"""Hints and suggestions of a Colorizer, whatever runs its network."""

import io
from contextlib import contextmanager

import numpy as np
import pytest
import skimage.data
from fixtures.embedded_server import running
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage.color import rgb2lab

from keras_colorizer import (
    ArtifactError,
    Colorizer,
    Hint,
    HintError,
    build_generator,
)
from keras_colorizer.exporting.conversion import convert
from keras_colorizer.exporting.saved_model import write_saved_model
from keras_colorizer.inference.served_network import ServedNetwork
from keras_colorizer.serving import app
from keras_colorizer.serving.limits import Limits
from keras_colorizer.serving.server import load_model

GREY = skimage.data.camera()[:300, :400]
HINTS = [Hint(0.3, 0.45, "firebrick"), Hint(0.9, 0.2, "#204080")]


@pytest.fixture(scope="module")
def local():
    """An untrained generator: its ab is about 0."""
    return Colorizer(build_generator("tiny"), render_size=32)


@pytest.fixture(scope="module")
def folder(local, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_saved_model(local.network, folder / "model/1", max_pixels=10**6)
    for name, precision in (("new", "float32"), ("old", "int8")):
        content = convert(
            local.network,
            precision=precision,
            any_size=False,
            views=[np.full((1, 32, 32, 1), 50, "float32")],
        )
        (folder / f"{name}.tflite").write_bytes(content)
    return folder


def serving(path):
    """The embedded server with a model, in this process."""
    limits = Limits(body_bytes=2**24, seconds=60, waiting=9, origins=())
    model = load_model(str(path), max_pixels=10**6)
    api = app.Api("colorizer", model, limits)
    return running(api.app(hosts=["127.0.0.1"]))


@pytest.fixture(scope="module")
def server(folder):
    with serving(folder / "new.tflite") as server:
        yield server


@pytest.fixture(scope="module")
def graph_server(folder):
    with serving(folder / "model") as server:
        yield server


@contextmanager
def loaded(path):
    """A Colorizer whose connections, if it has any, are closed in the end."""
    colorizer = Colorizer.load(path)
    yield colorizer
    if isinstance(colorizer.network, ServedNetwork):
        colorizer.network._client._http.close()


def levels(colored):
    return np.asarray(colored).astype(int)


@pytest.mark.parametrize(
    "kind", ["SavedModel", "LiteRT", "served LiteRT", "served SavedModel"]
)
@pytest.mark.parametrize("saturation", [1.0, 0.5, "auto"])
def test_every_network_gives_the_same_colors(
    kind, saturation, local, folder, server, graph_server
):
    path = {
        "SavedModel": folder / "model",
        "LiteRT": folder / "new.tflite",
        "served LiteRT": f"{server.url}/v1/models/colorizer",
        "served SavedModel": f"{graph_server.url}/v1/models/colorizer",
    }[kind]
    options = {"saturation": saturation, "hints": HINTS}
    expected = levels(local.colorize(GREY, **options))
    assert np.ptp(expected, axis=-1).max() > 50
    with loaded(path) as colorizer:
        colored = levels(colorizer.colorize(GREY, **options))
    assert np.abs(colored - expected).max() <= 1


def ab_at(colored, hint):
    """Mean ab of 5 x 5 pixels at a hint."""
    height, width, _ = np.shape(colored)
    row, column = int(hint.y * height), int(hint.x * width)
    near = np.asarray(colored)[row - 2 : row + 3, column - 2 : column + 3]
    return rgb2lab(near)[..., 1:].mean(axis=(0, 1))


@pytest.mark.parametrize("saturation", [1.0, 0.6, "auto"])
def test_a_hint_s_place_gets_its_color_at_any_saturation(local, saturation):
    plain = np.full((200, 300), 110, "uint8")
    colored = local.colorize(plain, hints=HINTS[1:], saturation=saturation)
    rgb = np.array([[HINTS[1].rgb()]], "uint8")
    # 0.005 of 1.005 is left of the prediction, and a pixel of distance.
    assert_allclose(ab_at(colored, HINTS[1]), rgb2lab(rgb)[0, 0, 1:], atol=2)
    grey = levels(local.colorize(plain, hints=HINTS, saturation=0))
    assert np.ptp(grey, axis=-1).max() <= 1


def test_no_hints_change_nothing(local):
    expected = local.colorize(GREY)
    assert_array_equal(local.colorize(GREY, hints=[]), expected)
    with pytest.raises(HintError, match="at most 32"):
        local.colorize(GREY, hints=HINTS * 17)


def test_files_without_the_signature_refuse_hints_in_a_sentence(folder):
    old = Colorizer.load(folder / "old.tflite")
    assert old.colorize(GREY).size == (400, 300)
    with pytest.raises(ArtifactError, match="takes no hints, as those .* 0.1"):
        old.colorize(GREY, hints=HINTS)
    with serving(folder / "old.tflite") as server:
        with (
            loaded(f"{server.url}/v1/models/colorizer") as served,
            pytest.raises(ArtifactError, match="takes no hints"),
        ):
            served.colorize(GREY, hints=HINTS)
        form = {"photo": ("old.png", png(GREY)), "hints": (None, FORM)}
        response = server.client.post("/colorize", files=form)
        assert response.status_code == 400
        assert "takes no hints" in response.json()["error"]


def png(levels):
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return buffer.getvalue()


FORM = (
    '{"hints": [{"x": 0.3, "y": 0.45, "color": "firebrick"}, '
    '{"x": 0.9, "y": 0.2, "color": "#204080"}]}'
)


@pytest.mark.parametrize("hints", [(None, FORM), ("a.hints.json", FORM)])
def test_colorize_takes_hints_as_a_field_of_the_form(server, local, hints):
    form = {"hints": hints, "photo": ("hints.png", png(GREY))}
    response = server.client.post("/colorize", files=form)
    colored = levels(Image.open(io.BytesIO(response.content)))
    expected = levels(local.colorize(GREY, hints=HINTS))
    assert np.abs(colored - expected).max() <= 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no JSON", "Hints must be JSON"),
        (FORM.replace("0.3", "1.3"), "Hint 1: `x` must be a number"),
        ('{"hints": [' + "5, " * 9999 + "5]}", "at most 32 hints"),
    ],
    ids=range(3),
)
def test_wrong_hints_are_refused_by_the_server(server, text, sentence):
    form = {"hints": (None, text), "photo": ("old.png", png(GREY))}
    response = server.client.post("/colorize", files=form)
    assert response.status_code == 400
    assert sentence in response.json()["error"]


def test_predict_with_hints_checks_shapes(server):
    lightness = np.full((1, 32, 32, 1), 50).tolist()
    for hints, sentence in (
        (np.zeros((1, 31, 5)), "`hints` is not (n, 32, 5)"),
        (np.zeros((2, 32, 5)), "no common batch size"),
    ):
        inputs = {"lightness": lightness, "hints": hints.tolist()}
        body = {"signature_name": "predict_ab_with_hints", "inputs": inputs}
        response = server.predict(body, model="colorizer")
        assert response.status_code == 400
        assert sentence in response.json()["error"]


@pytest.mark.parametrize("level", [30, 110, 200])
def test_suggestions_are_apart_and_of_the_place_s_lightness(local, level):
    photo = np.full((50, 80), level, "uint8")
    colors = local.suggest(photo, 0.5, 1.0)
    assert len(colors) == 6
    rgb = [Hint(0, 0, color).rgb() for color in colors]
    lab = rgb2lab(np.array([rgb], "uint8"))[0]
    expected = rgb2lab(np.full((1, 1, 3), level, "uint8"))[0, 0, 0]
    assert_allclose(lab[:, 0], expected, atol=1)
    pairs = np.linalg.norm(lab[:, None] - lab, axis=-1) + 99 * np.eye(6)
    assert pairs.min() > 9.9  # Another white point, to two digits.


def test_suggestions_begin_with_the_picture_s_own_color(local):
    own = np.asarray(local.colorize(GREY, hints=HINTS))
    hint = HINTS[1]
    first, *_ = local.suggest(GREY, hint.x, hint.y, hints=HINTS, count=3)
    ab = rgb2lab(np.array([[Hint(0, 0, first).rgb()]], "uint8"))[0, 0, 1:]
    assert_allclose(ab, ab_at(own, hint), atol=6)  # Of one of 32 x 32 places.
    assert len(local.suggest(GREY, 0.1, 0.1, count=3)) == 3


def test_suggestions_know_colors_of_places_alike(local):
    two = np.full((64, 64), 90, "uint8")
    two[:, 32:] = 180
    hints = [Hint(0.1, 0.5, "firebrick"), Hint(0.4, 0.5, "forestgreen")]
    colors = local.suggest(two, 0.1, 0.5, hints=hints)
    assert any(g > r for r, g, _ in (Hint(0, 0, c).rgb() for c in colors[:3]))


def test_black_and_white_have_hardly_any_colors(local):
    black, white = (np.full((9, 9), level, "uint8") for level in (0, 255))
    assert len(local.suggest(black, 0, 0)) < 4  # Such as a very dark blue.
    assert len(local.suggest(white, 0, 0)) < 4  # Such as a pale yellow.
    with pytest.raises(HintError, match="`x` must be"):
        local.suggest(white, 1.5, 0)
