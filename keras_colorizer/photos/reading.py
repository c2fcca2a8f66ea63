"""Reading of photos, whole for colorizing and reduced for training."""

from os import PathLike

import numpy as np
from PIL import Image

from keras_colorizer.photos.layers import on_white, srgb_layers
from keras_colorizer.photos.metadata import kept_exif, resolution, upright
from keras_colorizer.photos.opening import PhotoSource, opened
from keras_colorizer.photos.photo import MAX_PIXELS, Photo

# For photos smaller than asked for; larger ones are reduced, never resampled.
ENLARGING = Image.Resampling.BICUBIC


def read_photo(source: PhotoSource, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Reads a photo: upright, in sRGB, grey where the file is grey.

    Of files with several pictures the first is read. 16-bit grey keeps its
    depth, 16-bit colors are rounded to 8 bits (exactly in TIFF; in PNG, and in
    TIFF with compressions that only Pillow knows, at most one level off).

    Args:
        source: The path or the bytes of a JPEG, PNG, WebP, BMP, GIF or TIFF
            file; a Pillow image; or an array as for `array_layers`.
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
