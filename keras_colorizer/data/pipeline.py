"""Surveyed photos to batches of lightness and ab.

The order of steps, and why:

1. numbers, not photos, are shuffled: what a batch is made of is a function of
   the seed and its number, so any step of any epoch can be resumed without
   replaying others;
2. photos come from memory or, reduced while decoding, from their files;
3. the box is cut and squashed to the square: the only resampling;
4. whole batches are encoded by XLA, which is several times faster at it;
5. prefetching lets all that happen while the networks train.
"""

import atexit
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from keras_colorizer.data.drawing import Drawing
from keras_colorizer.data.old_photos import encode_photos
from keras_colorizer.data.sources import SourcePhoto
from keras_colorizer.data.survey import Survey, reading_side, reduction
from keras_colorizer.photos import read_rgb

# Set, not left to tf.data's AUTOTUNE, which was a third slower here.
WORKERS = os.cpu_count()
PREFETCHED = 2
REST = 0.5  # Seconds without a call after which nothing is being prefetched.

Cut: TypeAlias = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def training_batches(
    survey: Survey,
    steps: tf.data.Dataset,
    *,
    seed: int,
    balance: float = 0.0,
    old_photos: float = 0.0,
) -> tf.data.Dataset:
    """Returns augmented batches.

    Batch number n is the same in every run with the same photos and settings.

    Args:
        survey: The photos, and how many make a batch.
        steps: Numbers of the batches, int64 scalars.
        seed: Of the order and the augmentation.
        balance: Between the photos' groups, as of `Drawing`.
        old_photos: Share of the squares that age.

    Returns:
        `lightness`, `(n, square, square, 1)`, and `ab`, `(n, square, square,
        2)`, float32 in [-1, 1].
    """
    photos, batch = survey.training, survey.batch_size
    draw = Drawing(photos, batch_size=batch, seed=seed, balance=balance)
    cut = photo_cutter(photos, survey.square)

    def drawn(step: tf.Tensor) -> tf.Tensor:
        rows = _in_python(draw, [step], tf.int64)
        return tf.ensure_shape(rows, (batch, 7))

    def square(row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        rgb = _squashed(cut(row[0], row[1:5]), survey.square, "bilinear")
        # `rgb[:, ::-1]` does the same, many times slower.
        flipped = tf.cond(
            row[5] == 1, lambda: tf.reverse(rgb, [1]), lambda: rgb
        )
        return flipped, tf.stack([tf.constant(seed, tf.int64), row[6]])

    squares = steps.map(drawn).unbatch().map(square, WORKERS)
    squares = squares.batch(batch, drop_remainder=True)
    return _encoded(squares, partial(encode_photos, old_photos=old_photos))


def validation_batches(survey: Survey, *, batch_size: int) -> tf.data.Dataset:
    """Returns every photo to judge with once, whole, squashed to the square.

    Args:
        survey: The photos.
        batch_size: Photos per batch; the last batch may be smaller.

    Returns:
        `lightness` and `ab`, as of `training_batches`.
    """
    cut = photo_cutter(survey.validation, survey.square)
    whole = [(0, 0, *photo.shape) for photo in survey.validation]

    def squash(photo: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
        return _squashed(cut(photo, box), survey.square, "area")

    numbered = tf.data.Dataset.from_tensor_slices(whole).enumerate()
    squares = numbered.map(squash, WORKERS).batch(batch_size)
    return _encoded(squares, partial(encode_photos, seeds=None))


def photo_cutter(photos: Sequence[SourcePhoto], square: int) -> Cut:
    """Returns a function that reads a part of a photo.

    Its arguments are the photo's number and `(4,)` integers, top, left, height
    and width; it returns `(height, width, 3)` uint8. Those of a photo that
    `prepare` made are decoded by TensorFlow, and little else of it.
    """
    if photos[0].small_side:
        return _jpeg_cutter(photos, square)

    def cut(number: int, box: np.ndarray) -> np.ndarray:
        top, left, height, width = box
        pixels = photos[number].pixels
        if pixels is None:
            content = photos[number].content
            pixels = read_rgb(content, short_side=reading_side(square))
        return pixels[top : top + height, left : left + width]

    def in_graph(number: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
        rgb = _in_python(cut, [number, box], tf.uint8)
        return tf.ensure_shape(rgb, (None, None, 3))

    return in_graph


def _jpeg_cutter(photos: Sequence[SourcePhoto], square: int) -> Cut:
    paths = tf.constant([os.fsencode(str(photo.content)) for photo in photos])
    ratio = reduction(photos[0].small_side, square)

    def cut(number: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
        return tf.image.decode_and_crop_jpeg(
            tf.io.read_file(paths[number]),
            tf.cast(box, tf.int32),
            channels=3,
            ratio=ratio,
            dct_method="INTEGER_ACCURATE",  # As Pillow decodes.
        )

    return cut


def _squashed(rgb: tf.Tensor, square: int, method: str) -> tf.Tensor:
    resized = tf.image.resize(rgb, (square, square), method=method)
    return tf.cast(tf.round(resized), tf.uint8)


def _encoded(batches: tf.data.Dataset, encode: Callable) -> tf.data.Dataset:
    compiled = tf.function(encode, jit_compile=True)
    return batches.map(compiled, WORKERS).prefetch(PREFETCHED)


def _in_python(
    function: Callable, arguments: list[tf.Tensor], dtype: tf.DType
) -> tf.Tensor:
    def call(*values: Any) -> np.ndarray:
        result = function(*values)
        _last_call[0] = time.monotonic()
        return result

    return tf.numpy_function(call, arguments, dtype)


_last_call = [0.0]


@atexit.register
def _wait_for_rest() -> None:
    """Lets what is being prefetched end before Python does.

    A thread that waits for the lock of a Python that ends waits forever, and
    TensorFlow for the thread.
    """
    deadline = time.monotonic() + 20 * REST
    while _last_call[0] + REST > time.monotonic() < deadline:
        time.sleep(REST / 5)
