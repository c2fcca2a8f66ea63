"""Surveyed photos to encoded batches.

The order of steps, and why:

1. numbers, not photos, are shuffled: every number's place is a function of
   the seed, so any step of any epoch can be resumed without replaying others;
2. photos come from memory or, reduced while decoding, from their files;
3. a random box is cut and squashed to the square: the only resampling;
4. whole batches are converted to L*a*b*: one compiled loop, fixed shapes;
   some get the lightness of old photos;
5. prefetching lets all that happen while the networks train.
"""

import os
import warnings
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_colorizer import color, encoding
from keras_colorizer.data.drawing import DrawingOrder
from keras_colorizer.data.old_photos import aged_lightness
from keras_colorizer.data.survey import (
    SHORT_SIDE_PER_CROP,
    SurveyedPhoto,
    short_side_for,
)
from keras_colorizer.errors import ColorizerWarning, PhotoError
from keras_colorizer.photos import read_rgb

# Set, not left to tf.data's AUTOTUNE, which was a third slower here.
WORKERS = os.cpu_count()
PREFETCHED = 2


class PhotoReader:
    """Photos by number, as TensorFlow reads them.

    Args:
        photos: At least one; all or none with their pixels in memory, which
            move into the reader.
        square: Side in pixels of the squares that will be cut from them.

    Attributes:
        groups: The group of every photo.
    """

    def __init__(self, photos: list[SurveyedPhoto], *, square: int):
        self.count = len(photos)
        self.groups = [photo.source.group for photo in photos]
        self.square = square
        in_memory = all(photo.pixels is not None for photo in photos)
        self._read = (
            _from_memory(photos) if in_memory else _from_files(photos, square)
        )

    def __call__(self, index: tf.Tensor) -> tf.Tensor:
        """Returns photo number `index`, `(h, w, 3)` uint8."""
        return self._read(index)


def training_batches(
    reader: PhotoReader,
    *,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    balance: float = 0.0,
    old_photos: float = 0.0,
) -> tf.data.Dataset:
    """Returns an endless stream of augmented batches.

    Batch number n is the same in every run with the same photos and settings.

    Args:
        reader: The photos to draw from.
        batch_size: Squares per batch.
        seed: Of the order and the augmentation.
        first_step: Number of the batch to start with.
        balance: Between the reader's groups, as of `DrawingOrder`.
        old_photos: Share of the squares with the lightness of old photos.

    Returns:
        Batches of `lightness`, `(batch_size, square, square, 1)`, and `ab`,
        `(batch_size, square, square, 2)`, float32 in [-1, 1].
    """
    run = tf.constant(seed, tf.int64)
    order = DrawingOrder(reader.groups, balance=balance)

    def draw(number):
        rgb = reader(order(number, run))
        box_seed = tf.stack([run, number])
        return augmented(rgb, box_seed, square=reader.square)

    def encode(rgb, step):
        if old_photos == 0:
            return _encode(rgb)
        return _encode_aged(rgb, tf.stack([run, step]), old_photos)

    numbers = tf.data.Dataset.counter(first_step * batch_size)
    squares = numbers.map(draw, num_parallel_calls=WORKERS)
    batches = squares.batch(batch_size, drop_remainder=True)
    steps = tf.data.Dataset.counter(first_step)
    encoded = tf.data.Dataset.zip(batches, steps).map(
        encode, num_parallel_calls=WORKERS
    )
    return encoded.prefetch(PREFETCHED)


def validation_batches(
    reader: PhotoReader, *, batch_size: int
) -> tf.data.Dataset:
    """Returns every photo once, whole, squashed to the square.

    Args:
        reader: The photos to judge with.
        batch_size: Photos per batch; the last batch may be smaller.

    Returns:
        Batches as of `training_batches`.
    """

    def squash(index):
        return _squashed(reader(index), reader.square, method="area")

    numbers = tf.data.Dataset.range(reader.count)
    squares = numbers.map(squash, num_parallel_calls=WORKERS)
    encoded = squares.batch(batch_size).map(_encode, num_parallel_calls=WORKERS)
    return encoded.prefetch(PREFETCHED)


def augmented(rgb: tf.Tensor, seed: tf.Tensor, *, square: int) -> tf.Tensor:
    """Cuts a random box, squashes it to the square, and flips half of them.

    Height and width of the box are drawn apart, from pix2pix's share of the
    photo's shorter side up to the whole side: the network learns every
    squeezing up to that of a whole photo, which is what it is shown later.

    Args:
        rgb: `(h, w, 3)` uint8.
        seed: `(2,)` integers: the same seed cuts the same box.
        square: Height and width of the result, in pixels.

    Returns:
        `(square, square, 3)` uint8.
    """
    share = tf.random.stateless_uniform((5,), seed)
    sides = tf.cast(tf.shape(rgb)[:2], tf.float32)
    smallest = tf.reduce_min(sides) / SHORT_SIDE_PER_CROP
    box_sides = tf.round(smallest + share[:2] * (sides - smallest))
    corner = tf.cast(share[2:4] * (sides - box_sides + 1), tf.int32)
    box_sides = tf.cast(box_sides, tf.int32)
    box = tf.slice(
        rgb, tf.concat([corner, [0]], 0), tf.concat([box_sides, [3]], 0)
    )
    box = _squashed(box, square, method="bilinear")
    # `box[:, ::-1]` does the same, many times slower.
    return tf.cond(share[4] < 0.5, lambda: tf.reverse(box, [1]), lambda: box)


def _squashed(rgb, square, *, method):
    resized = tf.image.resize(rgb, (square, square), method=method)
    return tf.cast(tf.round(resized), tf.uint8)


def _from_memory(photos) -> Callable[[tf.Tensor], tf.Tensor]:
    # One flat array, sliced by TensorFlow: no Python runs while training. A
    # variable, because a dataset makes its own copy of a constant.
    shapes = tf.constant([(*photo.shape, 3) for photo in photos], tf.int64)
    ends = tf.cumsum(tf.reduce_prod(shapes, axis=1))
    with tf.device("CPU"):  # Where `tf.data` reads it.
        pixels = tf.Variable(_moved_pixels(photos), trainable=False)

    def read(index):
        shape = shapes[index]
        size = tf.reduce_prod(shape)
        return tf.reshape(tf.slice(pixels, [ends[index] - size], [size]), shape)

    return read


def _moved_pixels(photos):
    """Returns all pixels in a row, freeing each photo's own on the way."""
    flat = np.empty(sum(photo.pixels.size for photo in photos), np.uint8)
    start = 0
    for photo in photos:
        flat[start : start + photo.pixels.size] = photo.pixels.ravel()
        start += photo.pixels.size
        photo.pixels = None
    return flat


def _from_files(photos, square) -> Callable[[tf.Tensor], tf.Tensor]:
    def read(index):
        rgb = tf.numpy_function(
            lambda number: _first_readable(photos, number, square),
            [index],
            tf.uint8,
        )
        return tf.ensure_shape(rgb, (None, None, 3))

    return read


def _first_readable(photos, number, square):
    """Decodes photo `number`, or the next one if it has been damaged since."""
    for offset in range(len(photos)):
        photo = photos[(number + offset) % len(photos)]
        try:
            return read_rgb(
                photo.source.content, short_side=short_side_for(square)
            )
        except PhotoError as error:
            message = f"{error} Another photo stands in."
            warnings.warn(message, ColorizerWarning, stacklevel=1)
    raise FileNotFoundError("none of the training photos can be read any more")


@tf.function(jit_compile=True)
def _encode(rgb):
    return encoding.encode_lab(color.rgb_to_lab(rgb))


@tf.function(jit_compile=True)
def _encode_aged(rgb, seed, share):
    """Ages the lightness of a share of the photos, drawn at random."""
    lightness, ab = _encode(rgb)
    aged = encoding.encode_lightness(aged_lightness(rgb, seed))
    drawn = tf.random.stateless_uniform((tf.shape(rgb)[0], 1, 1, 1), seed + 1)
    return tf.where(drawn < share, aged, lightness), ab
