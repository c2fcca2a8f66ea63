"""Reading of photos, whole for colorizing and reduced for training."""

from dataclasses import replace
from io import BytesIO
from os import PathLike

import numpy as np
from PIL import Image

from keras_colorizer.errors import UnreadablePhotoError
from keras_colorizer.photos.exif import START_OF_JPEG
from keras_colorizer.photos.metadata import (
    read_metadata,
    resolution,
    upright,
)
from keras_colorizer.photos.opening import (
    KnownSource,
    PhotoSource,
    checked,
    full_tiff_pages,
    opened,
    source_file,
)
from keras_colorizer.photos.photo import (
    MAX_PIXELS,
    Photo,
    on_white,
    srgb_layers,
)

# For photos smaller than asked for; larger ones are reduced, never resampled.
ENLARGING = Image.Resampling.BICUBIC
END_OF_JPEG = b"\xff\xd9"
OTHER_BITS = (b"\x55" * 64, b"\xaa" * 64)
MP_ENTRIES = 0xB002  # CIPA DC-007.


def read_photo(
    source: PhotoSource, *, max_pixels: int = MAX_PIXELS, page: int = 0
) -> Photo:
    """Reads a photo: upright, in sRGB, grey where the file is grey.

    16-bit grey keeps its depth, 16-bit colors are rounded to 8 bits (exactly
    in TIFF; in PNG, and in TIFF with compressions that only Pillow knows, at
    most one level off). A JPEG that lacks nothing but its end is read.

    Args:
        source: The path, the bytes or the opened file of a photo of a format
            in `PHOTO_SUFFIXES`; a Pillow image; or an array as for
            `array_layers`.
        max_pixels: The limit, inclusive; checked before decoding.
        page: Of a TIFF, among those that are no small copies of others. Of
            other files with several pictures the first is read.

    Raises:
        ConfigError: If the source is of another type.
        PhotoTooLargeError: If the photo has more pixels than that.
        UnreadablePhotoError: If it is missing, not a photo, damaged, cut off,
            or of pixels that do not say what white is.
    """
    known = checked(source)
    try:
        return _read_photo(known, max_pixels, page)
    except UnreadablePhotoError:
        whole = _completed_jpeg(known)
        if whole is None:
            raise
        photo = _read_photo(whole, max_pixels, page)
        return replace(photo, is_cut_off=True)


def read_rgb(
    source: str | PathLike | bytes,
    *,
    short_side: int | None,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Reads a photo as RGB, reduced as far as a size allows, for training.

    Grey becomes three equal channels, transparent pixels become white.
    Reducing by whole factors is antialiased and, while a JPEG is decoded, makes
    that cheaper, too; an exact size would cost more than decoding.

    Args:
        source: The path or the bytes of a file.
        short_side: The least that the shorter side shall measure; it will
            measure less than twice that. Smaller photos are enlarged to it.
            None leaves the size as it is.
        max_pixels: The limit for the file's own size, inclusive.

    Returns:
        `(height, width, 3)` uint8, sRGB.

    Raises:
        PhotoTooLargeError: If the photo has more pixels than `max_pixels`.
        UnreadablePhotoError: If it cannot be read.
    """
    try:
        return _read_rgb(source, short_side, max_pixels)
    except UnreadablePhotoError:
        whole = _completed_jpeg(checked(source))
        if whole is None:
            raise
        return _read_rgb(whole, short_side, max_pixels)


def _read_photo(source: KnownSource, max_pixels: int, page: int) -> Photo:
    with opened(source, max_pixels, page=page) as layers:
        shown = srgb_layers(layers)
        image, alpha = layers.image, shown.alpha
        pages, start = _pages(image, source, page)
        with source_file(source) as file:
            metadata = read_metadata(image, file, start=start)
        return Photo(
            pixels=upright(shown.image, image),
            alpha=None if alpha is None else upright(alpha, image),
            metadata=metadata,
            dpi=resolution(image),
            format=image.format,
            pages=pages,
        )


def _pages(
    image: Image.Image, source: KnownSource, page: int
) -> tuple[int, int]:
    """Number of pages, and the place of the directory of a TIFF's page."""
    if image.format == "TIFF":
        full = full_tiff_pages(source)
        return len(full), full[page][1]
    if image.format == "MPO":  # Others are gain maps and large thumbnails.
        kinds = [
            entry["Attribute"]["MPType"]
            for entry in getattr(image, "mpinfo", {}).get(MP_ENTRIES, ())
        ]
        return 1 + sum("Multi-Frame" in kind for kind in kinds[1:]), 0
    try:
        return getattr(image, "n_frames", 1), 0
    except Exception:  # A later frame is damaged.
        return 1, 0


def _completed_jpeg(source: KnownSource) -> bytes | None:
    """A JPEG with its end, if that is all that it lacks.

    Then it makes no difference which bits follow its own.
    """
    try:
        with source_file(source) as file:
            if not file or file.read(2) != START_OF_JPEG:
                return None
            data = START_OF_JPEG + file.read().removesuffix(END_OF_JPEG[:1])
        whole, *others = (
            data + bits + END_OF_JPEG for bits in (b"", *OTHER_BITS)
        )
        decoded = {
            Image.open(BytesIO(each), formats=["JPEG"]).tobytes()
            for each in (whole, *others)
        }
    except Exception:  # As in `opened`.
        return None
    return whole if len(decoded) == 1 else None


def _read_rgb(
    source: str | PathLike | bytes, short_side: int | None, max_pixels: int
) -> np.ndarray:
    with opened(source, max_pixels) as layers:
        if short_side is not None:
            # JPEGs: the largest of 1/1, 1/2, 1/4 and 1/8 that is enough.
            layers.image.draft(None, (short_side, short_side))
        seen = on_white(srgb_layers(layers))
        if short_side is not None:
            seen = _reduced(seen, short_side)
        rgb = seen if seen.mode == "RGB" else seen.convert("RGB")
        return upright(rgb, layers.image)


def _reduced(image: Image.Image, short_side: int) -> Image.Image:
    factor = min(image.size) // short_side
    if factor > 1:
        return image.reduce(factor)
    if factor == 1:
        return image
    scale = short_side / min(image.size)
    width, height = (max(short_side, round(s * scale)) for s in image.size)
    return image.resize((width, height), ENLARGING)
