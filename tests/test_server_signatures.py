"""Answers of an exported SavedModel, by TF Serving's way and by `serve`.

Python's own session and functions refuse wrong shapes before the graph sees
them. TF Serving does not, and neither does `ask`.
"""

import io
import shutil

import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import config_pb2

from keras_colorizer import Colorizer
from keras_colorizer.exporting.saved_model import write_saved_model
from keras_colorizer.serving.models import ColorizerModel
from keras_colorizer.serving.saved_model import SavedModel
from keras_colorizer.serving.server import load_model

MAX_PIXELS = 100_000
MANY = 1e9  # A deadline that does not come.


@pytest.fixture(scope="module")
def colorizer(tiny_run):
    return Colorizer.load(tiny_run.run_dir)


@pytest.fixture(scope="module")
def folder(colorizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("colorizer") / "7"
    write_saved_model(colorizer.network, folder, max_pixels=MAX_PIXELS)
    return folder


@pytest.fixture(scope="module")
def ask(folder):
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        model = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))

    def run(signature, value):
        definition = model.signature_def[signature]
        (fed,) = definition.inputs.values()
        (fetched,) = definition.outputs.values()
        options = config_pb2.CallableOptions(
            feed=[fed.name], fetch=[fetched.name]
        )
        call = session._make_callable_from_options(options)
        if signature not in ("colorize", "predict_ab"):
            value = np.array(value, object)  # Files may end with zeros.
        return call(value)[0]

    yield run
    session.close()


def photo_file(width, height):
    buffer = io.BytesIO()
    photo = Image.fromarray(skimage.data.astronaut()).resize((width, height))
    photo.save(buffer, "PNG")
    return buffer.getvalue()


def test_photos_of_several_sizes_get_the_keras_colors(ask, colorizer):
    files = [photo_file(301, 200), photo_file(64, 300), photo_file(1, 1)]
    for name in ("serving_default", "colorize_image_bytes"):
        for file, result in zip(files, ask(name, files), strict=True):
            assert_colored(result, colorizer.colorize(file))


def assert_colored(result, expected):
    colored = np.asarray(Image.open(io.BytesIO(result))).astype(int)
    assert np.abs(colored - np.asarray(expected)).max() <= 1


def numbers(*shape, dtype="uint8"):
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("signature", "value", "sentence"),
    [
        ("colorize", numbers(2, 30, 40, 1), "Received: [2 30 40 1]."),
        ("colorize", numbers(30, 40, 3), "Received: [30 40 3]."),
        ("colorize", numbers(1, 0, 40, 3), "Received: [1 0 40 3]."),
        ("colorize", numbers(1, 400, 251, 3), "251 x 400 pixels, more than"),
        (
            "predict_ab",
            numbers(1, 31, 32, 1, dtype="float32"),
            "`lightness` must have the shape [n, 32, 32, 1], each 1 or more. "
            "Received: [1 31 32 1].",
        ),
        ("serving_default", [], "Received: [0]."),
        ("serving_default", [[b"a", b"b"]], "Received: [1 2]."),
        ("serving_default", [photo_file(9, 9), b"text"], "element 1 "),
        ("serving_default", [photo_file(400, 251)], "element 0 has 400 x 251"),
    ],
    ids=range(9),
)
def test_wrong_inputs_are_refused_in_a_sentence(
    ask, signature, value, sentence
):
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        ask(signature, value)
    assert sentence in str(refusal.value)


def test_serve_answers_with_the_graph_and_describes_it(folder, colorizer):
    model = SavedModel(folder, MAX_PIXELS)
    assert model.version == 7
    file = photo_file(50, 40)
    inputs = {"image_bytes": np.array([file], object)}
    (result,) = model.run("serving_default", inputs, MANY)["image_bytes"]
    assert_colored(result, colorizer.colorize(file))
    strong = colorizer.colorize(file, saturation=2)
    assert_colored(model.color(file, saturation=2), strong)
    twin = ColorizerModel(colorizer, MAX_PIXELS)
    assert twin.signatures.keys() <= model.signatures.keys()
    for name, signature in twin.signatures.items():
        for ends in ("inputs", "outputs"):
            for alias, info in model.signatures[name][ends].items():
                assert signature[ends][alias] == info | {"name": alias}


@pytest.mark.parametrize("name", ["exp[1]", "a*", "what?"])
def test_names_that_are_patterns_to_tensorflow_are_loaded(
    folder, colorizer, tmp_path, name
):
    shutil.copytree(folder, tmp_path / name / "7")
    side = colorizer.render_size
    lightness = np.linspace(0, 100, side**2, dtype="float32")
    lightness = lightness.reshape(1, side, side, 1)
    expected = colorizer.network.predict_ab(lightness)
    for network in (
        load_model(str(tmp_path / name), max_pixels=MAX_PIXELS),
        Colorizer.load(tmp_path / name).network,
    ):
        ab = network.predict_ab(lightness)
        np.testing.assert_allclose(ab, expected, atol=0.01)  # L*a*b* units.
