"""PNG in TensorFlow ops.

Left to itself, TensorFlow's decoder drops a transparency that is no channel;
asked for alpha, it makes up a wrong one where there is none.
"""

import tensorflow as tf

from keras_colorizer.exporting.saved_model.header_bytes import (
    header_bytes,
    unsigned,
)

SIGNATURE_SIZE = 8
HAS_ALPHA_CHANNEL = 4  # A bit of the color type.

# Hardly any file has twenty before its pixels.
MAX_CHUNKS = 1000


def decode_png(file: tf.Tensor) -> tf.Tensor:
    """Decodes a PNG of any kind; of 16 bits the upper 8 are kept.

    Args:
        file: `()` string, a PNG; of an animated one its still picture is
            taken.

    Returns:
        `(height, width, 3)` uint8 RGB, or `(height, width, 4)` RGB and alpha.

    Raises:
        InvalidArgumentError: If the file is damaged or cut off.

    Source:
        ISO/IEC 15948:2003, table 11.1 and section 11.3.2.1: alpha is a channel
        of its own, or else there is a tRNS chunk before the pixels.
    """
    color_type = header_bytes(file)[25]
    return tf.cond(
        (color_type & HAS_ALPHA_CHANNEL > 0) | _has_transparency(file),
        lambda: tf.io.decode_png(file, channels=4),
        lambda: tf.io.decode_png(file, channels=3),
    )


def _has_transparency(file):
    """Whether a tRNS chunk comes before IDAT, the pixels: sections 5.3, 5.6."""

    def is_sought(_, name):
        return tf.reduce_all(name != ["tRNS", "IDAT"])

    def next_chunk(position, _):
        beginning = tf.strings.substr(file, position, 8)
        length = unsigned(header_bytes(beginning), 0, 4, big_endian=True)
        return position + 12 + length, tf.strings.substr(beginning, 4, 4)

    start = tf.constant(SIGNATURE_SIZE, tf.int64), tf.constant("")
    _, name = tf.while_loop(
        is_sought, next_chunk, start, maximum_iterations=MAX_CHUNKS
    )
    return name == "tRNS"
