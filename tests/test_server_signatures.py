"""Answers of a SavedModel, fed as by TF Serving: by tensor name, unchecked.

Python's own session and functions refuse wrong shapes before the graph sees
them. TF Serving does not, and neither does what these tests call.
"""

import io

import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import config_pb2

from keras_colorizer import Colorizer
from keras_colorizer.exporting.saved_model import write_saved_model

MAX_PIXELS = 100_000


@pytest.fixture(scope="module")
def colorizer(tiny_run):
    return Colorizer.load(tiny_run.run_dir)


@pytest.fixture(scope="module")
def ask(colorizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("colorizer") / "1"
    write_saved_model(colorizer.network, folder, max_pixels=MAX_PIXELS)
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


def encoded(image, format):
    buffer = io.BytesIO()
    image.save(buffer, format)
    return buffer.getvalue()


def photos():
    astronaut = Image.fromarray(skimage.data.astronaut())
    return [
        astronaut.resize((301, 200)),
        Image.fromarray(skimage.data.camera()).resize((64, 300)),
        astronaut.resize((1, 1)),
    ]


@pytest.mark.parametrize(
    "signature", ["serving_default", "colorize_image_bytes"]
)
def test_photos_of_several_sizes_get_the_keras_colors(
    ask, colorizer, signature
):
    files = [encoded(photo, "PNG") for photo in photos()]
    results = ask(signature, files)
    for file, result in zip(files, results, strict=True):
        expected = np.asarray(colorizer.colorize(file))
        colored = np.asarray(Image.open(io.BytesIO(result)))
        assert np.abs(colored.astype(int) - expected).max() <= 1


def test_every_format_is_taken(ask, colorizer):
    photo = photos()[0]
    files = [encoded(photo, name) for name in ("JPEG", "PNG", "WEBP", "BMP")]
    for file, result in zip(files, ask("serving_default", files), strict=True):
        expected = np.asarray(colorizer.colorize(file)).astype(int)
        colored = np.asarray(Image.open(io.BytesIO(result)))
        # libwebp and libjpeg of two packages may round another way.
        assert np.abs(colored - expected).max() <= 2


def test_alpha_comes_back(ask):
    photo = photos()[0].convert("RGBA")
    photo.putalpha(photo.getchannel("R"))
    (result,) = ask("serving_default", [encoded(photo, "PNG")])
    colored = Image.open(io.BytesIO(result))
    assert colored.mode == "RGBA"
    alpha = np.asarray(colored.getchannel("A"))
    np.testing.assert_array_equal(alpha, np.asarray(photo.getchannel("A")))


@pytest.mark.parametrize(
    ("signature", "value", "sentence"),
    [
        (
            "colorize",
            np.zeros((2, 30, 40, 1), "uint8"),
            "`rgb` must have the shape [n, h, w, 3], each 1 or more. "
            "Received: [2 30 40 1].",
        ),
        (
            "colorize",
            np.zeros((30, 40, 3), "uint8"),
            "Received: [30 40 3].",
        ),
        (
            "colorize",
            np.zeros((1, 400, 251, 3), "uint8"),
            "`rgb` has photos of 251 x 400 pixels, more than the limit of "
            "100,000: reduce them.",
        ),
        (
            "colorize",
            np.zeros((1, 0, 40, 3), "uint8"),
            "Received: [1 0 40 3].",
        ),
        (
            "predict_ab",
            np.zeros((0, 32, 32, 1), "float32"),
            "Received: [0 32 32 1].",
        ),
        ("serving_default", [], "Received: [0]."),
        (
            "predict_ab",
            np.zeros((1, 31, 32, 1), "float32"),
            "`lightness` must have the shape [n, 32, 32, 1], each 1 or more. "
            "Received: [1 31 32 1].",
        ),
        (
            "serving_default",
            [[b"a", b"b"]],
            "`image_bytes` must have the shape [n], each 1 or more. "
            "Received: [1 2].",
        ),
        (
            "serving_default",
            [encoded(photos()[0], "PNG"), b"not a photo"],
            "`image_bytes` element 1 ",
        ),
        (
            "serving_default",
            [encoded(photos()[0].resize((400, 251)), "PNG")],
            "`image_bytes` element 0 has 400 x 251 pixels, more than the "
            "limit of 100,000: reduce it.",
        ),
    ],
    ids=range(10),
)
def test_wrong_inputs_are_refused_in_a_sentence(
    ask, signature, value, sentence
):
    with pytest.raises(tf.errors.InvalidArgumentError) as refusal:
        ask(signature, value)
    assert sentence in str(refusal.value)


def test_batches_and_single_photos_agree(ask, rng):
    lightness = rng.uniform(0, 100, (3, 32, 32, 1)).astype("float32")
    batch = ask("predict_ab", lightness)
    for one, expected in zip(lightness, batch, strict=True):
        np.testing.assert_allclose(
            ask("predict_ab", one[None])[0], expected, atol=1e-3
        )
