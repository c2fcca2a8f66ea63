"""Photo files to and from pixels, with NumPy, Pillow and tifffile."""

from keras_colorizer.photos.formats import PHOTO_SUFFIXES
from keras_colorizer.photos.listing import (
    FILM_SUFFIXES,
    HINTS_SUFFIX,
    FoundPhoto,
    Listing,
    find_photos,
    list_photos,
)
from keras_colorizer.photos.metadata import Metadata
from keras_colorizer.photos.opening import PhotoSource
from keras_colorizer.photos.photo import MAX_PIXELS, Photo, to_uint8
from keras_colorizer.photos.reading import read_photo, read_rgb
from keras_colorizer.photos.writing import (
    WRITABLE_SUFFIXES,
    encode_photo,
    write_pages,
    write_photo,
)

__all__ = [
    "FILM_SUFFIXES",
    "HINTS_SUFFIX",
    "MAX_PIXELS",
    "PHOTO_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "FoundPhoto",
    "Listing",
    "Metadata",
    "Photo",
    "PhotoSource",
    "encode_photo",
    "find_photos",
    "list_photos",
    "read_photo",
    "read_rgb",
    "to_uint8",
    "write_pages",
    "write_photo",
]
