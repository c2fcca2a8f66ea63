"""Squares of photos to what the networks learn from.

Batches cross to the devices as uint8, a quarter of the bytes of L*a*b* in
float32, and are encoded where the networks compute.
"""

import tensorflow as tf

from keras_colorizer import color, encoding
from keras_colorizer.data.old_photos import aged_lightness


def encode_squares(rgb: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Encodes photos for the networks.

    Args:
        rgb: `(n, h, w, 3)` uint8 sRGB.

    Returns:
        `lightness`, `(n, h, w, 1)`, and `ab`, `(n, h, w, 2)`, float32 in
        [-1, 1].
    """
    return encoding.encode_lab(color.rgb_to_lab(rgb))


def encode_aged_squares(
    rgb: tf.Tensor, seed: tf.Tensor, *, share: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Encodes photos, some of them with the lightness of old photos.

    Args:
        rgb: `(n, h, w, 3)` uint8 sRGB.
        seed: `(2,)` integers: the same seed ages the same photos alike.
        share: How many of them age, in [0, 1]; with 0 the seed is not used.

    Returns:
        As of `encode_squares`.
    """
    lightness, ab = encode_squares(rgb)
    if share == 0:
        return lightness, ab
    aged = encoding.encode_lightness(aged_lightness(rgb, seed))
    drawn = tf.random.stateless_uniform((tf.shape(rgb)[0], 1, 1, 1), seed + 1)
    return tf.where(drawn < share, aged, lightness), ab
