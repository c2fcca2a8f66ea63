"""Writing of photos, in the format that the suffix names."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from keras_colorizer.errors import UnwritablePhotoError
from keras_colorizer.files import display_name, whole_file
from keras_colorizer.photos.metadata import Metadata, jpeg_options, png_texts
from keras_colorizer.photos.photo import Layers, Photo, on_white, to_uint8
from keras_colorizer.photos.png import encode_png_16
from keras_colorizer.photos.tiff import TiffPage, encode_tiff

FORMATS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "JPEG"),
    ".png": "PNG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
}
WRITABLE_SUFFIXES = tuple(FORMATS)
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},  # 4:4:4: color at full size.
    "WEBP": {"quality": 95},
}
LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # libjpeg-turbo, RFC 9649.
FORMATS_WITHOUT_ALPHA = ("JPEG", "BMP")
FORMATS_OF_16_BITS = ("PNG", "TIFF")


def write_photo(photo: Photo, path: Path) -> None:
    """Writes a photo in the format that the suffix names.

    PNG and TIFF keep 16 bits a channel, the others are rounded to 8. JPEG and
    BMP show what is transparent white. EXIF and XMP are kept in all but BMP,
    IPTC in all but BMP and WebP, the resolution in all but WebP. Comments are
    kept in JPEG and PNG, other texts of a PNG in PNG. No profile is embedded:
    pixels without one are sRGB.

    Args:
        photo: Its `pixels` may also be `(height, width, 3)` uint16.
        path: Its folder is made when missing; an older file is replaced.

    Raises:
        UnwritablePhotoError: If the suffix names no format that can be
            written, the format cannot hold so large a photo, or the file
            cannot be written. An older file is then as it was.
    """
    path = Path(path)
    format = _format(photo, path)
    _write(lambda: encode_photo(photo, format), path)


def write_pages(photos: Iterable[Photo], path: Path) -> None:
    """Writes photos as the pages of one TIFF, as `write_photo` does.

    Args:
        photos: One or more; each is encoded before the next is asked for.
        path: As for `write_photo`, of a TIFF.

    Raises:
        UnwritablePhotoError: If it cannot be written.
    """
    _write(lambda: encode_tiff(map(_tiff_page, photos)), Path(path))


def _write(encode: Callable[[], bytes], path: Path) -> None:
    try:
        encoded = encode()
        with whole_file(path) as temporary:
            temporary.write_bytes(encoded)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnwritablePhotoError(
            f"`{display_name(path)}` cannot be written: {reason}."
        ) from error


def _tiff_page(photo: Photo) -> TiffPage:
    return TiffPage(_channels(photo), photo.metadata, photo.dpi)


def _format(photo: Photo, path: Path) -> str:
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        raise UnwritablePhotoError(
            f"`{display_name(path)}` must end in one of {', '.join(FORMATS)}."
        )
    longest = LONGEST_SIDE.get(format)
    if longest and max(photo.width, photo.height) > longest:
        raise UnwritablePhotoError(
            f"`{display_name(path)}` cannot hold {photo.width} x"
            f" {photo.height} pixels: a side of a {format} file has at most"
            f" {longest:,}; write a PNG or TIFF."
        )
    return format


def encode_photo(
    photo: Photo,
    format: str,
    *,
    compress_level: int = zlib.Z_DEFAULT_COMPRESSION,
) -> bytes:
    """Encodes a photo as `write_photo` does.

    Args:
        photo: As for `write_photo`.
        format: Pillow's name, such as "PNG".
        compress_level: Of a PNG, from 1, which takes a third of the time and
            about a tenth more bytes, to 9.

    Raises:
        OSError, ValueError: If the format cannot hold the photo.
    """
    photo = _as_held(photo, format)
    if format == "TIFF":
        return encode_tiff([_tiff_page(photo)])
    pixels = _channels(photo)
    if pixels.dtype == np.uint16:
        return encode_png_16(
            pixels,
            exif=photo.metadata.exif,
            dpi=photo.dpi,
            texts=png_texts(photo.metadata),
            compress_level=compress_level,
        )
    options = OPTIONS.get(format, {"compress_level": compress_level})
    held = _options(photo.metadata, format) | {"dpi": photo.dpi}
    held = {name: value for name, value in held.items() if value}
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    buffer = BytesIO()
    image.save(buffer, format, **options, **held)
    return buffer.getvalue()


def _as_held(photo: Photo, format: str) -> Photo:
    """The photo as a format can hold it: opaque, in 8 bits."""
    if photo.alpha is not None and format in FORMATS_WITHOUT_ALPHA:
        layers = Layers(
            Image.fromarray(to_uint8(photo.pixels)),
            Image.fromarray(photo.alpha),
        )
        opaque = np.asarray(on_white(layers))
        photo = replace(photo, pixels=opaque, alpha=None)
    if format not in FORMATS_OF_16_BITS:
        photo = replace(photo, pixels=to_uint8(photo.pixels))
    return photo


def _options(metadata: Metadata, format: str) -> dict[str, Any]:
    """The metadata as options of Pillow's writers."""
    if format == "JPEG":
        return jpeg_options(metadata)
    if format == "WEBP":
        return {"exif": metadata.exif, "xmp": metadata.xmp}
    if format != "PNG":
        return {}
    texts = PngInfo()
    for kind, content in png_texts(metadata):
        texts.add(kind, content)
    return {"exif": metadata.exif, "pnginfo": texts}


def _channels(photo: Photo) -> np.ndarray:
    """`(height, width, 1 to 4)` of the dtype of the pixels, alpha last."""
    pixels, alpha = photo.pixels, photo.alpha
    if alpha is None:
        return np.dstack([pixels])
    if pixels.dtype == np.uint8:
        alpha = to_uint8(alpha)
    elif alpha.dtype == np.uint8:
        alpha = alpha * np.uint16(257)
    return np.dstack([pixels, alpha])
