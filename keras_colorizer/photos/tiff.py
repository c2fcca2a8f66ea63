"""Reading of TIFFs that Pillow cannot read in full, and writing of all.

Pillow 13 drops the low byte of 16-bit colors, misreads them in separate
planes, refuses 16-bit grey with alpha and writes no 16-bit colors.
"""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_colorizer.photos.layers import (
    Layers,
    UnsupportedPixelsError,
    array_layers,
)
from keras_colorizer.photos.metadata import ORIENTATION, TEXT_TAGS

# tifffile is imported where it is used: few photos need it, and importing it
# takes as long as all the rest of this package.

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ICC_PROFILE = 34675


def read_tiff(
    file: Path | BytesIO, check_size: Callable[[int, int], None]
) -> Layers:
    """Reads the first page of a TIFF of 8 or 16 bits a channel.

    Args:
        file: The file; it must be a TIFF.
        check_size: Called with width and height before decoding.

    Returns:
        Layers; the image has mode "L", "I;16" or "RGB", and the profile, the
        EXIF and the resolution where Pillow keeps those of a file.

    Raises:
        UnsupportedPixelsError: For other depths and for other colors than
            grey and RGB.
        ValueError: For compressions that tifffile has no decoder for, such as
            LZW without its optional package `imagecodecs`.
    """
    from tifffile import TiffFile

    with TiffFile(file) as tiff:
        page = tiff.pages.first
        check_size(page.imagewidth, page.imagelength)
        layers = array_layers(_pixels(page))
        _describe(layers.image, page)
    return layers


def encode_tiff(
    pixels: np.ndarray,
    *,
    exif: bytes | None = None,
    dpi: tuple[float, float] | None = None,
) -> bytes:
    """Encodes a TIFF, compressed without loss (Adobe deflate).

    Args:
        pixels: `(height, width, n)` uint8 or uint16; n is 1 for grey, 2 for
            grey and alpha, 3 for RGB, 4 for RGB and alpha.
        exif: Of this only the texts of the main directory are kept.
        dpi: Horizontal and vertical dots per inch.
    """
    from tifffile import imwrite

    buffer = BytesIO()
    channels = pixels.shape[2]
    imwrite(
        buffer,
        pixels if channels > 1 else pixels[..., 0],
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=[] if channels % 2 else ["unassalpha"],
        compression="adobe_deflate",
        predictor=True,
        resolution=dpi,
        resolutionunit="inch" if dpi else None,
        metadata=None,
        software=False,
        extratags=_texts(exif),
    )
    return buffer.getvalue()


def _pixels(page: Any) -> np.ndarray:
    from tifffile import PHOTOMETRIC

    if page.photometric not in (
        PHOTOMETRIC.MINISBLACK,
        PHOTOMETRIC.MINISWHITE,
        PHOTOMETRIC.RGB,
    ):
        raise UnsupportedPixelsError(
            f"its colors are of a rare kind (photometric {page.photometric});"
            " save it as RGB"
        )
    pixels = page.asarray()
    pixels = np.moveaxis(pixels, 0, -1) if page.axes == "SYX" else pixels
    count = 3 if page.photometric == PHOTOMETRIC.RGB else 1
    colors, extras = np.split(np.atleast_3d(pixels), [count], axis=-1)
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        colors = np.iinfo(colors.dtype).max - colors
    return _with_alpha(colors, extras, page.extrasamples)


def _with_alpha(
    colors: np.ndarray, extras: np.ndarray, kinds: Sequence[int]
) -> np.ndarray:
    """Adds alpha, but no other extra channel, such as infrared."""
    from tifffile import EXTRASAMPLE

    kind = kinds[0] if kinds else EXTRASAMPLE.UNSPECIFIED
    if kind == EXTRASAMPLE.UNSPECIFIED:
        return colors
    alpha = extras[..., :1]
    if kind == EXTRASAMPLE.ASSOCALPHA:
        opaque = np.iinfo(colors.dtype).max
        scaled = colors * (opaque / np.maximum(alpha, 1.0))
        colors = np.rint(np.minimum(scaled, opaque)).astype(colors.dtype)
    return np.dstack([colors, alpha])


def _describe(image: Image.Image, page: Any) -> None:
    image.format = "TIFF"
    image.info["dpi"] = page.get_resolution("inch")
    if ICC_PROFILE in page.tags:
        image.info["icc_profile"] = page.tags[ICC_PROFILE].value
    exif = image.getexif()
    for tag in (*TEXT_TAGS, ORIENTATION):
        if tag in page.tags:
            exif[tag] = page.tags[tag].value


def _texts(exif: bytes | None) -> list[tuple[Any, ...]]:
    """The texts of the main directory as tifffile wants them."""
    tags = Image.Exif()
    tags.load(exif or b"")
    return [
        (tag, "s", 0, tags[tag].encode(), True)
        for tag in TEXT_TAGS
        if isinstance(tags.get(tag), str)
    ]
