"""The first bytes of a file, in TensorFlow ops that never fail.

A short file reads as if zeros followed it.
"""

import tensorflow as tf

HEADER_BYTES = 70  # The last field that is asked for ends there.


def header_bytes(file: tf.Tensor) -> tf.Tensor:
    """Returns the first bytes of a file.

    Args:
        file: `()` string.

    Returns:
        `(HEADER_BYTES,)` uint8.
    """
    return tf.io.decode_raw(file, tf.uint8, fixed_length=HEADER_BYTES)


def says(header: tf.Tensor, position: int, text: bytes) -> tf.Tensor:
    """Whether these bytes are found there: `()` bool.

    Args:
        header: `(n,)` uint8.
        position: Of the first byte.
        text: The bytes.
    """
    found = header[position : position + len(text)]
    return tf.reduce_all(found == list(text))


def unsigned(
    header: tf.Tensor, position: int, size: int, *, big_endian: bool = False
) -> tf.Tensor:
    """Returns a whole number of `size` bytes: `()` int64.

    Args:
        header: `(n,)` uint8.
        position: Of the first byte.
        size: 1 to 7 bytes.
        big_endian: Whether the first byte counts most, not the last.
    """
    weights = [256**place for place in range(size)]
    field = tf.cast(header[position : position + size], tf.int64)
    return tf.reduce_sum(field * (weights[::-1] if big_endian else weights))


def signed(header: tf.Tensor, position: int) -> tf.Tensor:
    """Returns a whole number of 4 bytes, little-endian: `()` int64.

    Args:
        header: `(n,)` uint8.
        position: Of the first byte.
    """
    number = unsigned(header, position, 4)
    return tf.where(number < 2**31, number, number - 2**32)
