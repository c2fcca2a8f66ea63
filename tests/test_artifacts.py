"""Every artifact of every preset gives the colors of the Keras model.

One set of tests for all: what a server, a phone and this package answer to
the same photo may differ by rounding only.
"""

from pathlib import Path

import keras
import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from scipy.ndimage import map_coordinates

from keras_colorizer import ArtifactError, Colorizer, build_generator
from keras_colorizer.exporting.conversion import convert
from keras_colorizer.exporting.parity import (
    KerasResults,
    excess,
    network_views,
)
from keras_colorizer.exporting.saved_model import write_saved_model
from keras_colorizer.hints import Hint, hint_array
from keras_colorizer.inference.keras_network import KerasNetwork
from keras_colorizer.networks.hint_propagation import HintPropagation
from keras_colorizer.networks.smooth_decoder import doubled
from keras_colorizer.photos import Photo
from keras_colorizer.presets import generator_preset

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
PRESETS = [
    "tiny",
    pytest.param("quick", marks=pytest.mark.slow),
    pytest.param("small", marks=pytest.mark.slow),
    pytest.param("unet_128", marks=pytest.mark.slow),
    pytest.param("unet_256", marks=pytest.mark.slow),
]
# Levels of 8 bits that the colors of each may be off by, as promised.
ARTIFACTS = {
    "saved_model/1": 1,
    "colorizer_float32.tflite": 1,
    "colorizer_float16.tflite": 2,
    "ab_float16.tflite": 2,
}
WHOLE = [name for name in ARTIFACTS if not name.startswith("ab_")]


def colorful_generator(preset):
    """An untrained generator of colors as strong as those of photos."""
    keras.utils.set_random_seed(0)
    generator = build_generator(preset)
    views = encoded_views(generator_preset(preset).render_size)
    for _ in range(30):  # Lets batch norms know photos.
        generator(views, training=True)
    spread = float(keras.ops.std(keras.ops.arctanh(generator(views))))
    last = [x for x in generator.layers if isinstance(x, CONVOLUTIONS)][-1]
    last.kernel.assign(last.kernel * 0.03 / spread)
    return generator


def encoded_views(side):
    names = ("astronaut", "camera", "chelsea", "coffee", "rocket", "coins")
    photos = [Image.fromarray(getattr(skimage.data, n)()) for n in names]
    views = [np.asarray(p.convert("L").resize((side, side))) for p in photos]
    return np.stack(views)[..., None] / np.float32(127.5) - 1


@pytest.fixture(scope="module", params=PRESETS)
def network(request):
    size = generator_preset(request.param).render_size
    return KerasNetwork(colorful_generator(request.param), render_size=size)


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    write_saved_model(network, folder / "saved_model/1", max_pixels=13_000_000)
    for name in [name for name in ARTIFACTS if name.endswith(".tflite")]:
        kind, precision = name.removesuffix(".tflite").split("_")
        any_size = kind == "colorizer"
        content = convert(network, precision=precision, any_size=any_size)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(params=ARTIFACTS)
def artifact(request, exported):
    return exported / request.param


@pytest.fixture
def tolerance(artifact, exported):
    return ARTIFACTS[str(artifact.relative_to(exported))]


@pytest.fixture
def keras_colorizer(network):
    return Colorizer(network)


def photo(kind):
    astronaut = skimage.data.astronaut()
    return {
        "one pixel": np.full((1, 1), 77, "uint8"),
        "grey": skimage.data.camera()[:200, :333],
        "color": astronaut,
        "panorama": np.asarray(Image.fromarray(astronaut).resize((1023, 257))),
        "alpha": np.dstack([astronaut, skimage.data.camera()])[:150, :100],
        "16 bit": np.linspace(0, 65535, 70 * 90)
        .astype("uint16")
        .reshape(70, -1),
    }[kind]


@pytest.mark.parametrize(
    "kind", ["one pixel", "grey", "color", "panorama", "alpha", "16 bit"]
)
def test_colorizer_gives_the_keras_colors(
    artifact, tolerance, keras_colorizer, kind
):
    expected = keras_colorizer.colorize(photo(kind))
    colored = Colorizer.load(artifact).colorize(photo(kind))
    assert colored.mode == expected.mode
    assert_levels_equal(colored, expected, tolerance)


def test_16_bits_stay_16_bits(artifact, tolerance, keras_colorizer):
    scan = Photo(photo("16 bit"))
    expected = keras_colorizer.colorize_photo(scan).pixels
    colored = Colorizer.load(artifact).colorize_photo(scan).pixels
    assert colored.dtype == np.uint16
    assert_levels_equal(colored, expected, 257 * tolerance)


def test_saturation_is_the_same(artifact, tolerance, keras_colorizer):
    expected = keras_colorizer.colorize(photo("color"), saturation=0.5)
    colored = Colorizer.load(artifact).colorize(photo("color"), saturation=0.5)
    assert_levels_equal(colored, expected, tolerance)


def test_colors_are_not_grey(keras_colorizer):
    colored = np.asarray(keras_colorizer.colorize(photo("grey")))
    assert np.ptp(colored, axis=-1).mean() > 5


def assert_levels_equal(ours, expected, tolerance):
    difference = np.asarray(ours).astype("int64") - np.asarray(expected)
    assert np.abs(difference).max() <= tolerance


def colorize_signature(path: Path):
    """From `(h, w, 3)` to `(h, w, 3)`, by the artifact's own signature."""
    if path.suffix == ".tflite":
        run = Interpreter(str(path)).get_signature_runner("colorize")
        return lambda rgb: run(rgb=rgb[None])["rgb"][0]
    run = tf.saved_model.load(str(path)).signatures["colorize"]
    return lambda rgb: run(rgb=tf.constant(rgb[None]))["rgb"].numpy()[0]


@pytest.mark.parametrize("name", WHOLE)
def test_signature_takes_any_size_one_after_the_other(
    exported, keras_colorizer, name
):
    run = colorize_signature(exported / name)
    for height, width in [(1, 1), (257, 1023), (1, 300), (512, 512), (3, 2)]:
        resized = Image.fromarray(skimage.data.astronaut())
        rgb = np.asarray(resized.resize((width, height)))
        expected = keras_colorizer.colorize(rgb)
        assert_levels_equal(run(rgb), expected, ARTIFACTS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_signature_takes_12_megapixels(exported, keras_colorizer, name):
    rgb = np.asarray(
        Image.fromarray(skimage.data.astronaut()).resize((4000, 3000))
    )
    expected = keras_colorizer.colorize(rgb)
    run = colorize_signature(exported / name)
    assert_levels_equal(run(rgb), expected, ARTIFACTS[name])


def test_batches_of_a_server_are_their_photos(exported):
    model = tf.saved_model.load(str(exported / "saved_model/1"))
    run = model.signatures["colorize"]
    photos = np.stack(
        [skimage.data.astronaut()[i : i + 90, :120] for i in (0, 99)]
    )
    batch = run(rgb=tf.constant(photos))["rgb"].numpy()
    for one, expected in zip(photos, batch, strict=True):
        alone = run(rgb=tf.constant(one[None]))["rgb"].numpy()[0]
        # Sums of another order: a level may round the other way.
        assert_levels_equal(alone, expected, 1)


def test_predicted_ab_is_the_keras_model_s(artifact, network, rng):
    side = network.render_size
    lightness = rng.uniform(0, 100, (2, side, side, 1)).astype("float32")
    ab = Colorizer.load(artifact).predict_ab(lightness)
    # float16 keeps 11 bits of a weight, float32 24: errors of many add up.
    atol = 1.0 if "float16" in artifact.name else 1e-2
    assert_allclose(ab, network.predict_ab(lightness), atol=atol)


TWO_HINTS = hint_array([Hint(0.3, 0.45, "firebrick"), Hint(0.9, 0.1, "navy")])


def test_hints_spread_as_in_the_keras_model(artifact, network, rng):
    side = network.render_size
    lightness = rng.uniform(0, 100, (2, side, side, 1)).astype("float32")
    hints = np.stack([TWO_HINTS, hint_array([])])
    loaded = Colorizer.load(artifact)
    ab = loaded.predict_ab_with_hints(lightness, hints)
    expected = network.predict_ab_with_hints(lightness, hints)
    assert np.abs(expected - network.predict_ab(lightness))[0].max() > 10
    atol = 1.0 if "float16" in artifact.name else 1e-2
    assert_allclose(ab, expected, atol=atol)
    # Without a hint the answer is not nearly, but exactly that of `predict_ab`.
    assert_array_equal(ab[1], loaded.predict_ab(lightness)[1])


def by_formula(lightness, ab, hints):
    """NumPy's float64 of the propagation by lightness and distance."""
    side = len(ab)
    centers = (np.arange(side) + 0.5) / side
    total, change = 0.005, 0.0
    for x, y, a, b, _ in hints:
        where = [[y * side - 0.5], [x * side - 0.5]]  # Away from the border.
        at = [
            map_coordinates(plane, where, order=1)[0]
            for plane in (lightness, *np.moveaxis(ab, -1, 0))
        ]
        away = np.hypot(centers[None] - x, centers[:, None] - y)
        weight = np.exp(-8.4 * ((lightness - at[0]) / 50) ** 2 - 1.9 * away)
        total = total + weight
        change = change + weight[..., None] * ([a, b] - np.array(at[1:]))
    return ab + change / total[..., None]


def test_hints_follow_the_formula(rng):
    network = KerasNetwork(colorful_generator("tiny"), render_size=32)
    lightness = rng.uniform(0, 100, (1, 32, 32, 1)).astype("float32")
    ab = network.predict_ab(lightness)[0].astype("float64")
    expected = by_formula(lightness[0, ..., 0], ab, TWO_HINTS[:2])
    hinted = network.predict_ab_with_hints(lightness, TWO_HINTS[None])[0]
    assert np.abs(expected - ab).max() > 10
    assert_allclose(hinted, expected, atol=2e-3)  # Units of ab, in float32.


def generator_with_features():
    """It spreads hints at a quarter of its size, by its encoder's features."""
    lightness = keras.Input((None, None, 1), name="lightness")
    x = keras.layers.Conv2D(128, 3, 4, "same")(lightness)
    x = keras.layers.Conv2D(128, 3, padding="same", activation="relu")(x)
    coarse = keras.layers.Conv2D(4, 3, 2, "same")(x)
    ab = keras.layers.Conv2D(2, 1, activation="tanh")(x)
    small = keras.layers.AveragePooling2D(4)(lightness)
    ab = HintPropagation()([ab, small, x, coarse])
    ab = doubled(doubled(ab, "half_ab"), "ab")
    return keras.Model(lightness, ab)


@pytest.mark.parametrize("kind", ["colorizer", "ab"])
def test_hints_by_features_fit_phones_and_share_the_weights(kind, tmp_path):
    keras.utils.set_random_seed(0)
    generator = generator_with_features()
    network = KerasNetwork(generator, render_size=64)
    path = tmp_path / f"{kind}.tflite"
    any_size = kind == "colorizer"
    path.write_bytes(convert(network, precision="float16", any_size=any_size))
    # Two bytes for a weight, and 60 kB for the graphs of all signatures.
    assert path.stat().st_size < 2 * generator.count_params() + 60_000
    (view,) = network_views([skimage.data.astronaut()], 64)
    ab = Colorizer.load(path).predict_ab_with_hints(view, TWO_HINTS[None])
    expected = network.predict_ab_with_hints(view, TWO_HINTS[None])
    assert np.abs(expected - network.predict_ab(view)).max() > 10
    assert_allclose(ab, expected, atol=0.5)


def test_8_bits_keep_psnr_and_colorfulness(network, tmp_path):
    names = ("astronaut", "chelsea", "coffee", "rocket")
    photos = [getattr(skimage.data, name)() for name in names]
    results = KerasResults(Colorizer(network), photos)
    path = tmp_path / "ab_int8.tflite"
    path.write_bytes(convert(network, precision="int8_weights", any_size=False))
    colorizer = Colorizer.load(path)
    parity = results.compare(
        colorizer.predict_ab,
        lambda photo: colorizer.colorize_photo(Photo(photo)).pixels,
    )
    assert excess(parity, "int8") is None
    assert parity.max_level > 0  # It is another arithmetic.
    view = results.views[0]
    hinted = colorizer.predict_ab_with_hints(view, hint_array([])[None])
    assert_array_equal(hinted, colorizer.predict_ab(view))


def test_full_integer_files_are_of_integers(network):
    views = network_views([skimage.data.astronaut()], network.render_size)
    tflite = convert(network, precision="int8", any_size=False, views=views)
    interpreter = Interpreter(model_content=tflite)
    # A weight of 0.005 is none in 8 bits: hints would be 20 units off.
    assert list(interpreter.get_signature_list()) == ["predict_ab"]
    details = interpreter._get_ops_details()
    ops = [op["op_name"] for op in details]
    assert ops[0] == "QUANTIZE"
    assert ops[-1] == "DEQUANTIZE"
    assert ops.count("QUANTIZE") + ops.count("DEQUANTIZE") < len(ops)


class Gamma(keras.layers.Layer):
    def call(self, x):
        return tf.math.igamma(x + 2, x + 2)


def test_network_that_phones_cannot_run_is_refused_in_a_sentence():
    lightness = keras.Input((None, None, 1), name="lightness")
    ab = keras.layers.Conv2D(2, 1)(Gamma()(lightness))
    network = KerasNetwork(keras.Model(lightness, ab), render_size=32)
    with pytest.raises(ArtifactError, match="cannot be converted"):
        convert(network, precision="float16", any_size=False)
