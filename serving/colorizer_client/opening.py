"""Photo files, opened and not yet decoded; what fails becomes a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from os import PathLike
from pathlib import Path
from textwrap import shorten

from PIL import ExifTags, Image, UnidentifiedImageError

from colorizer_client.errors import PhotoError
from colorizer_client.profiles import UnsupportedPixelsError

PhotoSource = str | PathLike | bytes | Image.Image

# By Pillow's names; "JPEG" opens MPO too, the stereo and burst JPEGs.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")

TEXT_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
LONGEST_EXIF = 65_533  # What a JPEG marker holds.


@contextmanager
def opened(source: PhotoSource) -> Iterator[tuple[Image.Image, bytes | None]]:
    """Opens a photo; whatever fails until it is closed becomes one sentence.

    Yields:
        The image and the bytes of its file; None for an image in memory.

    Raises:
        PhotoError: If there is no file, it is not a photo, it has more pixels
            than Pillow's own limit (178,956,970), or it is damaged; also when
            that shows while decoding.
    """
    name, file = photo_name(source), None
    try:
        if isinstance(source, Image.Image):
            yield source, None
            return
        file = source if isinstance(source, bytes) else _read(source)
        with Image.open(BytesIO(file), formats=FORMATS) as image:
            yield image, file
    except MemoryError:
        raise
    except Exception as error:  # Pillow has no closed list for damaged files.
        raise PhotoError(f"{name} {_reason(file, error)}.") from error


def photo_name(source: PhotoSource) -> str:
    """How sentences call a photo."""
    if isinstance(source, bytes | Image.Image):
        return "The photo"
    return f"`{Path(source)}`"


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where none is readable."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Nothing in damaged EXIF is worth a photo.
        return 1


def kept_exif(image: Image.Image) -> bytes | None:
    """The EXIF that still holds for upright sRGB pixels."""
    try:
        exif = image.getexif()
        kept = Image.Exif()
        kept.update({tag: exif[tag] for tag in TEXT_TAGS if tag in exif})
        if details := dict(exif.get_ifd(ExifTags.IFD.Exif)):
            details.pop(ExifTags.IFD.Interop, None)
            details[ExifTags.Base.ColorSpace] = 1  # sRGB
            kept[ExifTags.IFD.Exif] = details
        if place := dict(exif.get_ifd(ExifTags.IFD.GPSInfo)):
            kept[ExifTags.IFD.GPSInfo] = place
        encoded = kept.tobytes()
    except Exception:  # As in `orientation`.
        return None
    return encoded if kept and len(encoded) <= LONGEST_EXIF else None


def resolution(image: Image.Image) -> tuple[float, float] | None:
    """Dots per inch, where a file names plausible ones."""
    try:
        horizontal, vertical = (float(dots) for dots in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    plausible = 1 < horizontal <= 65_535 and 1 < vertical <= 65_535
    return (horizontal, vertical) if plausible else None


def _read(source):
    return Path(source).read_bytes()


def _reason(file, error):
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, IsADirectoryError):
        return "is a folder, not a photo"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    if isinstance(error, Image.DecompressionBombError):
        return f"is too large ({shorten(str(error), 100)}): reduce it"
    if isinstance(error, UnsupportedPixelsError):
        return f"cannot be used: {error}"
    if not isinstance(error, UnidentifiedImageError):
        return f"is damaged or cut off ({shorten(str(error), 100)})"
    if not file:
        return "is empty (0 bytes)"
    return (
        "is not a JPEG, PNG, WebP, BMP, GIF or TIFF file, or its beginning is"
        " damaged"
    )
