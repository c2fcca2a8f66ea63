"""Formats of image files, in TensorFlow ops: their headers, their pixels.

The size is read from the header before anything is decoded: a file that would
take gigabytes as pixels is refused while it is still a file.

Sources: ISO/IEC 15948:2003 (PNG), sections 5.2, 5.6 and 11.2.2; RFC 9649
(WebP), sections 2.4 to 2.7 and 3.4; RFC 6386 (VP8), section 9.1; Microsoft,
Bitmap Storage (BMP).
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

HEADER_BYTES = 34  # The last field that is asked for ends there.

Header = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # Height, width, flaw.


class ImageFormat(NamedTuple):
    """A format of image files.

    Attributes:
        magic: Bytes that tell it, by position.
        read_header: Maps a file to its height and width, `()` int64, 0 or less
            if the header is damaged, and its flaw: `()` string, the end of a
            sentence about a file of a kind that is not taken, or empty.
        decode: Maps a file to `(h, w, 3)` or `(h, w, 4)` uint8.
    """

    magic: dict[int, bytes]
    read_header: Callable[[tf.Tensor], Header]
    decode: Callable[[tf.Tensor], tf.Tensor]


def header_bytes(file: tf.Tensor) -> tf.Tensor:
    """Returns `(HEADER_BYTES,)` uint8; zeros follow a short file."""
    return tf.io.decode_raw(file, tf.uint8, fixed_length=HEADER_BYTES)


def says(header: tf.Tensor, words: dict[int, bytes]) -> tf.Tensor:
    """Whether these bytes are at these positions."""
    equal = [
        tf.reduce_all(header[at : at + len(word)] == list(word))
        for at, word in words.items()
    ]
    return tf.reduce_all(equal)


def _number(header: tf.Tensor, position: int, size: int) -> tf.Tensor:
    """Returns a little-endian number of `size` bytes: `()` int64."""
    weights = [256**place for place in range(size)]
    field = tf.cast(header[position : position + size], tf.int64)
    return tf.reduce_sum(field * weights)


def _jpeg_header(file: tf.Tensor) -> Header:
    # A JPEG's size comes after any number of other segments; the decoder
    # itself is asked, so that both find the same one.
    shape = tf.io.extract_jpeg_shape(file, output_type=tf.int64)
    flaw = tf.where(shape[2] == 4, "is a CMYK JPEG: convert it to RGB.", "")
    return shape[0], shape[1], flaw


def _decode_jpeg(file: tf.Tensor) -> tf.Tensor:
    # Pillow's method; TensorFlow's default is faster and up to 4 levels off.
    return tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_ACCURATE")


def _png_header(file: tf.Tensor) -> Header:
    header = header_bytes(file)
    # Decoders skip unknown chunks, even before the header.
    is_header = says(header, {8: b"\0\0\0\x0dIHDR"})
    big_endian = tf.reverse(header[16:24], [0])
    sides = [_number(big_endian, at, 4) for at in (0, 4)]
    height, width = tf.unstack(tf.where(is_header, sides, 0))
    return height, width, tf.constant("")


def _decode_png(file: tf.Tensor) -> tf.Tensor:
    """Decodes to RGB, or RGB and alpha where the file has transparency.

    That is a channel (4 in the color type) or a tRNS chunk before the pixels.
    TensorFlow itself drops the chunk; asked for alpha, it makes up a wrong one
    for palettes without.
    """
    before_pixels = tf.strings.split(file, "IDAT", maxsplit=1)[0]
    has_alpha = tf.size(tf.strings.split(before_pixels, "tRNS")) > 1
    has_alpha |= header_bytes(file)[25] & 4 > 0
    return tf.cond(
        has_alpha,
        lambda: tf.io.decode_png(file, channels=4),
        lambda: tf.io.decode_png(file, channels=3),
    )


def _webp_header(file: tf.Tensor) -> Header:
    header = header_bytes(file)
    lossless = _number(header, 21, 4)
    sizes = {
        b"VP8 ": [_number(header, at, 2) % 2**14 for at in (28, 26)],
        b"VP8L": [lossless // 2**bit % 2**14 + 1 for bit in (14, 0)],
        # Of the canvas: the decoder refuses a still of another size.
        b"VP8X": [_number(header, at, 3) + 1 for at in (27, 24)],
    }
    size = tf.zeros(2, tf.int64)
    for kind, size_of_kind in sizes.items():
        size = tf.where(says(header, {12: kind}), size_of_kind, size)
    # TensorFlow 2.21 aborts the whole process where it decodes one of these.
    is_animated = says(header, {12: b"VP8X"}) & (header[20] & 2 > 0)
    flaw = tf.where(is_animated, "is an animated WebP: send a still one.", "")
    return size[0], size[1], flaw


def _decode_other(file: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_image(file, expand_animations=False)


def _bmp_header(file: tf.Tensor) -> Header:
    header = header_bytes(file)
    # TensorFlow takes palette indices for grey levels, padding for alpha, and
    # the oldest header, of 12 bytes, for one of 40.
    is_plain = _number(header, 14, 4) >= 40
    is_plain &= _number(header, 28, 2) == 24  # Bits of a pixel.
    is_plain &= _number(header, 30, 4) == 0  # Uncompressed.
    rare = "is a BMP of a rare kind: save it as PNG, or with 24 bits a pixel."
    flaw = tf.where(is_plain, "", rare)
    width, height = (_number(header, at, 4) for at in (18, 22))
    # The height is negative where the first row is the top one.
    height = tf.where(height < 2**31, height, 2**32 - height)
    return height, tf.where(width < 2**31, width, 0), flaw


FORMATS = (
    ImageFormat({0: b"\xff\xd8\xff"}, _jpeg_header, _decode_jpeg),
    ImageFormat({0: b"\x89PNG\r\n\x1a\n"}, _png_header, _decode_png),
    ImageFormat({0: b"RIFF", 8: b"WEBP"}, _webp_header, _decode_other),
    ImageFormat({0: b"BM"}, _bmp_header, _decode_other),
)
