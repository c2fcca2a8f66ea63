"""Opening of files, bytes, images and arrays, without decoding them.

Sizes are checked before decoding, and errors become sentences.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from os import PathLike
from pathlib import Path
from textwrap import shorten
from threading import Lock
from typing import BinaryIO, cast

import numpy as np
from PIL import Image, UnidentifiedImageError

from keras_colorizer.errors import (
    ConfigError,
    PhotoError,
    PhotoTooLargeError,
    UnreadablePhotoError,
)
from keras_colorizer.files import display_name
from keras_colorizer.photos.exif import full_pages
from keras_colorizer.photos.formats import (
    NAMES,
    PIP,
    MissingCodecError,
    formats_to_try,
    jxl_size,
)
from keras_colorizer.photos.photo import (
    BITS_PER_SAMPLE,
    GREY_16_MODES,
    Layers,
    UnsupportedPixelsError,
    array_layers,
)
from keras_colorizer.photos.tiff import MAGIC as TIFF_MAGIC
from keras_colorizer.photos.tiff import read_tiff

PhotoSource = str | PathLike | bytes | BinaryIO | Image.Image | np.ndarray
KnownSource = Path | bytes | Image.Image | np.ndarray
_SizeCheck = Callable[[int, int], None]

REASONS = {
    FileNotFoundError: "does not exist",
    IsADirectoryError: "is a folder, not a photo",
    MemoryError: "does not fit into memory",
    UnsupportedPixelsError: "cannot be used: {}",
    MissingCodecError: f"needs {{}}: {PIP}",
}

# libtiff tells stderr what is damaged, but not in which photo; the error that
# Pillow raises is told with the photo's name.
with suppress(OSError, AttributeError):  # Not where libtiff is linked in.
    ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)


@contextmanager
def opened(
    source: PhotoSource, max_pixels: int, *, page: int = 0
) -> Iterator[Layers]:
    """Opens a photo; whatever fails until it is closed becomes one sentence.

    Args:
        source: As for `read_photo`.
        max_pixels: The limit, inclusive.
        page: Of a TIFF, as for `read_photo`.

    Yields:
        Layers of any mode.

    Raises:
        ConfigError: If the source is of another type.
        PhotoTooLargeError: If there are more pixels than the limit.
        UnreadablePhotoError: If it is no photo, or a damaged one, also when
            that shows while decoding.
    """
    known = checked(source)
    name = "The photo"
    if isinstance(known, Path):
        name = f"`{display_name(known)}`"
    check_size = partial(_check_size, name, max_pixels)
    try:
        with _layers(known, check_size, page) as layers:
            yield layers
    except PhotoError:
        raise
    except Exception as error:  # Pillow has no closed list for damaged files.
        reason = _reason(known, error)
        raise UnreadablePhotoError(f"{name} {reason}.") from error


def checked(source: PhotoSource) -> KnownSource:
    """A path as Path, and an open file as its bytes.

    Raises:
        ConfigError: If a photo cannot be of this type.
    """
    if isinstance(source, str | PathLike):
        return Path(source)
    if isinstance(source, bytes | Image.Image | np.ndarray):
        return source
    if hasattr(source, "read"):
        source.seek(0)
        return source.read()
    raise ConfigError(
        "a photo must be a path, bytes, a file opened in binary mode, a Pillow"
        f" image or an array. Received: {type(source).__name__}"
    )


@contextmanager
def source_file(source: KnownSource) -> Iterator[BinaryIO | None]:
    """Opens a path or bytes for reading; yields None for pixels."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield file
    else:
        yield BytesIO(source) if isinstance(source, bytes) else None


def full_tiff_pages(source: KnownSource) -> list[tuple[int, int]]:
    """Number and place of the pages of a TIFF that are no small copies."""
    with source_file(source) as file:
        return full_pages(file) if file else [(0, 0)]


@contextmanager
def _layers(
    source: KnownSource, check_size: _SizeCheck, page: int
) -> Iterator[Layers]:
    if isinstance(source, np.ndarray):
        layers = array_layers(source)
        check_size(*layers.image.size)
        yield layers
    elif isinstance(source, Image.Image):
        check_size(*source.size)
        yield Layers(source)
    else:
        beginning = _beginning(source)
        is_tiff = beginning.startswith(TIFF_MAGIC)
        number = full_tiff_pages(source)[page][0] if is_tiff else 0
        formats = formats_to_try(beginning, _suffix(source))
        if "JXL" in formats:
            with source_file(source) as file:
                check_size(*jxl_size(cast(BinaryIO, file)))
        if image := _opened_by_pillow(source, formats, number):
            with image:
                check_size(*image.size)
                yield _image_layers(image, source, check_size, number)
        else:
            yield read_tiff(_file(source), check_size, number)


def _opened_by_pillow(
    source: Path | bytes, formats: tuple[str, ...], page: int
) -> Image.Image | None:
    """The image, or None for a kind of TIFF that Pillow does not know."""
    try:
        with _PILLOW_LIMIT_ASIDE:
            image = Image.open(_file(source), formats=formats)
            if page:
                image.seek(page)
            return image
    except (UnidentifiedImageError, SyntaxError):  # The latter of a later page.
        if _beginning(source).startswith(TIFF_MAGIC):
            return None
        raise


def _image_layers(
    image: Image.Image, source: Path | bytes, check_size: _SizeCheck, page: int
) -> Layers:
    if image.format != "TIFF":
        return Layers(image)
    if image.mode == "F":
        return read_tiff(_file(source), check_size, page)
    bits = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, ())
    if 16 in bits and image.mode not in GREY_16_MODES:
        try:
            return read_tiff(_file(source), check_size, page)
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
            f" {max_pixels:,}: reduce it, or raise `max_pixels` (--max-pixels)."
        )
    if not width * height:
        raise UnreadablePhotoError(f"{name} has no pixels.")


def _reason(source: KnownSource, error: Exception) -> str:
    for kind, reason in REASONS.items():
        if isinstance(error, kind):
            return reason.format(error)
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    if "requires the 'imagecodecs' package" in str(error):
        return f"needs imagecodecs: {PIP}"
    if not isinstance(error, UnidentifiedImageError):
        return f"is damaged or cut off ({shorten(str(error), 100)})"
    if isinstance(source, Path | bytes) and not _beginning(source):
        return "is empty (0 bytes)"
    return f"is not a {NAMES} file, or its beginning is damaged"


def _file(source: Path | bytes) -> Path | BytesIO:
    return BytesIO(source) if isinstance(source, bytes) else source


def _suffix(source: Path | bytes) -> str:
    return source.suffix.lower() if isinstance(source, Path) else ""


def _beginning(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:64]
    with source.open("rb") as file:
        return file.read(64)


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
