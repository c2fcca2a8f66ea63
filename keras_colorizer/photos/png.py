"""PNG of 16 bits a channel, and chunks of text, by the byte.

Pillow writes 16 bits for grey without alpha only.

Source: ISO/IEC 15948:2003 (PNG, second edition); eXIf: PNG, third edition.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from PIL.PngImagePlugin import putchunk

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # By channels; table 11.1.
FILTER_UP = 2  # Each byte minus the one above it: 9.2.
ROWS_AT_ONCE = 64
METERS_PER_INCH = 0.0254
TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")  # 11.3.4.

Chunk = tuple[bytes, bytes]


def encode_png_16(
    pixels: np.ndarray,
    *,
    exif: bytes | None = None,
    dpi: tuple[float, float] | None = None,
    texts: Iterable[Chunk] = (),
    compress_level: int = zlib.Z_DEFAULT_COMPRESSION,
) -> bytes:
    r"""Encodes a PNG of 16 bits a channel.

    Args:
        pixels: `(height, width, n)` uint16; n is 1 for grey, 2 for grey and
            alpha, 3 for RGB, 4 for RGB and alpha.
        exif: With or without the `Exif\0\0` that JPEG puts before it.
        dpi: Horizontal and vertical dots per inch.
        texts: Type and content of chunks of text.
        compress_level: zlib's.
    """
    height, width, channels = pixels.shape
    header = (width, height, 16, COLOR_TYPES[channels], 0, 0, 0)
    file = BytesIO()
    file.write(SIGNATURE)
    putchunk(file, b"IHDR", struct.pack(">2I5B", *header))
    if dpi:
        per_meter = (round(dots / METERS_PER_INCH) for dots in dpi)
        putchunk(file, b"pHYs", struct.pack(">2IB", *per_meter, 1))
    if exif:
        putchunk(file, b"eXIf", exif.removeprefix(b"Exif\0\0"))
    for kind, content in texts:
        putchunk(file, kind, content)
    for data in _compressed(pixels, zlib.compressobj(compress_level)):
        putchunk(file, b"IDAT", data)
    putchunk(file, b"IEND")
    return file.getvalue()


def text_chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Yields type and content of the chunks of text of a whole PNG."""
    file.seek(len(SIGNATURE))
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind in TEXT_CHUNKS:
            yield kind, file.read(size)
            size = 0
        file.seek(size + 4, 1)  # With its checksum.


def _compressed(pixels: np.ndarray, compressor: Any) -> Iterator[bytes]:
    """The image data, some rows at a time to spare the memory."""
    above = np.zeros((1, pixels[0].nbytes), np.uint8)
    for start in range(0, len(pixels), ROWS_AT_ONCE):
        rows = pixels[start : start + ROWS_AT_ONCE]
        samples = rows.astype(">u2").view(np.uint8).reshape(len(rows), -1)
        filtered = samples - np.concatenate([above, samples[:-1]])
        above = samples[-1:]
        lines = np.insert(filtered, 0, FILTER_UP, axis=1)
        if data := compressor.compress(lines):
            yield data
    yield compressor.flush()
