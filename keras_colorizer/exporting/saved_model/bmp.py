"""BMP in TensorFlow ops.

TensorFlow's own decoder takes palette indices for grey levels, padding for
alpha, and the oldest header for one of 40 bytes.

Source: Microsoft, Bitmap Storage, and the structures that it names. The oldest
header is the BITMAPCOREHEADER, later ones begin as the BITMAPINFOHEADER does.
"""

from functools import partial
from typing import NamedTuple

import tensorflow as tf

from keras_colorizer.exporting.saved_model.header_bytes import (
    header_bytes,
    signed,
    unsigned,
)

FILE_HEADER_SIZE = 14
CORE_SIZE = 12
SIZE_WITH_ALPHA = 56  # From here on headers have a mask for alpha.

UNCOMPRESSED, MASKED = 0, 3
BITS = (1, 4, 8, 24, 32)
BGR_MASKS = (0xFF0000, 0xFF00, 0xFF)
ALPHA_MASK = 0xFF000000

PALETTE_BYTES = 3 * 4 * 256  # Enough for 256 colors of either 3 or 4 bytes.


class BmpHeader(NamedTuple):
    """How the pixels of a BMP are stored; `()` int64, if not said otherwise.

    Attributes:
        height: In pixels; negative if the first row is the top one.
        width: In pixels.
        bits: Of a pixel.
        is_usable: `()` bool, whether `decode_bmp` knows pixels of this kind.
        alphas: 1 if pixels have an alpha, else 0.
        palette_at: Position of the first color.
        color_bytes: Of a color in the palette.
        pixels_at: Position of the first row.
    """

    height: tf.Tensor
    width: tf.Tensor
    bits: tf.Tensor
    is_usable: tf.Tensor
    alphas: tf.Tensor
    palette_at: tf.Tensor
    color_bytes: tf.Tensor
    pixels_at: tf.Tensor


def read_bmp_header(file: tf.Tensor) -> BmpHeader:
    """Reads what comes before the pixels, whatever the file is.

    Args:
        file: `()` string.
    """
    header = header_bytes(file)
    size = unsigned(header, FILE_HEADER_SIZE, 4)
    if_later = partial(tf.where, size > CORE_SIZE)
    bits = if_later(unsigned(header, 28, 2), unsigned(header, 24, 2))
    compression = if_later(unsigned(header, 30, 4), UNCOMPRESSED)
    is_bgra = (compression == MASKED) & (bits == 32) & _has_masks(header)
    is_plain = (compression == UNCOMPRESSED) & tf.reduce_any(bits == BITS)
    # Without masks, the fourth byte of a pixel is padding.
    has_alpha = unsigned(header, 66, 4) == ALPHA_MASK
    has_alpha &= is_bgra & (size >= SIZE_WITH_ALPHA)
    return BmpHeader(
        height=if_later(signed(header, 22), unsigned(header, 20, 2)),
        width=if_later(signed(header, 18), unsigned(header, 18, 2)),
        bits=bits,
        is_usable=is_plain | is_bgra,
        alphas=tf.cast(has_alpha, tf.int64),
        palette_at=FILE_HEADER_SIZE + size,
        color_bytes=if_later(tf.constant(4, tf.int64), 3),
        pixels_at=unsigned(header, 10, 4),
    )


def decode_bmp(file: tf.Tensor) -> tf.Tensor:
    """Decodes a BMP that `read_bmp_header` calls usable.

    Args:
        file: `()` string.

    Returns:
        `(height, width, 3)` uint8 RGB, or `(height, width, 4)` RGB and alpha.

    Raises:
        InvalidArgumentError: If the file is cut off.
    """
    header = read_bmp_header(file)
    rows = _rows(file, header)
    pixels = tf.cond(
        header.bits <= 8,
        lambda: _from_palette(file, header, rows),
        lambda: _from_bgr(header, rows),
    )
    return tf.cond(
        header.height < 0, lambda: pixels, lambda: tf.reverse(pixels, [0])
    )


def _has_masks(header):
    masks = [unsigned(header, position, 4) for position in (54, 58, 62)]
    return tf.reduce_all(tf.equal(masks, BGR_MASKS))


def _rows(file, header):
    """The rows as stored, `(height, bytes)`: padded to whole 4 bytes."""
    height = tf.abs(header.height)
    size = (header.width * header.bits + 31) // 32 * 4
    stored = tf.strings.substr(file, header.pixels_at, height * size)
    return tf.reshape(tf.io.decode_raw(stored, tf.uint8), [height, size])


def _from_palette(file, header, rows):
    # Of the pixels that share a byte, the first has the highest bits.
    bits = tf.cast(header.bits, tf.int32)
    shifts = tf.cast(tf.range(8 - bits, -1, -bits), tf.uint8)
    mask = tf.cast(2**bits - 1, tf.uint8)
    indices = tf.bitwise.right_shift(rows[..., None], shifts) & mask
    indices = tf.reshape(indices, [tf.shape(rows)[0], -1])[:, : header.width]
    stored = tf.strings.substr(file, header.palette_at, PALETTE_BYTES)
    colors = tf.io.decode_raw(stored, tf.uint8, fixed_length=PALETTE_BYTES)
    colors = tf.reshape(colors, [-1, header.color_bytes])[:, 2::-1]
    return tf.gather(colors, tf.cast(indices, tf.int32))


def _from_bgr(header, rows):
    channels = header.bits // 8
    used = rows[:, : header.width * channels]
    pixels = tf.reshape(used, [-1, header.width, channels])
    alpha = pixels[..., 3 : 3 + header.alphas]
    return tf.concat([pixels[..., 2::-1], alpha], axis=-1)
