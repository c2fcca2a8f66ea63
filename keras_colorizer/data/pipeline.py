"""Surveyed photos to batches.

The order of steps, and why:

1. numbers, not photos, are shuffled: every number's place is a function of
   the seed, so any step of any epoch can be resumed without replaying others;
2. photos come from memory or, reduced while decoding, from their files;
3. a random box is cut and squashed to the square: the only resampling;
4. batches stay uint8: the networks' device makes L*a*b* of them;
5. prefetching lets all that happen while the networks train.
"""

import os
from functools import partial

import tensorflow as tf

from keras_colorizer.data.drawing import DrawingOrder
from keras_colorizer.data.encoded_squares import encode_squares
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
        part: Number of the part of every batch to draw, and how many equal
            parts it has: each of several machines reads its own photos alone.

    Returns:
        Batches of `(n, square, square, 3)` uint8 sRGB; n is the batch size or
        its part.
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

    places = tf.data.Dataset.counter(first_step * size)
    squares = places.map(draw, num_parallel_calls=WORKERS)
    batches = squares.batch(size, drop_remainder=True)
    return batches.prefetch(PREFETCHED)


def validation_batches(
    reader: PhotoReader, *, batch_size: int
) -> tf.data.Dataset:
    """Returns every photo once, whole, squashed to the square.

    Args:
        reader: The photos to judge with.
        batch_size: Photos per batch; the last batch may be smaller.

    Returns:
        Batches as of `encode_squares`.
    """

    def squash(index):
        return _squashed(reader(index), reader.square, "area")

    numbers = tf.data.Dataset.range(reader.count)
    batches = numbers.map(squash, num_parallel_calls=WORKERS).batch(batch_size)
    encode = tf.function(encode_squares, jit_compile=True)
    encoded = batches.map(encode, num_parallel_calls=WORKERS)
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
