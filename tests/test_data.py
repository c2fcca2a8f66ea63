"""From files to encoded batches: what is drawn, in which order, from where."""

import shutil

import numpy as np
import pytest
import skimage.data
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage.color import rgb2lab

from keras_colorizer.data.encoded_squares import encode_squares
from keras_colorizer.data.pipeline import (
    PhotoReader,
    training_batches,
    validation_batches,
)
from keras_colorizer.data.sources import embedded_photos, list_photos
from keras_colorizer.data.survey import survey_photos, unexplained_chroma
from keras_colorizer.encoding import decode_rgb
from keras_colorizer.errors import ColorizerWarning, DataError

SQUARE = 32


def survey(folder, **kwargs):
    return survey_photos(list_photos(str(folder)), square=SQUARE, **kwargs)


def reader(folder, **kwargs):
    return PhotoReader(survey(folder, **kwargs).photos, square=SQUARE)


def rgb_of(batch):
    return decode_rgb(*batch).numpy()


def toned(rgb):
    """Sepia: every grey level gets one color, as a toning bath does."""
    grey = np.asarray(Image.fromarray(rgb).convert("L"), "float32")[..., None]
    return np.uint8(grey * [1.0, 0.85, 0.65])


@pytest.fixture
def mixed_folder(tmp_path):
    """2 fit photos, 1 of them twice, grey, sepia, text, cut and empty files."""
    photo = skimage.data.chelsea()
    Image.fromarray(photo).save(tmp_path / "cat.jpg")
    shutil.copy(tmp_path / "cat.jpg", tmp_path / "same_cat.jpg")
    Image.fromarray(skimage.data.coffee()).save(tmp_path / "coffee.webp")
    Image.fromarray(skimage.data.camera()).save(tmp_path / "grey.png")
    Image.fromarray(toned(photo)).save(tmp_path / "sepia.jpg", quality=80)
    (tmp_path / "text.jpg").write_text("not a photo")
    (tmp_path / "empty.png").touch()
    whole = (tmp_path / "cat.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    return tmp_path


def names(paths):
    return sorted(path.rsplit("/", 1)[-1] for path in paths)


def test_survey_sorts_out_what_cannot_be_trained_on(mixed_folder):
    found = survey(mixed_folder)
    kept = names(photo.source.name for photo in found.photos)
    assert kept in (["cat.jpg", "coffee.webp"], ["coffee.webp", "same_cat.jpg"])
    assert names(found.colorless) == ["grey.png", "sepia.jpg"]
    assert names(found.unreadable) == ["cut.jpg", "empty.png", "text.jpg"]
    assert len(found.duplicates) == 1
    assert found.decoded_bytes == sum(p.pixels.nbytes for p in found.photos)


def test_keep_colorless_keeps_grey_and_sepia(mixed_folder):
    found = survey(mixed_folder, keep_colorless=True)
    assert len(found.photos) == 4
    assert not found.colorless


def test_chroma_of_grey_and_toned_photos_is_explained_by_lightness():
    photo = skimage.data.astronaut()
    grey = np.repeat(skimage.data.camera()[..., None], 3, axis=-1)
    assert unexplained_chroma(grey) < 1e-3
    assert unexplained_chroma(toned(photo)) < 1
    assert unexplained_chroma(photo) > 5


def test_embedded_photos_are_nine_and_all_fit():
    found = survey_photos(list_photos(None), square=SQUARE)
    assert len(embedded_photos()) == len(found.photos) == 9


def test_photos_are_reduced_by_whole_factors(photo_folder):
    for photo in survey(photo_folder).photos:
        # 32 * 286 / 256 is 36: half of 96 suffices, a third would not.
        assert photo.shape == (48, 64)


def test_squares_are_encoded_as_scikit_image_converts_them(photo_folder):
    batches = training_batches(reader(photo_folder), batch_size=4, seed=0)
    rgb = next(iter(batches))
    assert rgb.shape == (4, SQUARE, SQUARE, 3)
    assert rgb.dtype == "uint8"
    lightness, ab = encode_squares(rgb)
    lab = rgb2lab(rgb)
    assert_allclose((lightness + 1) * 50, lab[..., :1], atol=0.01)
    assert_allclose(ab * 110, lab[..., 1:], atol=0.02)


def test_any_step_can_be_the_first(photo_folder):
    photos = reader(photo_folder)
    full = iter(training_batches(photos, batch_size=4, seed=7))
    batches = [next(full) for _ in range(8)]
    late = training_batches(photos, batch_size=4, seed=7, first_step=5)
    for expected, batch in zip(batches[5:], late.take(3), strict=True):
        assert_array_equal(expected, batch)


def test_seeds_and_rounds_differ(photo_folder):
    photos = reader(photo_folder)
    first = next(iter(training_batches(photos, batch_size=12, seed=0)))
    other = next(iter(training_batches(photos, batch_size=12, seed=1)))
    again = next(
        iter(training_batches(photos, batch_size=12, seed=0, first_step=1))
    )
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, again)


def plain_photos(folder, count):
    """Photos of one color each, so that any crop tells which it is."""
    for number in range(count):
        color = (20 * number, 128, 255 - 20 * number)
        Image.new("RGB", (40, 36), color).save(folder / f"{number}.png")
    return reader(folder, keep_colorless=True)


def test_every_photo_is_drawn_once_a_round(tmp_path):
    photos = plain_photos(tmp_path, 11)
    batches = training_batches(photos, batch_size=1, seed=3).take(33)
    drawn = [int(batch[0, 0, 0, 0]) for batch in batches]
    for start in (0, 11, 22):
        assert sorted(drawn[start : start + 11]) == list(range(0, 220, 20))
    assert drawn[:11] != drawn[11:22]


def test_boxes_reach_all_of_the_photo_and_half_are_flipped(tmp_path):
    # Red grows to the right, green downwards: a box tells where it is from.
    height, width = 48, 96
    rgb = np.zeros((height, width, 3), "uint8")
    rgb[..., 0] = np.arange(width) * 2
    rgb[..., 1] = np.arange(height)[:, None] * 4
    Image.fromarray(rgb).save(tmp_path / "ramps.png")
    photos = reader(tmp_path)
    batches = training_batches(photos, batch_size=30, seed=0).take(10)
    boxes = np.concatenate([*batches]).astype(int)
    flipped = boxes[:, 0, 0, 0] > boxes[:, 0, -1, 0]
    assert 110 <= flipped.sum() <= 190  # 150 +- 40, over 4 sigma.
    # A box is resized from pixel centres: its edges lie half a step inside.
    widths = np.abs(boxes[:, 0, -1, 0] - boxes[:, 0, 0, 0]) / 2
    assert widths.min() >= height * 256 / 286 - 2
    assert widths.max() > 0.85 * width
    assert boxes[..., 0].min() <= 4
    assert boxes[..., 0].max() >= 2 * (width - 3)
    assert boxes[..., 1].max() >= 4 * (height - 3)


def test_reading_from_files_gives_the_same_batches(photo_folder):
    memory = training_batches(reader(photo_folder), batch_size=4, seed=0)
    files = training_batches(
        reader(photo_folder, cache="off"), batch_size=4, seed=0
    )
    for one, two in zip(memory.take(3), files.take(3), strict=True):
        assert_array_equal(one, two)


def test_photo_that_vanishes_later_is_replaced(photo_folder, tmp_path):
    folder = tmp_path / "photos"
    shutil.copytree(photo_folder, folder)
    photos = reader(folder, cache="off")
    (folder / "03.png").unlink()
    with pytest.warns(ColorizerWarning, match="03.png.*stands in"):
        batch = next(iter(training_batches(photos, batch_size=12, seed=0)))
    assert batch.shape[0] == 12


def test_photo_of_another_size_later_is_squeezed(photo_folder, tmp_path):
    folder = tmp_path / "photos"
    shutil.copytree(photo_folder, folder)
    photos = reader(folder, cache="off")
    for path in folder.iterdir():
        Image.new("RGB", (50, 200), (1, 2, 3)).save(path)
    batch = next(iter(training_batches(photos, batch_size=12, seed=0)))
    assert_array_equal(
        np.unique(batch.numpy().reshape(-1, 3), axis=0), [[1, 2, 3]]
    )


def test_validation_shows_each_whole_photo_once(photo_folder):
    found = survey(photo_folder).photos
    pixels = [photo.pixels for photo in found]
    photos = PhotoReader(found, square=SQUARE)
    batches = validation_batches(photos, batch_size=5)
    squares = np.concatenate([rgb_of(batch) for batch in batches])
    assert len(squares) == 12
    for photo, square in zip(pixels, squares, strict=True):
        # Half a level of rounding, and float noise.
        assert_allclose(square, area_mean(photo, SQUARE), atol=0.51)


def area_mean(photo, side):
    """Averages exact areas: differences of the interpolated running sum."""
    for axis in (0, 1):
        photo = np.moveaxis(photo, axis, 0).astype("float64")
        sums = np.concatenate([photo[:1] * 0, np.cumsum(photo, axis=0)])
        edges = np.linspace(0, len(photo), side + 1)
        low = np.minimum(edges.astype(int), len(photo) - 1)
        share = (edges - low)[:, None, None]
        at_edges = sums[low] * (1 - share) + sums[low + 1] * share
        means = np.diff(at_edges, axis=0) * side / len(photo)
        photo = np.moveaxis(means, 0, axis)
    return photo


def test_pixels_move_into_the_reader(photo_folder):
    found = survey(photo_folder).photos
    PhotoReader(found, square=SQUARE)
    assert all(photo.pixels is None for photo in found)


def test_tensorflow_datasets_image_folder(tmp_path):
    pytest.importorskip("tensorflow_datasets", reason="an extra")
    for split, count in (("train", 3), ("test", 2)):
        for number in range(count):
            path = tmp_path / split / "cats" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            top = 10 * number + count
            photo = skimage.data.chelsea()[top : top + 90]
            Image.fromarray(photo).save(path)
    sources = list_photos(f"tfds:{tmp_path}")
    assert len(sources) == 5
    found = survey_photos(sources, square=SQUARE)
    assert len(found.photos) == 5


def test_unknown_data_set_is_named():
    pytest.importorskip("tensorflow_datasets", reason="an extra")
    with pytest.raises(DataError, match="tfds:no_such_data_set"):
        list_photos("tfds:no_such_data_set")
