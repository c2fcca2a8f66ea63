"""From files to encoded batches: what is drawn, in which order, from where."""

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage.color import rgb2lab

from keras_colorizer import ConfigError, photo_dataset
from keras_colorizer.data.drawing import Drawing
from keras_colorizer.data.old_photos import encode_photos
from keras_colorizer.data.pipeline import training_batches, validation_batches
from keras_colorizer.data.survey import survey_photos
from keras_colorizer.encoding import decode_rgb

SQUARE = 32


def survey(folder, *, batch_size=4, **kwargs):
    return survey_photos(
        str(folder), square=SQUARE, batch_size=batch_size, **kwargs
    )


def batches(photos, *, first_step=0, seed=0, **kwargs):
    """Endless squares as sRGB levels, decoded from lightness and ab."""
    numbers = tf.data.Dataset.counter(first_step)
    for batch in training_batches(photos, numbers, seed=seed, **kwargs):
        yield rgb_of(batch)


def rgb_of(batch):
    return decode_rgb(*batch).numpy()


def test_squares_are_encoded_as_scikit_image_converts_them(rng):
    rgb = rng.integers(0, 256, (2, SQUARE, SQUARE, 3), "uint8")
    lightness, ab = encode_photos(rgb, None)
    lab = rgb2lab(rgb)
    assert_allclose((lightness + 1) * 50, lab[..., :1], atol=0.01)
    assert_allclose(ab * 110, lab[..., 1:], atol=0.02)


def test_any_step_can_be_the_first(photo_folder):
    photos = survey(photo_folder)
    full = batches(photos, seed=7, old_photos=0.5)
    drawn = [next(full) for _ in range(8)]
    late = batches(photos, seed=7, old_photos=0.5, first_step=5)
    for expected in drawn[5:]:
        assert_array_equal(expected, next(late))


def test_seeds_and_rounds_differ(photo_folder):
    photos = survey(photo_folder, batch_size=12)
    first = next(batches(photos))
    other = next(batches(photos, seed=1))
    again = next(batches(photos, first_step=1))
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, again)


def test_data_set_holds_an_epoch_and_goes_on_in_the_next(photo_folder):
    options = {"image_size": SQUARE, "batch_size": 5, "seed": 3}
    data = photo_dataset(photo_folder, **options)
    assert len(data) == 2  # 12 photos.
    endless = batches(survey(photo_folder, batch_size=5), seed=3)
    for _ in range(3):
        for batch in data:
            assert_array_equal(rgb_of(batch), next(endless))
    late = photo_dataset(str(photo_folder), first_step=6, **options)
    assert_array_equal(rgb_of(next(iter(late))), next(endless))


def test_data_set_splits_by_file_hash(photo_folder):
    options = {"image_size": SQUARE, "batch_size": 3, "validation_split": 0.25}
    training = photo_dataset(photo_folder, subset="training", **options)
    held_out = photo_dataset(photo_folder, subset="validation", **options)
    assert len(training) == 3
    everything = validation_batches(survey(photo_folder), batch_size=3)
    (held_out,) = held_out
    for array, expected in zip(held_out, next(iter(everything)), strict=True):
        assert_array_equal(array, expected)  # The first of the order by hash.
    with pytest.raises(ConfigError, match="subset=None"):
        photo_dataset(photo_folder, **options)


def plain_photos(folder, count):
    """Photos of one color each, so that any crop tells which it is."""
    for number in range(count):
        color = (20 * number, 128, 255 - 20 * number)
        Image.new("RGB", (40, 36), color).save(folder / f"{number}.png")
    return survey(folder, keep_colorless=True, batch_size=1)


def test_every_photo_is_drawn_once_a_round(tmp_path):
    photos = plain_photos(tmp_path, 11)
    endless = batches(photos, seed=3)
    drawn = [int(next(endless)[0, 0, 0, 0]) for _ in range(33)]
    for start in (0, 11, 22):
        assert sorted(drawn[start : start + 11]) == list(range(0, 220, 20))
    assert drawn[:11] != drawn[11:22]


# By hand: the fewest draws of 12 photos that fill 20 batches.
@pytest.mark.parametrize(
    ("batch_size", "draws", "steps"), [(1, 2, 24), (4, 7, 21), (12, 20, 20)]
)
def test_an_epoch_of_few_photos_draws_each_equally_often(
    photo_folder, batch_size, draws, steps
):
    photos = survey(photo_folder, batch_size=batch_size, draws=None)
    assert photos.steps_per_epoch == steps
    draw = Drawing(photos.training, batch_size=batch_size, seed=0)
    rows = np.concatenate([draw(step) for step in range(steps)])
    assert set(Counter(rows[:, 0]).values()) == {draws}
    # Hardly a box, its flip included, comes twice.
    assert len(np.unique(rows[:, :6], axis=0)) > 0.9 * len(rows)


def test_boxes_reach_all_of_the_photo_and_half_are_flipped(tmp_path):
    # Red grows to the right, green downwards: a box tells where it is from.
    height, width = 48, 96
    rgb = np.zeros((height, width, 3), "uint8")
    rgb[..., 0] = np.arange(width) * 2
    rgb[..., 1] = np.arange(height)[:, None] * 4
    Image.fromarray(rgb).save(tmp_path / "ramps.png")
    for number in range(1, 30):  # One batch draws all of them.
        (tmp_path / f"{number}.png").write_bytes(
            (tmp_path / "ramps.png").read_bytes() + bytes([number])
        )
    endless = batches(survey(tmp_path, batch_size=30))
    boxes = np.concatenate([next(endless) for _ in range(10)]).astype(int)
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
    found = survey(photo_folder)
    pixels = [photo.pixels for photo in found.photos]
    whole = validation_batches(found, batch_size=5)
    squares = np.concatenate([rgb_of(batch) for batch in whole])
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
