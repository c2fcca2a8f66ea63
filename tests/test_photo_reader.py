"""Photos by number: from memory, files, and small JPEGs, all the same."""

import shutil

import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from numpy.testing import assert_array_equal
from PIL import Image
from rich.progress import Progress

from keras_colorizer.data.photo_reader import PhotoReader, unreadable_named
from keras_colorizer.data.pipeline import training_batches
from keras_colorizer.data.preparation import prepare_photos
from keras_colorizer.data.small_folder import SmallPhotoSettings
from keras_colorizer.data.sources import list_photos
from keras_colorizer.data.survey import survey_photos
from keras_colorizer.errors import ColorizerWarning, ConfigError, DataError

SQUARE = 32


def survey(folder, *, square=SQUARE, **kwargs):
    return survey_photos(list_photos(str(folder)), square=square, **kwargs)


def reader(folder, **kwargs):
    return PhotoReader(survey(folder, **kwargs).photos, square=SQUARE)


def batches(photos, count):
    steps = tf.data.Dataset.counter()
    stream = training_batches(photos, steps, batch_size=4, seed=7)
    return [[np.array(x) for x in batch] for batch in stream.take(count)]


def prepare(folder, output, **settings):
    prepare_photos(
        str(folder),
        str(output),
        SmallPhotoSettings(**{"short_side": 72, **settings}),
        workers=1,
        progress=Progress(disable=True),
    )
    return output


@pytest.fixture(scope="module")
def small_folder(photo_folder, tmp_path_factory):
    """The 12 photos with a short side of 72; do not write into it."""
    return prepare(photo_folder, tmp_path_factory.mktemp("small") / "photos")


@pytest.fixture
def copied(small_folder, tmp_path):
    return shutil.copytree(small_folder, tmp_path / "copied")


@pytest.fixture(params=["photo_folder", "small_folder"])
def folder(request):
    return request.getfixturevalue(request.param)


def test_memory_and_files_give_the_same_batches(folder):
    memory = batches(reader(folder, cache="on"), 6)
    files = batches(reader(folder, cache="off"), 6)
    for one, two in zip(memory, files, strict=True):
        for array, other in zip(one, two, strict=True):
            assert_array_equal(array, other)


def test_pixels_move_into_the_reader(photo_folder):
    found = survey(photo_folder).photos
    PhotoReader(found, square=SQUARE)
    assert all(photo.pixels is None for photo in found)


def test_photo_that_vanishes_later_is_replaced(photo_folder, tmp_path):
    folder = shutil.copytree(photo_folder, tmp_path / "photos")
    photos = reader(folder, cache="off")
    numbers = [p.source.name for p in survey(folder, cache="off").photos]
    gone = numbers.index(str(folder / "03.png"))
    (folder / "03.png").unlink()
    with pytest.warns(ColorizerWarning, match=r"03.png.*stands in"):
        replaced = photos(gone)
    assert_array_equal(replaced, photos((gone + 1) % 12))


def test_photo_of_another_size_later_is_squeezed(photo_folder, tmp_path):
    folder = shutil.copytree(photo_folder, tmp_path / "photos")
    photos = reader(folder, cache="off")
    for path in folder.iterdir():
        Image.new("RGB", (50, 200), (1, 2, 3)).save(path)
    for index in range(12):
        rgb = photos(index)
        assert_array_equal(rgb.shape[:2], photos.shapes[index])
        assert_array_equal(rgb, np.broadcast_to([1, 2, 3], rgb.shape))


def test_small_photos_show_what_the_photos_show(small_folder, photo_folder):
    found = survey(small_folder, square=64, cache="off").photos
    photos = PhotoReader(found, square=64)
    for number, photo in enumerate(found):
        name = photo.source.relative.removesuffix(".jpg")
        original = Image.open(photo_folder / name)
        expected = np.asarray(original.resize((96, 72), Image.Resampling.BOX))
        difference = np.abs(photos(number).numpy() - expected.astype(float))
        # Another filter and JPEG, not another photo: 30 or more.
        assert difference.mean() < 6


def test_box_is_cut_out_of_the_whole_while_it_is_decoded(small_folder):
    photos = reader(small_folder, cache="off")
    top, left, height, width = 3, 10, 20, 31
    for index in range(photos.count):
        whole = photos(index)
        assert whole.shape == (36, 48, 3)  # Halved: 36 is enough for 32.
        assert_array_equal(photos.shapes[index], whole.shape[:2])
        box = photos.box(index, tf.constant([top, left, height, width]))
        expected = whole[top : top + height, left : left + width]
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
    for cache in ("on", "off"):
        photos = survey(folder, square=square, cache=cache).photos
        photo = PhotoReader(photos, square=square)
        assert min(photo.shapes[0].numpy()) == min(photo(0).shape[:2]) == read


def test_photos_too_small_for_the_squares_are_refused(small_folder):
    with pytest.raises(ConfigError, match=r"72 pixels.*--short-side 288"):
        survey(small_folder, square=256)


def test_colorless_small_photos_are_left_out_unless_kept(tmp_path):
    (tmp_path / "photos").mkdir()
    for name in ("camera", "coffee"):
        photo = Image.fromarray(getattr(skimage.data, name)())
        photo.save(tmp_path / f"photos/{name}.png")
    folder = prepare(
        tmp_path / "photos", tmp_path / "small", keep_colorless=True
    )
    for cache in ("on", "off"):
        found = survey(folder, cache=cache)
        assert found.colorless == [str(folder / "camera.png.jpg")]
        assert len(found.photos) == 1
        kept = survey(folder, cache=cache, keep_colorless=True)
        assert len(kept.photos) == 2


@pytest.mark.parametrize("cache", ["on", "off"])
def test_survey_names_small_photos_that_are_not_plain(copied, cache):
    (copied / "text.jpg").write_text("not a photo")
    Image.new("RGB", (72, 72)).save(copied / "other.png")
    Image.new("RGB", (96, 96)).save(copied / "size.jpg")
    Image.new("CMYK", (72, 72)).save(copied / "inks.jpg")
    whole = (copied / "00.png.jpg").read_bytes()
    (copied / "cut.jpg").write_bytes(whole[:-100])
    found = survey(copied, cache=cache)
    assert len(found.photos) == 12
    assert {name.rsplit("/", 1)[-1] for name in found.unreadable} == {
        "text.jpg",
        "other.png",
        "size.jpg",
        "inks.jpg",
        "cut.jpg",
    }


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_small_photo_damaged_while_training_is_named(copied, harm):
    found = survey(copied, cache="off").photos
    photos = PhotoReader(found, square=SQUARE)
    path = copied / "05.png.jpg"
    whole = path.read_bytes()
    path.unlink()
    if harm == "cut":
        path.write_bytes(whole[:300])
    with (
        pytest.raises(DataError, match=r"05.png.jpg.*Run `prepare` again"),
        unreadable_named(found),
    ):
        batches(photos, 3)  # A round has 3 batches of 4.
