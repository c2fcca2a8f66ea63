"""Opening of files, bytes, images and arrays, without decoding them.

Sizes are checked before decoding, and errors become sentences.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from os import PathLike
from pathlib import Path
from textwrap import shorten
from threading import Lock

import numpy as np
from PIL import Image, UnidentifiedImageError

from keras_colorizer.errors import (
    PhotoError,
    PhotoTooLargeError,
    UnreadablePhotoError,
)
from keras_colorizer.photos.layers import (
    BITS_PER_SAMPLE,
    GREY_16_MODES,
    Layers,
    UnsupportedPixelsError,
    array_layers,
)
from keras_colorizer.photos.tiff import MAGIC as TIFF_MAGIC
from keras_colorizer.photos.tiff import read_tiff

PhotoSource = str | PathLike | bytes | Image.Image | np.ndarray
_Source = Path | bytes | Image.Image | np.ndarray
_SizeCheck = Callable[[int, int], None]

# By Pillow's names; "JPEG" opens MPO too, the stereo and burst JPEGs.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")


@contextmanager
def opened(source: PhotoSource, max_pixels: int) -> Iterator[Layers]:
    """Opens a photo; whatever fails until it is closed becomes one sentence.

    Args:
        source: As for `read_photo`.
        max_pixels: The limit, inclusive.

    Yields:
        Layers of any mode.

    Raises:
        PhotoTooLargeError: If there are more pixels than the limit.
        UnreadablePhotoError: If it is no photo, or a damaged one, also when
            that shows while decoding.
    """
    if isinstance(source, str | PathLike):
        source = Path(source)
    name = f"`{source}`" if isinstance(source, Path) else "The photo"
    try:
        with _layers(source, partial(_check_size, name, max_pixels)) as layers:
            yield layers
    except PhotoError:
        raise
    except Exception as error:  # Pillow has no closed list for damaged files.
        reason = _reason(source, error)
        raise UnreadablePhotoError(f"{name} {reason}.") from error


@contextmanager
def _layers(source: _Source, check_size: _SizeCheck) -> Iterator[Layers]:
    if isinstance(source, np.ndarray):
        layers = array_layers(source)
        check_size(*layers.image.size)
        yield layers
    elif isinstance(source, Image.Image):
        check_size(*source.size)
        yield Layers(source)
    elif image := _opened_by_pillow(source):
        with image:
            check_size(*image.size)
            yield _image_layers(image, source, check_size)
    else:
        yield read_tiff(_file(source), check_size)


def _opened_by_pillow(source: Path | bytes) -> Image.Image | None:
    """The image, or None for a kind of TIFF that Pillow does not know."""
    try:
        with _PILLOW_LIMIT_ASIDE:
            return Image.open(_file(source), formats=FORMATS)
    except UnidentifiedImageError:
        if _beginning(source).startswith(TIFF_MAGIC):
            return None
        raise


def _image_layers(
    image: Image.Image, source: Path | bytes, check_size: _SizeCheck
) -> Layers:
    if image.format != "TIFF":
        return Layers(image)
    bits = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, ())
    if 16 in bits and image.mode not in GREY_16_MODES:
        try:
            return read_tiff(_file(source), check_size)
        except Exception:
            # Compressions that only Pillow knows are read to 8 bits. What is
            # not compressed must not get there: Pillow mixes up its planes.
            if image.info["compression"] == "raw":
                raise
    with _PILLOW_LIMIT_ASIDE:  # Loading a TIFF checks its size once more.
        image.load()
    return Layers(image)


def _check_size(name: str, max_pixels: int, width: int, height: int) -> None:
    if width * height > max_pixels:
        raise PhotoTooLargeError(
            f"{name} has {width} x {height} pixels, more than the limit of"
            f" {max_pixels:,}: reduce it, or raise `max_pixels`."
        )
    if not width * height:
        raise UnreadablePhotoError(f"{name} has no pixels.")


def _reason(source: _Source, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, IsADirectoryError):
        return "is a folder, not a photo"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    if isinstance(error, MemoryError):
        return "does not fit into memory"
    if isinstance(error, UnsupportedPixelsError):
        return f"cannot be used: {error}"
    if not isinstance(error, UnidentifiedImageError):
        return f"is damaged or cut off ({shorten(str(error), 100)})"
    if isinstance(source, Path | bytes) and not _beginning(source):
        return "is empty (0 bytes)"
    return (
        "is not a JPEG, PNG, WebP, BMP, GIF or TIFF file, or its beginning is"
        " damaged"
    )


def _file(source: Path | bytes) -> Path | BytesIO:
    return BytesIO(source) if isinstance(source, bytes) else source


def _beginning(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:4]
    with source.open("rb") as file:
        return file.read(4)


class _PillowLimitAside:
    """Sets Pillow's own limit, a global, aside while any thread is inside."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._threads = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._threads == 0:
                self._limit = Image.MAX_IMAGE_PIXELS
                Image.MAX_IMAGE_PIXELS = None
            self._threads += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._threads -= 1
            if self._threads == 0:
                Image.MAX_IMAGE_PIXELS = self._limit


_PILLOW_LIMIT_ASIDE = _PillowLimitAside()
