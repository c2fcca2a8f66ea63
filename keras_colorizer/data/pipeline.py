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
        is_flipped = shares[:, 4] < 0.5
        return tf.fill([batch_size], step), photos, boxes, is_flipped

    @tf.function(jit_compile=True)
    def encode(steps: tf.Tensor, rgb: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        seed = tf.stack([run, steps[0]])
        return encode_photos(rgb, seed, old_photos=old_photos)

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

    @tf.function(jit_compile=True)
    def encode(rgb: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return encode_photos(rgb, tf.constant([0, 0]), old_photos=0.0)

    numbers = tf.data.Dataset.range(reader.count)
    batches = numbers.map(squash, num_parallel_calls=WORKERS).batch(batch_size)
    encoded = batches.map(encode, num_parallel_calls=WORKERS)
    return encoded.prefetch(PREFETCHED)


def _square(
    reader: PhotoReader,
    step: tf.Tensor,
    photo: tf.Tensor,
    box: tf.Tensor,
    is_flipped: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the number of the batch and `(square, square, 3)` uint8."""
    square = _squashed(reader.box(photo, box), reader.square, "bilinear")
    # `square[:, ::-1]` does the same, many times slower.
    flipped = tf.cond(
        is_flipped, lambda: tf.reverse(square, [1]), lambda: square
    )
    return step, flipped


def _squashed(rgb: tf.Tensor, square: int, method: str) -> tf.Tensor:
    resized = tf.image.resize(rgb, (square, square), method=method)
    return tf.cast(tf.round(resized), tf.uint8)
