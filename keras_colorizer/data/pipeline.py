"""Surveyed photos to batches of lightness and ab.

The order of steps, and why:

1. numbers, not photos, are shuffled: every number's place is a function of
   the seed, so any step of any epoch can be resumed without replaying others;
   they, boxes and flips are drawn for a whole batch in one go;
2. photos come from memory or, reduced while decoding, from their files;
3. the box is cut and squashed to the square: the only resampling;
4. whole batches are encoded by XLA, which is several times faster at it;
5. prefetching lets all that happen while the networks train.
"""

import os
from functools import partial

import tensorflow as tf

from keras_colorizer.data.drawing import DrawingOrder, draw_boxes
from keras_colorizer.data.old_photos import encode_photos
from keras_colorizer.data.photo_reader import PhotoReader

# Set, not left to tf.data's AUTOTUNE, which was a third slower here.
WORKERS = os.cpu_count()
PREFETCHED = 2


def training_batches(
    reader: PhotoReader,
    steps: tf.data.Dataset,
    *,
    batch_size: int,
    seed: int,
    balance: float = 0.0,
    old_photos: float = 0.0,
) -> tf.data.Dataset:
    """Returns augmented batches.

    Batch number n is the same in every run with the same photos and settings.

    Args:
        reader: The photos to draw from.
        steps: Numbers of the batches, int64 scalars.
        batch_size: Squares per batch.
        seed: Of the order and the augmentation.
        balance: Between the reader's groups, as of `DrawingOrder`.
        old_photos: Share of the squares that age.

    Returns:
        `lightness`, `(n, square, square, 1)`, and `ab`, `(n, square, square,
        2)`, float32 in [-1, 1].
    """
    run = tf.constant(seed, tf.int64)
    order = DrawingOrder(reader.groups, balance=balance)

    def plan(step: tf.Tensor) -> tuple[tf.Tensor, ...]:
        numbers = step * batch_size + tf.range(batch_size, dtype=tf.int64)
        photos = order(numbers, run)
        shares = tf.random.stateless_uniform(
            (batch_size, 5), tf.stack([run, step])
        )
        boxes = draw_boxes(shares[:, :4], tf.gather(reader.shapes, photos))
        seeds = tf.repeat([[run, step]], batch_size, axis=0)
        return photos, boxes, shares[:, 4] < 0.5, seeds

    encode = tf.function(
        partial(encode_photos, old_photos=old_photos), jit_compile=True
    )
    squares = steps.map(plan).unbatch()
    squares = squares.map(partial(_square, reader), num_parallel_calls=WORKERS)
    batches = squares.batch(batch_size, drop_remainder=True)
    batches = batches.map(encode, num_parallel_calls=WORKERS)
    return batches.prefetch(PREFETCHED)


def validation_batches(
    reader: PhotoReader, *, batch_size: int
) -> tf.data.Dataset:
    """Returns every photo once, whole, squashed to the square.

    Args:
        reader: The photos to judge with.
        batch_size: Photos per batch; the last batch may be smaller.

    Returns:
        `lightness` and `ab`, as of `training_batches`.
    """

    def squash(index: tf.Tensor) -> tf.Tensor:
        return _squashed(reader(index), reader.square, "area")

    encode = tf.function(partial(encode_photos, seeds=None), jit_compile=True)
    numbers = tf.data.Dataset.range(reader.count)
    batches = numbers.map(squash, num_parallel_calls=WORKERS).batch(batch_size)
    encoded = batches.map(encode, num_parallel_calls=WORKERS)
    return encoded.prefetch(PREFETCHED)


def _square(
    reader: PhotoReader,
    photo: tf.Tensor,
    box: tf.Tensor,
    is_flipped: tf.Tensor,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns `(square, square, 3)` uint8, and the seed of the batch."""
    square = _squashed(reader.box(photo, box), reader.square, "bilinear")
    # `square[:, ::-1]` does the same, many times slower.
    flipped = tf.cond(
        is_flipped, lambda: tf.reverse(square, [1]), lambda: square
    )
    return flipped, seed


def _squashed(rgb: tf.Tensor, square: int, method: str) -> tf.Tensor:
    resized = tf.image.resize(rgb, (square, square), method=method)
    return tf.cast(tf.round(resized), tf.uint8)
