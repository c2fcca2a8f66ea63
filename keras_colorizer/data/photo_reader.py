"""Photos by number, as TensorFlow reads them: from memory, files or shards."""

import warnings
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_colorizer.data.shards.prepared_photos import PreparedPhotos
from keras_colorizer.data.survey import SurveyedPhoto, short_side_for
from keras_colorizer.errors import ColorizerWarning, PhotoError
from keras_colorizer.photos import read_rgb

# What a JPEG can be divided by while it is decoded.
RATIOS = (8, 4, 2, 1)


class Source(Protocol):
    """What photos can be read from.

    Attributes:
        shapes: `(n, 2)` int32, heights and widths.
    """

    shapes: tf.Tensor

    def whole(self, index: tf.Tensor) -> tf.Tensor:
        """Returns photo number `index`, `(h, w, 3)` uint8."""

    def box(self, index: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
        """Returns a part of it."""


class PhotoReader:
    """Photos by number.

    Args:
        photos: At least one; all or none with their pixels in memory, which
            move into the reader.
        square: Side in pixels of the squares that will be cut from them.

    Attributes:
        groups: The group of every photo.
        shapes: `(n, 2)` int32, heights and widths of the photos as read.
    """

    def __init__(self, photos: Sequence[SurveyedPhoto], *, square: int):
        self.count = len(photos)
        self.square = square
        self._source: Source
        if isinstance(photos, PreparedPhotos):
            self.groups = photos.groups
            self._source = _Shards(photos, square)
        else:
            self.groups = [photo.source.group for photo in photos]
            is_held = all(photo.pixels is not None for photo in photos)
            kind = _Memory if is_held else _Files
            self._source = kind(photos, square)
        self.shapes = self._source.shapes

    def __call__(self, index: tf.Tensor) -> tf.Tensor:
        """Returns photo number `index`, `(h, w, 3)` uint8."""
        return self._source.whole(index)

    def box(self, index: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
        """Returns a part of a photo, and decodes little else if possible.

        Args:
            index: Number of the photo.
            box: `(4,)` int32: top, left, height, width.

        Returns:
            `(height, width, 3)` uint8.
        """
        return self._source.box(index, box)


def _cut(rgb, box):
    return tf.slice(
        rgb, tf.concat([box[:2], [0]], 0), tf.concat([box[2:], [3]], 0)
    )


class _Memory:
    """One flat array, sliced by TensorFlow: no Python runs while training."""

    def __init__(self, photos, square):
        self.shapes = _shapes(photos)
        sizes = 3 * tf.reduce_prod(tf.cast(self.shapes, tf.int64), axis=1)
        self._ends = tf.cumsum(sizes)
        # A variable, because a dataset makes its own copy of a constant.
        with tf.device("CPU"):  # Where `tf.data` reads it.
            self._pixels = tf.Variable(_moved_pixels(photos), trainable=False)

    def whole(self, index):
        shape = tf.concat([self.shapes[index], [3]], 0)
        size = tf.cast(tf.reduce_prod(shape), tf.int64)
        pixels = tf.slice(self._pixels, [self._ends[index] - size], [size])
        return tf.reshape(pixels, shape)

    def box(self, index, box):
        return _cut(self.whole(index), box)


def _shapes(photos):
    return tf.constant([photo.shape for photo in photos], tf.int32)


def _moved_pixels(photos):
    """Returns all pixels in a row, freeing each photo's own on the way."""
    flat = np.empty(sum(photo.pixels.size for photo in photos), np.uint8)
    start = 0
    for photo in photos:
        flat[start : start + photo.pixels.size] = photo.pixels.ravel()
        start += photo.pixels.size
        photo.pixels = None
    return flat


class _Files:
    """One file for each photo, read by Pillow and tifffile."""

    def __init__(self, photos, square):
        self.shapes = _shapes(photos)
        self._photos = photos
        self._square = square

    def whole(self, index):
        rgb = tf.numpy_function(
            lambda number: _first_readable(self._photos, number, self._square),
            [index],
            tf.uint8,
        )
        return tf.ensure_shape(rgb, (None, None, 3))

    def box(self, index, box):
        return _cut(self.whole(index), box)


def _first_readable(photos, number, square):
    """Decodes photo `number`, or the next one if it has been damaged since."""
    for offset in range(len(photos)):
        photo = photos[(number + offset) % len(photos)]
        try:
            rgb = read_rgb(
                photo.source.content, short_side=short_side_for(square)
            )
            return _squeezed(rgb, photos[number].shape)
        except PhotoError as error:
            message = f"{error} Another photo stands in."
            warnings.warn(message, ColorizerWarning, stacklevel=1)
    raise FileNotFoundError("none of the training photos can be read any more")


def _squeezed(rgb, shape):
    """Boxes are chosen for the photo as it was surveyed."""
    if rgb.shape[:2] == tuple(shape):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize(shape[::-1]))


class _Shards:
    """JPEGs in shards, decoded by TensorFlow, no more of them than needed."""

    def __init__(self, photos, square):
        self._image = photos.files.image()
        self._numbers = tf.constant(photos.numbers)
        wanted = short_side_for(square)
        side = photos.files.short_side
        self._ratio = next(r for r in RATIOS if r == 1 or side >= r * wanted)
        self.shapes = tf.constant(
            -(-photos.files.shapes[photos.numbers] // self._ratio), tf.int32
        )

    def whole(self, index):
        return tf.io.decode_jpeg(
            self._image(self._numbers[index]),
            channels=3,
            ratio=self._ratio,
            dct_method="INTEGER_ACCURATE",  # As Pillow decodes.
        )

    def box(self, index, box):
        return tf.image.decode_and_crop_jpeg(
            self._image(self._numbers[index]),
            box,
            channels=3,
            ratio=self._ratio,
            dct_method="INTEGER_ACCURATE",
        )
