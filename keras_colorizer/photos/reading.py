"""Photos from files: whole for colorizing, reduced for training."""

from os import PathLike

import numpy as np
from PIL import Image

from keras_colorizer.photos.layers import on_white, srgb_layers
from keras_colorizer.photos.metadata import kept_exif, resolution, upright
from keras_colorizer.photos.opening import PhotoSource, opened
from keras_colorizer.photos.photo import MAX_PIXELS, Photo

# Antialiased, as fast as BILINEAR and nearer to LANCZOS (41 dB against 38 on a
# 12-megapixel photo); BICUBIC comes nearer still but takes 1.7 times as long.
FILTER = Image.Resampling.HAMMING

# JPEGs are decoded at 1/2, 1/4 or 1/8 of their size while that leaves this
# many times the size asked for, so that the filter still decides the result.
DECODED_TIMES = 2


def read_photo(source: PhotoSource, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Reads a photo: upright, in sRGB, grey where the file is grey.

    Of files with several pictures the first is read. 16-bit grey keeps its
    depth, 16-bit colors are rounded to 8 bits (exactly in TIFF; in PNG, and in
    TIFF with compressions that only Pillow knows, at most one level off).

    Args:
        source: The path or the bytes of a JPEG, PNG, WebP, BMP, GIF or TIFF
            file; a Pillow image; or an array, uint8 or uint16, `(height,
            width)` or `(height, width, n)` with n of 1 (grey), 2 (grey and
            alpha), 3 (RGB) or 4 (RGB and alpha).
        max_pixels: The limit, inclusive; checked before decoding.

    Raises:
        PhotoTooLargeError: If the photo has more pixels than that.
        UnreadablePhotoError: If it is missing, not a photo, damaged, cut off,
            or of 32-bit or floating-point pixels.
    """
    with opened(source, max_pixels) as layers:
        shown = srgb_layers(layers)
        image, alpha = layers.image, shown.alpha
        return Photo(
            pixels=upright(shown.image, image),
            alpha=None if alpha is None else upright(alpha, image),
            exif=kept_exif(image),
            dpi=resolution(image),
            format=image.format,
        )


def read_rgb(
    source: str | PathLike | bytes,
    *,
    short_side: int | None,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Reads a photo as RGB of a given size, fast, for training.

    As `read_photo` reads it; then grey becomes three equal channels, and what
    is transparent shows white, as on paper.

    Args:
        source: The path or the bytes of a file.
        short_side: What the shorter side shall measure, whether the photo is
            larger or smaller; None leaves the size as it is.
        max_pixels: The limit for the file's own size, inclusive.

    Returns:
        `(height, width, 3)` uint8, sRGB.

    Raises:
        PhotoTooLargeError: If the photo has more pixels than `max_pixels`.
        UnreadablePhotoError: If it cannot be read.
    """
    with opened(source, max_pixels) as layers:
        size = _size(layers.image, short_side)
        layers.image.draft(None, tuple(DECODED_TIMES * side for side in size))
        seen = on_white(srgb_layers(layers)).resize(size, FILTER)
        rgb = seen if seen.mode == "RGB" else seen.convert("RGB")
        return upright(rgb, layers.image)


def _size(image, short_side):
    if short_side is None:
        return image.size
    scale = short_side / min(image.size)
    return tuple(max(short_side, round(side * scale)) for side in image.size)
