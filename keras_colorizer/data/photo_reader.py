"""Photos by number, as TensorFlow reads them: from memory, files or shards."""

import warnings
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from keras_colorizer.data.shards.prepared_photos import PreparedPhotos
from keras_colorizer.data.survey import SurveyedPhoto, short_side_for
from keras_colorizer.errors import ColorizerWarning, PhotoError
from keras_colorizer.photos import read_rgb

# Where to cut: sides of a photo, (height, width), to a corner and the sides of
# a box, all `(2,)` int32.
ChooseBox = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]

# What a JPEG can be divided by while it is decoded.
RATIOS = (8, 4, 2, 1)


class Source(Protocol):
    """What photos can be read from."""

    def whole(self, index: tf.Tensor) -> tf.Tensor:
        """Returns photo number `index`, `(h, w, 3)` uint8."""

    def box(self, index: tf.Tensor, choose: ChooseBox) -> tf.Tensor:
        """Returns a part of it."""


class PhotoReader:
    """Photos by number.

    Args:
        photos: At least one; all or none with their pixels in memory, which
            move into the reader.
        square: Side in pixels of the squares that will be cut from them.

    Attributes:
        groups: The group of every photo.
    """

    def __init__(self, photos: Sequence[SurveyedPhoto], *, square: int):
        self.count = len(photos)
        self.square = square
        self._source: Source
        if isinstance(photos, PreparedPhotos):
            self.groups = photos.groups
            self._source = _Shards(photos, square)
            return
        self.groups = [photo.source.group for photo in photos]
        in_memory = all(photo.pixels is not None for photo in photos)
        self._source = _Memory(photos) if in_memory else _Files(photos, square)

    def __call__(self, index: tf.Tensor) -> tf.Tensor:
        """Returns photo number `index`, `(h, w, 3)` uint8."""
        return self._source.whole(index)

    def box(self, index: tf.Tensor, choose: ChooseBox) -> tf.Tensor:
        """Returns a part of a photo, and decodes little else if possible.

        Args:
            index: Number of the photo.
            choose: Says which part.
        """
        return self._source.box(index, choose)


def cut(rgb: tf.Tensor, choose: ChooseBox) -> tf.Tensor:
    """Cuts a box out of a photo.

    Args:
        rgb: `(h, w, 3)` uint8.
        choose: Says which one.
    """
    corner, sides = choose(tf.shape(rgb)[:2])
    return tf.slice(
        rgb, tf.concat([corner, [0]], 0), tf.concat([sides, [3]], 0)
    )


class _Memory:
    """One flat array, sliced by TensorFlow: no Python runs while training."""

    def __init__(self, photos):
        self._shapes = tf.constant([(*p.shape, 3) for p in photos], tf.int64)
        self._ends = tf.cumsum(tf.reduce_prod(self._shapes, axis=1))
        # A variable, because a dataset makes its own copy of a constant.
        with tf.device("CPU"):  # Where `tf.data` reads it.
            self._pixels = tf.Variable(_moved_pixels(photos), trainable=False)

    def whole(self, index):
        shape = self._shapes[index]
        size = tf.reduce_prod(shape)
        pixels = tf.slice(self._pixels, [self._ends[index] - size], [size])
        return tf.reshape(pixels, shape)

    def box(self, index, choose):
        return cut(self.whole(index), choose)


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
        self._photos = photos
        self._square = square

    def whole(self, index):
        rgb = tf.numpy_function(
            lambda number: _first_readable(self._photos, number, self._square),
            [index],
            tf.uint8,
        )
        return tf.ensure_shape(rgb, (None, None, 3))

    def box(self, index, choose):
        return cut(self.whole(index), choose)


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


class _Shards:
    """JPEGs in shards, decoded by TensorFlow, no more of them than needed."""

    def __init__(self, photos, square):
        self._image = photos.files.image()
        self._numbers = tf.constant(photos.numbers)
        self._shapes = tf.constant(photos.files.shapes)
        wanted = short_side_for(square)
        side = photos.files.short_side
        self._ratio = next(r for r in RATIOS if r == 1 or side >= r * wanted)

    def whole(self, index):
        return tf.io.decode_jpeg(
            self._image(self._numbers[index]),
            channels=3,
            ratio=self._ratio,
            dct_method="INTEGER_ACCURATE",  # As Pillow decodes.
        )

    def box(self, index, choose):
        number = self._numbers[index]
        sides = -(-self._shapes[number] // self._ratio)
        corner, box_sides = choose(sides)
        return tf.image.decode_and_crop_jpeg(
            self._image(number),
            tf.concat([corner, box_sides], 0),
            channels=3,
            ratio=self._ratio,
            dct_method="INTEGER_ACCURATE",
        )
