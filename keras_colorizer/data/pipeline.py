"""Surveyed photos to batches.

The order of steps, and why:

1. numbers, not photos, are shuffled: every number's place is a function of
   the seed, so any step of any epoch can be resumed without replaying others;
   they, boxes and flips are drawn for a whole batch in one go;
2. photos come from memory or, reduced while decoding, from their files;
3. the box is cut and squashed to the square: the only resampling;
4. batches stay uint8: the networks' device makes L*a*b* of them;
5. prefetching lets all that happen while the networks train.
"""

import os

import tensorflow as tf

from keras_colorizer.data.drawing import DrawingOrder
from keras_colorizer.data.encoded_squares import encode_squares
from keras_colorizer.data.photo_reader import PhotoReader
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

    def plan(step):
        numbers = step * batch_size + tf.range(batch_size, dtype=tf.int64)
        photos = order(numbers, run)
        seed = tf.stack([run, step])
        shares = tf.random.stateless_uniform((batch_size, 5), seed)
        boxes = _boxes(shares[:, :4], tf.gather(reader.shapes, photos))
        plans = photos, boxes, shares[:, 4] < 0.5
        return tuple(x[index * size : (index + 1) * size] for x in plans)

    def draw(photo, box, is_flipped):
        rgb = reader.box(photo, box)
        square = _squashed(rgb, reader.square, "bilinear")
        # `square[:, ::-1]` does the same, many times slower.
        return tf.cond(
            is_flipped, lambda: tf.reverse(square, [1]), lambda: square
        )

    plans = tf.data.Dataset.counter(first_step).map(plan).unbatch()
    squares = plans.map(draw, num_parallel_calls=WORKERS)
    return squares.batch(size, drop_remainder=True).prefetch(PREFETCHED)


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


def _boxes(shares, shapes):
    """Draws a box for each photo.

    Height and width of the box are drawn apart, from pix2pix's share of the
    photo's shorter side up to the whole side: the network learns every
    squeezing up to that of a whole photo, which is what it is shown later.

    Args:
        shares: `(n, 4)` float32, drawn from [0, 1).
        shapes: `(n, 2)` int32, heights and widths.

    Returns:
        `(n, 4)` int32: top, left, height, width.
    """
    sides = tf.cast(shapes, tf.float32)
    shortest = tf.reduce_min(sides, axis=1, keepdims=True)
    smallest = shortest / SHORT_SIDE_PER_CROP
    boxes = tf.round(smallest + shares[:, :2] * (sides - smallest))
    corners = tf.floor(shares[:, 2:] * (sides - boxes + 1))
    return tf.cast(tf.concat([corners, boxes], axis=1), tf.int32)


def _squashed(rgb, square, method):
    resized = tf.image.resize(rgb, (square, square), method=method)
    return tf.cast(tf.round(resized), tf.uint8)
