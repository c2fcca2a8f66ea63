"""Parts of photos: from memory, files, and small JPEGs, all the same."""

import shutil

import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from numpy.testing import assert_array_equal
from PIL import Image
from rich.console import Console

from keras_colorizer.data.pipeline import photo_cutter, training_batches
from keras_colorizer.data.preparation import prepare_photos
from keras_colorizer.data.small_folder import SmallPhotoSettings
from keras_colorizer.data.survey import survey_photos
from keras_colorizer.errors import ConfigError

SQUARE = 32


def survey(folder, *, square=SQUARE, **kwargs):
    return survey_photos(str(folder), square=square, batch_size=4, **kwargs)


def batches(photos, count):
    steps = tf.data.Dataset.counter()
    stream = training_batches(photos, steps, seed=7)
    return [[np.array(x) for x in batch] for batch in stream.take(count)]


def whole(photos, number, *, square=SQUARE):
    cut = photo_cutter(photos, square)
    box = tf.constant([0, 0, *photos[number].shape])
    return cut(tf.constant(number), box).numpy()


def prepare(folder, output, **settings):
    prepare_photos(
        str(folder),
        str(output),
        SmallPhotoSettings(**{"short_side": 72, **settings}),
        workers=1,
        console=Console(quiet=True),
    )
    return output


@pytest.fixture(scope="module")
def small_folder(photo_folder, tmp_path_factory):
    """The 12 photos with a short side of 72; do not write into it."""
    return prepare(photo_folder, tmp_path_factory.mktemp("small") / "photos")


@pytest.fixture
def copied(small_folder, tmp_path):
    return shutil.copytree(small_folder, tmp_path / "copied")


def test_memory_and_files_give_the_same_batches(photo_folder):
    memory = batches(survey(photo_folder, cache="on"), 6)
    files = batches(survey(photo_folder, cache="off"), 6)
    for one, two in zip(memory, files, strict=True):
        for array, other in zip(one, two, strict=True):
            assert_array_equal(array, other)


def test_small_photos_show_what_the_photos_show(small_folder, photo_folder):
    found = survey(small_folder, square=64).photos
    for number, photo in enumerate(found):
        name = photo.relative.removesuffix(".jpg")
        original = Image.open(photo_folder / name)
        expected = np.asarray(original.resize((96, 72), Image.Resampling.BOX))
        small = whole(found, number, square=64)
        difference = np.abs(small - expected.astype(float))
        # Another filter and JPEG, not another photo: 30 or more.
        assert difference.mean() < 6


@pytest.mark.parametrize("kind", ["photo_folder", "small_folder"])
def test_box_is_cut_out_of_the_whole(kind, request):
    photos = survey(request.getfixturevalue(kind), cache="off").photos
    cut = photo_cutter(photos, SQUARE)
    top, left, height, width = 3, 10, 20, 31
    for number, photo in enumerate(photos):
        rgb = whole(photos, number)
        # Reduced by 2: 36 is enough for 32.
        size = (36, 48) if photo.small_side else (48, 64)
        assert rgb.shape == (*photo.shape, 3) == (*size, 3)
        box = cut(tf.constant(number), tf.constant([top, left, height, width]))
        expected = rgb[top : top + height, left : left + width]
        assert_array_equal(box, expected)


@pytest.mark.parametrize(
    ("short_side", "square", "read"),
    [(72, 64, 72), (71, 32, 71), (300, 32, 38), (600, 32, 75), (33, 32, 33)],
)
def test_small_photos_are_divided_as_far_as_the_squares_allow(
    photo_folder, tmp_path, short_side, square, read
):
    (tmp_path / "photos").mkdir()
    shutil.copy(photo_folder / "00.png", tmp_path / "photos")
    folder = prepare(
        tmp_path / "photos", tmp_path / "small", short_side=short_side
    )
    photos = survey_photos(str(folder), square=square).photos
    assert min(photos[0].shape) == read
    assert min(whole(photos, 0, square=square).shape[:2]) == read


def test_photos_too_small_for_the_squares_are_refused(small_folder):
    with pytest.raises(ConfigError, match=r"72 pixels.*--short-side 288"):
        survey(small_folder, square=256)


def test_what_prepare_kept_is_trained_on(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(4):
        photo = Image.fromarray(skimage.data.camera()[number:])
        photo.save(tmp_path / f"photos/{number}.png")
    keep = {"keep_colorless": True, "keep_near_duplicates": True}
    folder = prepare(tmp_path / "photos", tmp_path / "small", **keep)
    assert len(survey(folder).photos) == 4


def test_survey_names_small_photos_that_are_not_plain(copied):
    (copied / "text.jpg").write_text("not a photo")
    Image.new("RGB", (72, 72)).save(copied / "other.png")
    Image.new("RGB", (96, 96)).save(copied / "size.jpg")
    Image.new("CMYK", (72, 72)).save(copied / "inks.jpg")
    jpeg = (copied / "00.png.jpg").read_bytes()
    (copied / "cut.jpg").write_bytes(jpeg[:-100])
    found = survey(copied)
    assert len(found.photos) == 12
    assert {name.rsplit("/", 1)[-1] for name in found.unreadable} == {
        "text.jpg",
        "other.png",
        "size.jpg",
        "inks.jpg",
        "cut.jpg",
    }


@pytest.mark.parametrize("kind", ["photo_folder", "small_folder"])
def test_photo_gone_or_damaged_while_training_ends_it(kind, request, tmp_path):
    source = request.getfixturevalue(kind)
    folder = shutil.copytree(source, tmp_path / "photos")
    photos = survey(folder, cache="off")
    path = next(path for path in folder.iterdir() if path.name[:2] == "05")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(tf.errors.OpError):
        batches(photos, 3)  # A round has 3 batches of 4.
    path.unlink()
    with pytest.raises(tf.errors.OpError, match=path.name):
        batches(photos, 3)
