"""Photos by number, as `tf.data` reads them: from memory or from files."""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_colorizer.data.survey import SurveyedPhoto, reading_side
from keras_colorizer.errors import ColorizerWarning, DataError, PhotoError
from keras_colorizer.photos import read_rgb

Photos = Sequence[SurveyedPhoto]
RATIOS = (8, 4, 2, 1)  # What a JPEG can be divided by while it is decoded.


class PhotoReader:
    """Photos by number.

    Args:
        photos: At least one; all or none with their pixels in memory, which
            move into the reader.
        square: Side in pixels of the squares that will be cut from them.

    Attributes:
        count: The number of photos.
        square: As given.
        groups: The group of every photo.
        shapes: `(n, 2)` int32, heights and widths of the photos as read.
    """

    def __init__(self, photos: Photos, *, square: int):
        self.count = len(photos)
        self.square = square
        self.groups = [photo.source.group for photo in photos]
        self.shapes = tf.constant([photo.shape for photo in photos], tf.int32)
        self._source: _Memory | _SmallJpegs | _Files
        small = photos[0].source.small
        if all(photo.pixels is not None for photo in photos):
            self._source = _Memory(photos, self.shapes)
        elif small is None:
            self._source = _Files(photos, square)
        else:
            self._source = _SmallJpegs(photos, square, small.short_side)

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
        if isinstance(self._source, _SmallJpegs):
            return self._source.box(index, box)
        begin, size = tf.concat([box[:2], [0]], 0), tf.concat([box[2:], [3]], 0)
        return tf.slice(self(index), begin, size)


class _Memory:
    """One flat array, sliced by TensorFlow: no Python runs while training."""

    def __init__(self, photos: Photos, shapes: tf.Tensor):
        self._shapes = shapes
        sizes = 3 * tf.reduce_prod(tf.cast(shapes, tf.int64), axis=1)
        self._ends = tf.cumsum(sizes)
        flat, start = np.empty(self._ends[-1], np.uint8), 0
        for photo, end in zip(photos, self._ends.numpy(), strict=True):
            flat[start:end] = np.asarray(photo.pixels).ravel()
            start, photo.pixels = end, None  # Never twice in memory.
        # A variable, because a dataset makes its own copy of a constant.
        with tf.device("CPU"):  # Where `tf.data` reads it.
            self._pixels = tf.Variable(flat, trainable=False)

    def whole(self, index: tf.Tensor) -> tf.Tensor:
        shape = tf.concat([self._shapes[index], [3]], 0)
        size = tf.cast(tf.reduce_prod(shape), tf.int64)
        pixels = tf.slice(self._pixels, [self._ends[index] - size], [size])
        return tf.reshape(pixels, shape)


class _SmallJpegs:
    """JPEGs that `prepare` made, which TensorFlow can decode."""

    def __init__(self, photos: Photos, square: int, stored: int):
        paths = [os.fsencode(str(photo.source.content)) for photo in photos]
        self._paths = tf.constant(paths)
        most = stored // reading_side(photos[0].source, square)
        ratio = next(ratio for ratio in RATIOS if ratio <= most)
        # As Pillow decodes.
        self._way = {"ratio": ratio, "dct_method": "INTEGER_ACCURATE"}

    def whole(self, index: tf.Tensor) -> tf.Tensor:
        jpeg = tf.io.read_file(self._paths[index])
        return tf.io.decode_jpeg(jpeg, channels=3, **self._way)

    def box(self, index: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
        jpeg = tf.io.read_file(self._paths[index])
        return tf.image.decode_and_crop_jpeg(jpeg, box, channels=3, **self._way)


@contextmanager
def unreadable_named(photos: Photos) -> Iterator[None]:
    """Names the small photo that TensorFlow fails to read while training.

    Its error may not, so all of them are looked at.

    Args:
        photos: Those that are trained on.

    Raises:
        DataError: In place of TensorFlow's error, if a photo is damaged.
    """
    try:
        yield
    except (tf.errors.NotFoundError, tf.errors.InvalidArgumentError):
        for photo in photos:
            try:
                read_rgb(photo.source.content, short_side=None)
            except PhotoError as error:
                raise DataError(
                    f"{error} Run `prepare` again, and train with --resume."
                ) from None
        raise


class _Files:
    """Files of any format, read by Pillow and tifffile."""

    def __init__(self, photos: Photos, square: int):
        self._photos, self._square = photos, square

    def whole(self, index: tf.Tensor) -> tf.Tensor:
        rgb = tf.numpy_function(self._first_readable, [index], tf.uint8)
        return tf.ensure_shape(rgb, (None, None, 3))

    def _first_readable(self, number: int) -> np.ndarray:
        """Decodes a photo, or the next one if it has been damaged since."""
        for offset in range(len(self._photos)):
            photo = self._photos[(number + offset) % len(self._photos)]
            side = reading_side(photo.source, self._square)
            try:
                rgb = read_rgb(photo.source.content, short_side=side)
                # Boxes are chosen for the photo as it was surveyed.
                height, width = self._photos[number].shape
                if rgb.shape[:2] == (height, width):
                    return rgb
                squeezed = Image.fromarray(rgb).resize((width, height))
                return np.asarray(squeezed)
            except PhotoError as error:
                message = f"{error} Another photo stands in."
                warnings.warn(message, ColorizerWarning, stacklevel=1)
        raise FileNotFoundError("none of the training photos can be read")
