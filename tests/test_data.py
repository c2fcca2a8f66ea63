"""From files to encoded batches: what is drawn, in which order, from where."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage.color import rgb2lab

from keras_colorizer.data.encoded_squares import encode_squares
from keras_colorizer.data.pipeline import (
    PhotoReader,
    training_batches,
    validation_batches,
)
from keras_colorizer.data.sources import list_photos
from keras_colorizer.data.survey import survey_photos
from keras_colorizer.encoding import decode_rgb

SQUARE = 32


def survey(folder, **kwargs):
    return survey_photos(list_photos(str(folder)), square=SQUARE, **kwargs)


def reader(folder, **kwargs):
    return PhotoReader(survey(folder, **kwargs).photos, square=SQUARE)


def rgb_of(batch):
    return decode_rgb(*batch).numpy()


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
