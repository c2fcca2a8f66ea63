"""The steps around the network, in TensorFlow ops.

LiteRT's fast CPU kernels take these ops as they are, for any height and width:
servers, phones and this package run the same graph.
"""

import tensorflow as tf

from keras_colorizer import color

OVERSAMPLING = 4


def network_view(lightness: tf.Tensor, side: int | tf.Tensor) -> tf.Tensor:
    """Squashes a whole photo to the square that the network sees.

    Bilinear to 4 times the side, then the mean of 4 x 4: close to an
    antialiased resize, of TFLite's built-in operations alone. Height and width
    are squashed one after the other, with the rest of the photo as channels,
    since kernels work on many channels at a time.

    Args:
        lightness: `(n, h, w, 1)` float32 L*.
        side: Of the square, in pixels.

    Returns:
        `(n, side, side, 1)` float32 L*.
    """
    view = lightness
    for _ in ("height", "width"):
        photos, length, others = tf.unstack(tf.shape(view)[:3])
        rows = tf.reshape(view, [photos, length, 1, others])
        rows = tf.image.resize(rows, tf.stack([OVERSAMPLING * side, 1]))
        block = [OVERSAMPLING, 1]
        rows = tf.nn.avg_pool2d(rows, block, block, "VALID")
        view = tf.transpose(rows, [0, 3, 1, 2])
    return view


def merge(lightness: tf.Tensor, ab: tf.Tensor) -> tf.Tensor:
    """Puts ab, upsampled bilinearly, under full-size lightness.

    Colors outside of sRGB are clipped, which shifts the lightness there.

    Args:
        lightness: `(n, h, w, 1)` float32 L*.
        ab: `(n, h', w', 2)` float32, L*a*b* units, of any size.

    Returns:
        `(n, h, w, 3)` float32 sRGB in [0, 1].
    """
    full_size = tf.image.resize(ab, tf.shape(lightness)[1:3])
    return color.lab_to_rgb(tf.concat([lightness, full_size], axis=-1))
