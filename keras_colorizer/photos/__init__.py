"""Photo files to and from pixels: all that a file can hold, and all errors.

A floor-0 package: NumPy, Pillow and tifffile, no TensorFlow.
"""

from keras_colorizer.photos.listing import (
    PHOTO_SUFFIXES,
    FoundPhoto,
    find_photos,
)
from keras_colorizer.photos.photo import MAX_PIXELS, Photo, to_uint8
from keras_colorizer.photos.reading import read_photo, read_rgb
from keras_colorizer.photos.writing import WRITABLE_SUFFIXES, write_photo

__all__ = [
    "MAX_PIXELS",
    "PHOTO_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "FoundPhoto",
    "Photo",
    "find_photos",
    "read_photo",
    "read_rgb",
    "to_uint8",
    "write_photo",
]
