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
from functools import partial

import tensorflow as tf

from keras_colorizer import color, encoding
from keras_colorizer.data.drawing import DrawingOrder
from keras_colorizer.data.old_photos import aged_lightness
from keras_colorizer.data.photo_reader import PhotoReader, cut
from keras_colorizer.data.survey import SHORT_SIDE_PER_CROP

# Set, not left to tf.data's AUTOTUNE, which was a third slower here.
WORKERS = os.cpu_count()
PREFETCHED = 2


def training_batches(
    reader: PhotoReader,
    *,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    balance: float = 0.0,
    old_photos: float = 0.0,
    part: tuple[int, int] = (0, 1),
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
        part: Number of the part of every batch to draw, and how many equal
            parts it has: each of several machines reads its own photos alone.
            Squares are those of the whole batch; old photos are drawn anew.

    Returns:
        Batches of `lightness`, `(n, square, square, 1)`, and `ab`, `(n, square,
        square, 2)`, float32 in [-1, 1]; n is the batch size or its part.
    """
    run = tf.constant(seed, tf.int64)
    order = DrawingOrder(reader.groups, balance=balance)

    index, parts = part
    size = batch_size // parts

    def draw(place):
        number = place // size * batch_size + index * size + place % size
        share = _shares_of_box(tf.stack([run, number]))
        box = reader.box(order(number, run), partial(_chosen_box, share))
        return _flipped(_squashed(box, reader.square, "bilinear"), share)

    def encode(rgb, step):
        if old_photos == 0:
            return _encode(rgb)
        aging = tf.stack([run, step * parts + index])
        return _encode_aged(rgb, aging, old_photos)

    places = tf.data.Dataset.counter(first_step * size)
    squares = places.map(draw, num_parallel_calls=WORKERS)
    batches = squares.batch(size, drop_remainder=True)
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
        return _squashed(reader(index), reader.square, "area")

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
    share = _shares_of_box(seed)
    box = cut(rgb, partial(_chosen_box, share))
    return _flipped(_squashed(box, square, "bilinear"), share)


def _shares_of_box(seed):
    return tf.random.stateless_uniform((5,), seed)


def _chosen_box(share, sides):
    sides = tf.cast(sides, tf.float32)
    smallest = tf.reduce_min(sides) / SHORT_SIDE_PER_CROP
    box_sides = tf.round(smallest + share[:2] * (sides - smallest))
    corner = tf.cast(share[2:4] * (sides - box_sides + 1), tf.int32)
    return corner, tf.cast(box_sides, tf.int32)


def _flipped(box, share):
    # `box[:, ::-1]` does the same, many times slower.
    return tf.cond(share[4] < 0.5, lambda: tf.reverse(box, [1]), lambda: box)


def _squashed(rgb, square, method):
    resized = tf.image.resize(rgb, (square, square), method=method)
    return tf.cast(tf.round(resized), tf.uint8)


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
