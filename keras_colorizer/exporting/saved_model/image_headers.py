"""What the header of an image file says, in TensorFlow ops.

It is read before anything is decoded: what would take gigabytes as pixels must
be refused while it is still a file.

Sources: ISO/IEC 15948:2003 (PNG), sections 5.2 and 11.2.2; RFC 9649 (WebP),
sections 2.4 to 2.7 and 3.4; RFC 6386 (VP8), section 9.1.
"""

from enum import IntEnum
from functools import partial
from typing import NamedTuple

import tensorflow as tf

from keras_colorizer.exporting.saved_model.bmp import read_bmp_header
from keras_colorizer.exporting.saved_model.header_bytes import (
    header_bytes,
    says,
    unsigned,
)


class ImageFormat(IntEnum):
    """The formats that are told apart."""

    JPEG = 0
    PNG = 1
    WEBP = 2
    BMP = 3
    OTHER = 4


class ImageHeader(NamedTuple):
    """What a file claims to be.

    Attributes:
        height: `()` int64, in pixels; 0 or less if the header is damaged.
        width: Likewise.
        flaw: `()` string, the end of a sentence about a file of a kind that
            is not taken; empty for all others.
    """

    height: tf.Tensor
    width: tf.Tensor
    flaw: tf.Tensor


def image_format(file: tf.Tensor) -> tf.Tensor:
    """Tells the format of a file from its first bytes.

    Args:
        file: `()` string.

    Returns:
        `()` int32, an `ImageFormat`.
    """
    header = header_bytes(file)
    is_format = {
        ImageFormat.JPEG: says(header, 0, b"\xff\xd8\xff"),
        ImageFormat.PNG: says(header, 0, b"\x89PNG\r\n\x1a\n"),
        ImageFormat.WEBP: says(header, 0, b"RIFF") & says(header, 8, b"WEBP"),
        ImageFormat.BMP: says(header, 0, b"BM"),
    }
    found = tf.constant(ImageFormat.OTHER)
    for format, is_this in is_format.items():
        found = tf.where(is_this, format, found)
    return found


def read_header(file: tf.Tensor, format: tf.Tensor) -> ImageHeader:
    """Reads the header and decodes nothing.

    Args:
        file: `()` string.
        format: `()` int32, its `ImageFormat`.

    Raises:
        InvalidArgumentError: If it is a JPEG with a damaged header.
    """
    readers = {
        ImageFormat.JPEG: partial(_jpeg_header, file),
        ImageFormat.PNG: partial(_png_header, file),
        ImageFormat.WEBP: partial(_webp_header, file),
        ImageFormat.BMP: partial(_bmp_header, file),
        ImageFormat.OTHER: partial(_other_header, file),
    }
    return tf.switch_case(format, readers)


def _jpeg_header(file):
    # A JPEG's size comes after any number of other things: where exactly, only
    # the decoder itself shall say.
    shape = tf.io.extract_jpeg_shape(file, output_type=tf.int64)
    flaw = tf.where(shape[2] == 4, "is a CMYK JPEG: convert it to RGB.", "")
    return ImageHeader(shape[0], shape[1], flaw)


def _png_header(file):
    header = header_bytes(file)
    # Decoders pass over chunks they do not know, even before the header.
    is_header = says(header, 8, b"\0\0\0\x0dIHDR")
    height = unsigned(header, 20, 4, big_endian=True)
    width = unsigned(header, 16, 4, big_endian=True)
    height, width = tf.unstack(tf.where(is_header, [height, width], 0))
    return ImageHeader(height, width, tf.constant(""))


def _webp_header(file):
    header = header_bytes(file)
    lossless = unsigned(header, 21, 4)
    sizes = {
        b"VP8 ": [unsigned(header, at, 2) % 2**14 for at in (28, 26)],
        b"VP8L": [lossless // 2**bit % 2**14 + 1 for bit in (14, 0)],
        # Of the canvas: the decoder refuses a still of another size.
        b"VP8X": [unsigned(header, at, 3) + 1 for at in (27, 24)],
    }
    size = tf.zeros(2, tf.int64)
    for kind, size_of_kind in sizes.items():
        size = tf.where(says(header, 12, kind), size_of_kind, size)
    # TensorFlow 2.21 aborts the whole process where it decodes one of these.
    is_animated = says(header, 12, b"VP8X") & (header[20] & 2 > 0)
    flaw = tf.where(is_animated, "is an animated WebP: send a still one.", "")
    height, width = tf.unstack(size)
    return ImageHeader(height, width, flaw)


def _bmp_header(file):
    header = read_bmp_header(file)
    rare = "is a BMP of a rare kind: save it as PNG, or with 24 bits a pixel."
    flaw = tf.where(header.is_usable, "", rare)
    return ImageHeader(tf.abs(header.height), header.width, flaw)


def _other_header(file):
    flaw = tf.strings.format(
        "is no JPEG, PNG, WebP or BMP file ({} bytes): send the bytes of such"
        " a file.",
        tf.strings.length(file),
    )
    unknown = tf.constant(1, tf.int64)
    return ImageHeader(unknown, unknown, flaw)
