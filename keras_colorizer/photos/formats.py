"""Formats of photo files, and the packages that some of them need."""

import re
import struct
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from typing import BinaryIO, NamedTuple

# By Pillow's names; "JPEG" opens MPO too, the stereo and burst JPEGs. A list of
# our own: for EPS, Pillow starts another program.
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "PPM": (".pgm", ".ppm", ".pbm", ".pnm", ".pfm"),
    "PCX": (".pcx",),
}
TGA_SUFFIX = ".tga"  # It has no signature: only files so named are opened.
NAMES = "JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, JPEG 2000, PNM, PCX or TGA"
PIP = 'pip install "keras-colorizer[formats]"'


class Plugin(NamedTuple):
    """A format that Pillow reads with a package, which is in an extra."""

    format: str
    module: str
    suffixes: tuple[str, ...]
    beginning: re.Pattern[bytes]  # Of a file.


PLUGINS = (
    Plugin(
        "HEIF",
        "pillow_heif",
        (".heic", ".heif", ".hif"),
        re.compile(rb"(?s)....ftyp(?!.{0,40}avi[fs])(hei|hev|mif1|msf1)"),
    ),
    Plugin(
        "JXL",
        "pillow_jxl",
        (".jxl",),
        re.compile(rb"(?s)\xff\x0a|....JXL "),
    ),
)
MISSING_SUFFIXES = tuple(
    suffix
    for plugin in PLUGINS
    if find_spec(plugin.module) is None
    for suffix in plugin.suffixes
)
_ALL = [*FORMATS.values(), (TGA_SUFFIX,), *(x.suffixes for x in PLUGINS)]
PHOTO_SUFFIXES = tuple(
    suffix for suffix in chain(*_ALL) if suffix not in MISSING_SUFFIXES
)

# Of the codestream, and of boxes around it: ISO/IEC 18181-1, D.2; 18181-2, 9.
JXL_START = b"\xff\x0a"
JXL_RATIOS = (None, (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


class MissingCodecError(ValueError):
    """The file is whole, but needs a package that is not installed."""


def formats_to_try(beginning: bytes, suffix: str) -> tuple[str, ...]:
    """Pillow's names of formats; registers the plugin that the file needs.

    Args:
        beginning: The first bytes of the file.
        suffix: In small letters.

    Raises:
        MissingCodecError: If it is not installed.
    """
    for plugin in PLUGINS:
        if plugin.beginning.match(beginning):
            if find_spec(plugin.module) is None:
                raise MissingCodecError(plugin.module.replace("_", "-"))
            module = import_module(plugin.module)  # pillow_jxl registers then.
            if plugin.format == "HEIF":
                module.register_heif_opener()
            return (plugin.format,)
    return (*FORMATS, "TGA") if suffix == TGA_SUFFIX else (*FORMATS,)


def jxl_size(file: BinaryIO) -> tuple[int, int]:
    """Reads width and height of a JPEG XL, which its plugin opens decoded.

    Raises:
        struct.error: If it is cut off.
    """
    file.seek(0)
    if file.read(2) != JXL_START:
        file.seek(0)
        _to_codestream(file)
    bits = int.from_bytes(file.read(16), "little") | 1 << 128

    def take(count: int) -> int:
        nonlocal bits
        number = bits & (1 << count) - 1
        bits >>= count
        return number

    def side(is_small: int) -> int:
        if is_small:
            return 8 * (take(5) + 1)
        return take((9, 13, 18, 30)[take(2)]) + 1

    is_small = take(1)
    height = side(is_small)
    ratio = JXL_RATIOS[take(3)]
    width = height * ratio[0] // ratio[1] if ratio else side(is_small)
    return width, height


def _to_codestream(file: BinaryIO) -> None:
    """Skips the boxes before the codestream, and its start."""
    while True:
        size, kind = struct.unpack(">I4s", file.read(8))
        if kind in (b"jxlc", b"jxlp"):
            file.seek(len(JXL_START) + 4 * (kind == b"jxlp"), 1)
            return
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            size -= 8
        file.seek(max(size - 8, 0), 1)
