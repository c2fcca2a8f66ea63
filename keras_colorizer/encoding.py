"""The encoding of L*a*b* for the networks, in [-1, 1].

Source: junyanz/pytorch-CycleGAN-and-pix2pix, data/colorization_dataset.py:
L*/50 - 1 and ab/110. sRGB's a* and b* stay within 108, so 110 never clips.
"""

import tensorflow as tf

from keras_colorizer import color

LIGHTNESS_HALF = 50.0
AB_LIMIT = 110.0


def encode_lab(lab: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Encodes L*a*b* for the networks.

    Args:
        lab: `(..., 3)` float32, L*a*b* units.

    Returns:
        `lightness`, `(..., 1)` float32 in [-1, 1], and `ab`, `(..., 2)`
        float32, within [-0.99, 0.9] over the sRGB gamut.

    Example:
        >>> lightness, ab = encode_lab([75.0, -55.0, 27.5])
        >>> lightness.numpy(), ab.numpy()
        (array([0.5], dtype=float32), array([-0.5 ,  0.25], dtype=float32))
    """
    lab = tf.convert_to_tensor(lab)
    return encode_lightness(lab[..., :1]), lab[..., 1:] / AB_LIMIT


def decode_lab(lightness: tf.Tensor, ab: tf.Tensor) -> tf.Tensor:
    """Decodes the lightness and ab of `encode_lab`.

    Args:
        lightness: `(..., 1)` floating point in [-1, 1].
        ab: `(..., 2)` floating point in [-1, 1].

    Returns:
        `(..., 3)` float32, L*a*b* units.

    Example:
        >>> decode_lab([0.0], [0.5, -0.5]).numpy()
        array([ 50.,  55., -55.], dtype=float32)
    """
    lightness = (tf.cast(lightness, tf.float32) + 1) * LIGHTNESS_HALF
    return tf.concat([lightness, decode_ab(ab)], axis=-1)


def encode_lightness(lightness: tf.Tensor) -> tf.Tensor:
    """Encodes `(..., 1)` L* in [0, 100] to [-1, 1]."""
    return lightness / LIGHTNESS_HALF - 1


def encode_hints(hints: tf.Tensor) -> tf.Tensor:
    """Encodes the ab of `(..., 5)` hints: x, y, a*, b*, and 1 for a hint."""
    return hints / tf.constant([1, 1, AB_LIMIT, AB_LIMIT, 1])


def decode_ab(ab: tf.Tensor) -> tf.Tensor:
    """Decodes `(..., 2)` ab in [-1, 1] to float32 L*a*b* units."""
    return tf.cast(ab, tf.float32) * AB_LIMIT


def decode_rgb(lightness: tf.Tensor, ab: tf.Tensor) -> tf.Tensor:
    """Decodes lightness and ab in [-1, 1] to `(..., 3)` uint8 sRGB."""
    rgb = color.lab_to_rgb(decode_lab(lightness, ab))
    return tf.cast(tf.round(rgb * 255), tf.uint8)
