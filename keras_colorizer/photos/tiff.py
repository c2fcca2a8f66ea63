"""Reading of TIFFs that Pillow cannot read in full, and writing of all.

Pillow 13 drops the low byte of 16-bit colors, misreads them in separate
planes, refuses most depths but 8 and 16 bits, and writes no 16-bit colors.
"""

from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from keras_colorizer.photos.exif import (
    ORIENTATION,
    Tree,
    add_tags,
    photo_tags,
)
from keras_colorizer.photos.metadata import (
    BLOCKS_TAG,
    IPTC_TAG,
    XMP_TAG,
    Metadata,
    iptc,
)
from keras_colorizer.photos.photo import (
    Layers,
    UnsupportedPixelsError,
    array_layers,
    to_uint8,
)

# tifffile is imported where it is used: few photos need it, and importing it
# takes as long as all the rest of this package.

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ICC_PROFILE = 34675
BYTE, UNDEFINED = 1, 7
MIN_IS_WHITE, MIN_IS_BLACK, RGB, SEPARATED, CIELAB = 0, 1, 2, 5, 8


class TiffPage(NamedTuple):
    """A page to write.

    Attributes:
        pixels: `(height, width, n)` uint8 or uint16; n is 1 for grey, 2 for
            grey and alpha, 3 for RGB, 4 for RGB and alpha.
        metadata: EXIF, XMP and IPTC are kept.
        dpi: Horizontal and vertical dots per inch.
    """

    pixels: np.ndarray
    metadata: Metadata = Metadata()
    dpi: tuple[float, float] | None = None


def read_tiff(
    file: Path | BytesIO, check_size: Callable[[int, int], None], page: int
) -> Layers:
    """Reads a page of a TIFF of up to 16 bits, or floats, a channel.

    Args:
        file: The file; it must be a TIFF.
        check_size: Called with width and height before decoding.
        page: Its number in the file.

    Returns:
        Layers; the image has mode "L", "I;16", "RGB", "LAB" or "CMYK", and
        the profile, the orientation and the resolution where Pillow keeps
        those of a file.

    Raises:
        UnsupportedPixelsError: For other depths and other colors.
        ValueError, NotImplementedError: For depths and compressions that
            tifffile decodes only with its optional package `imagecodecs`.
    """
    from tifffile import TiffFile

    with TiffFile(file) as tiff:
        return _page_layers(tiff.pages[page], check_size)


def _page_layers(page: Any, check_size: Callable[[int, int], None]) -> Layers:
    check_size(page.imagewidth, page.imagelength)
    if page.photometric not in LAYERS:
        raise UnsupportedPixelsError(
            f"its colors are of a rare kind (photometric {page.photometric});"
            " save it as RGB"
        )
    pixels = page.asarray()
    pixels = np.moveaxis(pixels, 0, -1) if page.axes == "SYX" else pixels
    layers = LAYERS[page.photometric](pixels, page)
    _describe(layers.image, page)
    return layers


def encode_tiff(pages: Iterable[TiffPage]) -> bytes:
    """Encodes a TIFF, compressed without loss (Adobe deflate).

    Args:
        pages: One or more, encoded while the next is not there yet.
    """
    from tifffile import TiffWriter

    buffer = BytesIO()
    rest = iter(pages)
    first = next(rest)
    order, _ = _tags(first.metadata)
    trees = []
    with TiffWriter(buffer, byteorder=order) as writer:
        for page in chain([first], rest):
            _write_page(writer, page)
            trees.append(_tags(page.metadata)[1])
    if any(trees):
        add_tags(buffer, trees)
    return buffer.getvalue()


def _write_page(writer: Any, page: TiffPage) -> None:
    channels = page.pixels.shape[2]
    writer.write(
        page.pixels if channels > 1 else page.pixels[..., 0],
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=[] if channels % 2 else ["unassalpha"],
        compression="adobe_deflate",
        predictor=True,
        resolution=page.dpi,
        resolutionunit="inch" if page.dpi else None,
        metadata=None,
        software=False,
    )


def _tags(metadata: Metadata) -> tuple[Literal["<", ">"], Tree]:
    """Order of bytes, and what tifffile does not write as it is."""
    order, tags = photo_tags(metadata.exif) if metadata.exif else ("<", {})
    added = {
        XMP_TAG: (BYTE, metadata.xmp),
        IPTC_TAG: (UNDEFINED, iptc(metadata)),
        BLOCKS_TAG: (BYTE, metadata.blocks),
    }
    return order, dict(tags) | {
        tag: (kind, len(value), value)
        for tag, (kind, value) in added.items()
        if value
    }


def _lab_layers(pixels: np.ndarray, page: Any) -> Layers:
    """L* of all levels, and a* and b* in signed numbers."""
    if page.bitspersample == 16:
        ab = pixels[..., 1:3].astype(np.uint16).view(np.int16) / 256
        ab = np.rint(ab).clip(-128, 127).astype(np.int8).view(np.uint8)
        pixels = np.dstack([to_uint8(pixels[..., :1]), ab])
    return Layers(_image_of(pixels[..., :3], "LAB"))


def _cmyk_layers(pixels: np.ndarray, page: Any) -> Layers:
    inks = to_uint8(_full_range(pixels[..., :4], page.bitspersample))
    return Layers(_image_of(inks, "CMYK"))


def _grey_or_rgb_layers(pixels: np.ndarray, page: Any) -> Layers:
    pixels = _full_range(pixels, page.bitspersample)
    count = 3 if page.photometric == RGB else 1
    colors, extras = np.split(np.atleast_3d(pixels), [count], axis=-1)
    if page.photometric == MIN_IS_WHITE:
        colors = np.iinfo(colors.dtype).max - colors
    return array_layers(_with_alpha(colors, extras, page.extrasamples))


def _image_of(pixels: np.ndarray, mode: str) -> Image.Image:
    height, width = pixels.shape[:2]
    return Image.frombytes(mode, (width, height), pixels.tobytes())


def _full_range(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Scales samples to all of 8 or 16 bits.

    Raises:
        UnsupportedPixelsError: For floats beyond [0, 1].
    """
    if pixels.dtype.kind == "f":
        if not (pixels.min() >= 0 and pixels.max() <= 1):  # NaN is neither.
            raise UnsupportedPixelsError(
                "its floating-point pixels do not say what white is, as they"
                " lie outside [0, 1]; save it with 16 bits a channel"
            )
        return np.rint(pixels * 65535.0).astype(np.uint16)
    if bits in (8, 16) or bits > 16:
        return pixels
    dtype = np.uint8 if bits < 8 else np.uint16
    scale = np.iinfo(dtype).max / (2**bits - 1)
    return np.rint(pixels * scale).astype(dtype)


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
    if ORIENTATION in page.tags:
        image.getexif()[ORIENTATION] = page.tags[ORIENTATION].value


LAYERS = {  # By the photometric interpretation.
    MIN_IS_WHITE: _grey_or_rgb_layers,
    MIN_IS_BLACK: _grey_or_rgb_layers,
    RGB: _grey_or_rgb_layers,
    SEPARATED: _cmyk_layers,
    CIELAB: _lab_layers,
}
