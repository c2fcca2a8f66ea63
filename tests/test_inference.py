"""Any photo in, the same photo in color out."""

import ast
import importlib
import io
import os
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
import skimage.data
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage.color import rgb2lab

import keras_colorizer
from keras_colorizer import (
    ArtifactError,
    Colorizer,
    ConfigError,
    PhotoTooLargeError,
    UnreadablePhotoError,
    build_discriminator,
)
from keras_colorizer.chroma import steps
from keras_colorizer.networks.generator_file import (
    load_generator,
)
from keras_colorizer.photos import Photo
from keras_colorizer.pretrained import KERAS, pretrained_file
from keras_colorizer.registration import PACKAGE, SERIALIZABLE
from keras_colorizer.silence import silent_stderr


@pytest.fixture(scope="module")
def colorizer(tiny_run):
    return Colorizer.load(tiny_run.run_dir)


def lightness_of(rgb):
    return rgb2lab(rgb)[..., 0]


@pytest.mark.parametrize("kind", ["text", "zip", "cut", "code"])
def test_a_strangers_keras_file_is_refused_and_runs_nothing(kind, tmp_path):
    path, ran = tmp_path / "stranger.keras", tmp_path / "ran"
    if kind == "code":
        _save_with_code(path, ran)
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("notes.txt", "nothing of Keras")
    else:
        whole = pretrained_file("small", KERAS).read_bytes()
        path.write_bytes(b"text" if kind == "text" else whole[:10_000])
    with pytest.raises(ArtifactError, match="stranger.keras` cannot be read"):
        Colorizer.load(path)
    assert not ran.exists()


def _save_with_code(path, ran):
    """Saves a generator whose last layer makes a file when it is called."""
    lightness = keras.Input((None, None, 1))

    # Keras writes neither defaults nor what a function finds around it.
    touch = eval(f"lambda x: (open({str(ran)!r}, 'w').close(), x)[1]")
    layer = keras.layers.Lambda(touch)
    keras.Model(lightness, layer(lightness)).save(path)
    ran.unlink(missing_ok=True)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 300), (257, 1023), (64, 3), (700, 701)], ids=str
)
def test_size_and_lightness_are_the_photo_s(colorizer, rng, shape):
    grey = rng.integers(40, 216, shape, "uint8")
    colored = np.asarray(colorizer.colorize(grey))
    assert colored.shape == (*shape, 3)
    # Half a level of rounding in each channel is at most 0.3 of L* here.
    tiled = np.repeat(grey[..., None], 3, axis=-1)
    assert_allclose(lightness_of(colored), lightness_of(tiled), atol=0.3)


def test_saturation_scales_ab_and_zero_is_grey(colorizer):
    grey = skimage.data.camera()
    plain = np.asarray(colorizer.colorize(grey, saturation=0.0))
    assert_array_equal(plain, np.repeat(grey[..., None], 3, axis=-1))
    chroma_of = {
        saturation: np.abs(
            rgb2lab(colorizer.colorize(grey, saturation=saturation))[..., 1:]
        ).mean()
        for saturation in (1.0, 3.0)
    }
    assert chroma_of[3.0] > 1.5 * chroma_of[1.0] > 0


def test_color_photo_is_colorized_from_its_lightness(colorizer):
    photo = skimage.data.coffee()
    colored = np.asarray(colorizer.colorize(photo, saturation=0.0))
    # L* between two levels of grey may round differently in each channel.
    assert np.ptp(colored, axis=-1).max() <= 1
    assert_allclose(lightness_of(colored), lightness_of(photo), atol=0.3)


def test_16_bit_grey_keeps_16_bits_of_lightness(colorizer):
    levels = np.linspace(8000, 60000, 40_000).astype("uint16").reshape(200, 200)
    result = colorizer.colorize_photo(Photo(levels))
    assert result.pixels.dtype == np.uint16
    tiled = np.repeat(levels[..., None], 3, axis=-1) / 65535
    # 65536 levels: one is 0.0015 of L*, float32 arithmetic adds its own.
    assert_allclose(
        lightness_of(result.pixels / 65535), lightness_of(tiled), atol=0.01
    )


def test_alpha_is_kept(colorizer, rng):
    photo = rng.integers(0, 256, (20, 30, 4), "uint8")
    colored = colorizer.colorize(photo)
    assert colored.mode == "RGBA"
    assert_array_equal(np.asarray(colored)[..., 3], photo[..., 3])


def test_path_bytes_image_and_array_give_the_same(colorizer, tmp_path):
    grey = skimage.data.camera()[:100, :150]
    path = tmp_path / "grey.png"
    Image.fromarray(grey).save(path)
    results = [
        np.asarray(colorizer.colorize(photo))
        for photo in (
            grey,
            path,
            str(path),
            path.read_bytes(),
            Image.open(path),
        )
    ]
    for result in results[1:]:
        assert_array_equal(result, results[0])


def test_rotated_photo_comes_out_upright(colorizer):
    grey = Image.fromarray(skimage.data.camera()[:60, :90])
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn by 90 degrees clockwise to view.
    file = io.BytesIO()
    grey.save(file, "PNG", exif=exif)
    assert colorizer.colorize(file.getvalue()).size == (60, 90)


def test_run_folder_and_keras_file_are_the_same_model(tiny_run, colorizer):
    grey = skimage.data.camera()
    file = Colorizer.load(tiny_run.generator)
    assert file.render_size == colorizer.render_size == 32
    assert_array_equal(
        np.asarray(file.colorize(grey)), np.asarray(colorizer.colorize(grey))
    )


def test_a_keras_generator_colors_as_its_file(tiny_run, colorizer):
    generator = load_generator(tiny_run.generator).generator
    grey = skimage.data.camera()
    one = Colorizer(generator, render_size=32)
    assert_array_equal(
        np.asarray(one.colorize(grey)), np.asarray(colorizer.colorize(grey))
    )
    assert Colorizer(generator).render_size == 256
    fixed = keras.Input((64, 64, 1))
    assert Colorizer(keras.Model(fixed, generator(fixed))).render_size == 64


@pytest.mark.parametrize(
    ("network", "error", "words"),
    [
        ("runs/mine", ConfigError, "`Colorizer.load`. Received: str"),
        (None, ConfigError, "Received: NoneType"),
        (keras.Sequential(), ArtifactError, "no generator: that maps"),
        (build_discriminator("patchgan_70_light"), ArtifactError, "lightness"),
    ],
    ids=["path", "nothing", "empty", "discriminator"],
)
def test_what_is_no_network_is_told_what_is(network, error, words):
    with pytest.raises(error, match=words):
        Colorizer(network)


def decorated():
    """Names and modules of the classes registered with Keras, by their code."""
    for path in Path(keras_colorizer.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            for decorator in getattr(node, "decorator_list", ()):
                if "register_keras_serializable" in ast.unparse(decorator):
                    module = path.relative_to(keras_colorizer.__path__[0])
                    yield node.name, ".".join(module.with_suffix("").parts)


def test_every_keras_class_has_a_stand_in():
    assert dict(decorated()) == SERIALIZABLE
    for name, module in SERIALIZABLE.items():
        importlib.import_module(f"{PACKAGE}.{module}")
        registered = keras.saving.get_registered_object(f"{PACKAGE}>{name}")
        assert isinstance(registered, type)


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import keras_colorizer; assert 'keras' not in sys.modules",
        "import keras; import keras_colorizer",
    ],
)
def test_keras_alone_loads_our_files_after_an_import(imports):
    path = pretrained_file("small", KERAS)
    load = f"import keras; keras.saving.load_model({str(path)!r})"
    code = f"import sys; {imports}; {load}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unfit_models_are_named(tmp_path):
    with pytest.raises(ArtifactError, match="nothing"):
        Colorizer.load(tmp_path / "nothing.keras")
    with pytest.raises(ArtifactError, match="is no model"):
        Colorizer.load(tmp_path)
    for name in ("broken.tflite", "version/1/saved_model.pb"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"neither this nor that")
        model = path if path.suffix == ".tflite" else tmp_path / "version"
        with pytest.raises(
            ArtifactError, match="cannot be read as a colorizer"
        ):
            Colorizer.load(model)
    with pytest.raises(ArtifactError, match="predict_ab"):
        Colorizer.load(steps.STEPS)
    with pytest.raises(ArtifactError, match="`large`.*there is: small"):
        Colorizer.from_preset("large")
    broken = tmp_path / "broken.keras"
    broken.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ArtifactError, match="broken.keras"):
        Colorizer.load(broken)


def test_unfit_photos_are_named(colorizer, tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("not a photo")
    with pytest.raises(UnreadablePhotoError, match="text.jpg"):
        colorizer.colorize(text)
    with pytest.raises(PhotoTooLargeError):
        colorizer.colorize(np.zeros((11, 10), "uint8"), max_pixels=100)


def test_stderr_survives_silence_in_threads():
    """LiteRT is silenced when it starts, in several threads at once."""
    before = os.fstat(2)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: overlapping_silence(), range(200)))
    after = os.fstat(2)
    assert (after.st_dev, after.st_ino) == (before.st_dev, before.st_ino)


def overlapping_silence():
    with silent_stderr():
        time.sleep(0.0005)


@pytest.mark.slow
def test_twelve_megapixels_keep_their_lightness(colorizer, rng):
    grey = rng.integers(40, 216, (3000, 4000), "uint8")
    colored = np.asarray(colorizer.colorize(grey))
    rows = slice(None, None, 100)
    tiled = np.repeat(grey[rows, :, None], 3, axis=-1)
    assert_allclose(lightness_of(colored[rows]), lightness_of(tiled), atol=0.3)
