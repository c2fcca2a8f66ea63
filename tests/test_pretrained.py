"""The model that comes with the package: whole, small, better than grey."""

import re
from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
import skimage.data
import sklearn.datasets
import tensorflow as tf
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio

import keras_colorizer
from keras_colorizer import Colorizer, Hint, TrainingConfig
from keras_colorizer.cli import commands
from keras_colorizer.networks.generator_file import load_generator
from keras_colorizer.networks.readout import with_readout
from keras_colorizer.pretrained import look
from keras_colorizer.training.networks import build_gan

REPOSITORY = Path(keras_colorizer.__file__).parents[1]
FOLDER = REPOSITORY / "keras_colorizer/pretrained/small"
FILES = (
    "colorizer_float16.tflite",
    "ab_float16.tflite",
    "generator.keras",
    "MODEL_CARD.md",
)


# A tenth above what the shipped weights reach: other decoders of JPEG and other
# processors change a hundredth.
MEAN_CIEDE2000 = 11.7
MEAN_BROWN_SHARE = 0.67
MEAN_BLOTCHES = 2.05


@pytest.fixture(scope="module")
def pretrained():
    return Colorizer.from_preset("small")


def test_all_files_are_there_in_25_megabytes():
    assert {path.name for path in FOLDER.iterdir()} >= set(FILES)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 25_000_000
    assert dict(Colorizer.presets) == {
        "small": FOLDER / FILES[0],
        "small_vivid": FOLDER / FILES[0],
    }


def test_vivid_is_the_same_with_more_chroma(pretrained):
    photo = skimage.data.chelsea()
    vivid = Colorizer.from_preset("small_vivid")
    calm, bold = (
        rgb2lab(np.asarray(c.colorize(photo)))[..., 1:]
        for c in (pretrained, vivid)
    )
    ratio = np.linalg.norm(bold) / np.linalg.norm(calm)
    # Of the factor sRGB's gamut takes a little.
    factor = look("small_vivid")[1]
    np.testing.assert_allclose(ratio, factor, rtol=0.05)
    assert factor > 1.2


def test_vivid_leaves_the_colors_of_hints(pretrained):
    hint = Hint(0.3, 0.5, "steelblue")
    vivid = Colorizer.from_preset("small_vivid")
    photo = skimage.data.chelsea()
    row, column = len(photo) // 2, int(0.3 * photo.shape[1])
    blue = rgb2lab(np.array([[[70, 130, 180]]], "uint8"))[0, 0, 1:]
    for colorizer in (pretrained, vivid):
        colored = np.asarray(colorizer.colorize(photo, hints=[hint]))
        ab = rgb2lab(colored)[row, column, 1:]
        np.testing.assert_allclose(ab, blue, atol=3)


@pytest.mark.parametrize("name", ["chelsea", "coffee", "astronaut"])
def test_photos_come_nearer_to_their_true_colors_than_grey(pretrained, name):
    truth = getattr(skimage.data, name)()
    colored, grey = (
        np.asarray(pretrained.colorize(truth, saturation=saturation))
        for saturation in (1.0, 0.0)
    )
    gain = peak_signal_noise_ratio(truth, colored)
    gain -= peak_signal_noise_ratio(truth, grey)
    assert gain > 0.5
    lab = [rgb2lab(photo) for photo in (truth, colored, grey)]
    errors = [deltaE_ciede2000(lab[0], other).mean() for other in lab[1:]]
    assert errors[1] - errors[0] > 0.5


@pytest.mark.parametrize("file", ["ab_float16.tflite", "generator.keras"])
def test_its_files_are_the_same_model(pretrained, file):
    other = Colorizer.load(FOLDER / file)
    assert other.render_size == pretrained.render_size
    photo = skimage.data.chelsea()
    one, two = (np.asarray(c.colorize(photo)) for c in (pretrained, other))
    # Weights are rounded before or after batch norm is folded in.
    assert np.abs(one.astype(int) - two).max() <= 2


PHOTOS = {
    "astronaut": skimage.data.astronaut,
    "cat": skimage.data.chelsea,
    "coffee": skimage.data.coffee,
    "rocket": skimage.data.rocket,
    "temple": lambda: sklearn.datasets.load_sample_image("china.jpg"),
    "flower": lambda: sklearn.datasets.load_sample_image("flower.jpg"),
    "portrait": lambda: np.asarray(
        Image.open(
            matplotlib.cbook.get_sample_data(
                "grace_hopper.jpg", asfileobj=False
            )
        )
    ),
}


@pytest.fixture(scope="module")
def judged(pretrained):
    """Of each photo true and colorized L*a*b*."""
    pairs = {}
    for name, load in PHOTOS.items():
        photo = Image.fromarray(load()).reduce(2)
        colored = pretrained.colorize(photo)
        pairs[name] = [rgb2lab(np.asarray(p)) for p in (photo, colored)]
    return pairs


def brown_share(lab):
    """Of the pixels with a chroma above 8, those from orange to yellow."""
    a, b = lab[..., 1], lab[..., 2]
    hues = np.degrees(np.arctan2(b, a))[np.hypot(a, b) > 8]
    return ((hues >= 30) & (hues <= 100)).mean() if hues.size else 0.0


def blotches(lab):
    """The deviation of ab from its surroundings, where lightness is flat."""
    lightness = lab[..., 0]
    mean = uniform_filter(lightness, 9)
    variance = uniform_filter(lightness**2, 9) - mean**2
    smooth = [gaussian_filter(lab[..., i], 2) for i in (1, 2)]
    uneven = np.hypot(*(ab - gaussian_filter(ab, 12) for ab in smooth))
    return uneven[variance < 1.5**2].mean()


def test_colors_are_as_near_to_the_truth_as_they_were(judged):
    errors = {n: deltaE_ciede2000(*pair).mean() for n, pair in judged.items()}
    assert np.mean(list(errors.values())) < MEAN_CIEDE2000, errors


def test_colors_are_no_browner_than_they_were(judged):
    shares = {n: brown_share(pair[1]) for n, pair in judged.items()}
    assert np.mean(list(shares.values())) < MEAN_BROWN_SHARE, shares


def test_walls_and_skies_are_no_more_blotched_than_they_were(judged):
    uneven = {n: blotches(pair[1]) for n, pair in judged.items()}
    assert np.mean(list(uneven.values())) < MEAN_BLOTCHES, uneven


def test_colorize_takes_a_look(run_main, tmp_path):
    photo = tmp_path / "cat.png"
    Image.fromarray(skimage.data.chelsea()).save(photo)
    words = ["keras-colorizer", "colorize", photo, "-o", tmp_path / "new.png"]
    assert run_main(commands.main, *words, "--look", "vivid")[0] == 0
    vivid = Colorizer.from_preset("small_vivid").colorize(photo)
    np.testing.assert_array_equal(Image.open(tmp_path / "new.png"), vivid)
    code, _, errors = run_main(
        commands.main, *words, "--look", "vivid", "--model", photo
    )
    assert code == 2
    assert "--saturation" in errors


def test_a_grey_wedge_gets_no_strong_color(pretrained):
    wedge = np.repeat(np.linspace(0, 255, 256), 64).reshape(256, 64).T
    colored = rgb2lab(np.asarray(pretrained.colorize(wedge.astype("uint8"))))
    assert np.hypot(colored[..., 1], colored[..., 2]).mean() < 25


def test_training_starts_from_it():
    gan = build_gan(TrainingConfig(init="small"), tf.distribute.get_strategy())
    photo = Image.fromarray(skimage.data.chelsea()).resize((224, 224))
    lightness = rgb2lab(np.asarray(photo))[None, ..., :1].astype("float32")
    started = 110 * np.asarray(gan.averaged_generator(lightness / 50 - 1))
    # Training starts without the readout, which L1 would undo.
    shipped = load_generator(FOLDER / "generator.keras").generator
    readout = shipped.get_layer("readout")
    plain = with_readout(
        shipped, power=1 / readout.power, factor=1 / readout.factor
    )
    shipped = 110 * np.asarray(plain(lightness / 50 - 1))
    np.testing.assert_allclose(started, shipped, atol=1e-3)


def test_card_names_its_commands_and_every_licence():
    card = (FOLDER / "MODEL_CARD.md").read_text()
    for words in ("python train.py", "python export.py", "evaluate --data"):
        assert words in card
    for source in ("CC BY 2.0", "CC BY 4.0", "CC0", "research", "unknown"):
        assert source in card
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", card):
        assert (FOLDER / picture).exists()
