"""Lightness as old photographs hold it, made from color photos.

A colorizer that has only ever seen the lightness of clean digital photos meets
other greys in an album: films that saw no red, faded prints, grain. Only what
the network sees is aged; the ab it shall predict stays the photo's own.
"""

import tensorflow as tf

from keras_colorizer import color, encoding

# Ranges to draw from, evenly.
GAMMA_STOPS = 0.5  # Exponents from 2 ** -0.5 to 2 ** 0.5.
BLACKS = (0.0, 20.0)  # L* that black has faded to.
WHITES = (75.0, 100.0)  # L* that white has faded to.
BLUR = (0.0, 1.0)  # Share of the 3 x 3 mean.
GRAIN = (0.0, 7.0)  # Largest change of a pixel, in units of L*.


def encode_photos(
    rgb: tf.Tensor,
    seeds: tf.Tensor | None,
    *,
    old_photos: float = 0.0,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Encodes photos for the networks, some with the lightness of old photos.

    Args:
        rgb: `(n, h, w, 3)` uint8 sRGB.
        seeds: `(n, 2)` integers, of which the first ages all photos: the same
            ages the same photos alike. Without seeds none ages.
        old_photos: How many of them age, in [0, 1].

    Returns:
        `lightness`, `(n, h, w, 1)`, and `ab`, `(n, h, w, 2)`, float32 in
        [-1, 1].
    """
    lightness, ab = encoding.encode_lab(color.rgb_to_lab(rgb))
    if old_photos == 0 or seeds is None:
        return lightness, ab
    seed = seeds[0]
    aged = encoding.encode_lightness(aged_lightness(rgb, seed))
    drawn = tf.random.stateless_uniform((tf.shape(rgb)[0], 1, 1, 1), seed + 1)
    return tf.where(drawn < old_photos, aged, lightness), ab


def aged_lightness(rgb: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Makes old photographs of photos, each one differently.

    Film of random sensitivity to red, green and blue, another gamma, fading,
    blur and grain, in the order in which they happen to a photo.

    Args:
        rgb: `(n, h, w, 3)` uint8 sRGB.
        seed: `(2,)` integers: the same seed ages alike.

    Returns:
        `(n, h, w, 1)` float32 L* in [0, 100].
    """
    count = tf.shape(rgb)[0]
    drawn = tf.random.stateless_uniform((count, 1, 1, 8), seed)
    lightness = color.film_lightness(rgb, _sensitivity(drawn[..., :3]))
    lightness = _with_gamma(lightness, drawn[..., 3:4])
    black = _between(drawn[..., 4:5], *BLACKS)
    white = _between(drawn[..., 5:6], *WHITES)
    lightness = black + (white - black) * lightness / 100
    blurred = tf.nn.avg_pool2d(lightness, 3, strides=1, padding="SAME")
    lightness += _between(drawn[..., 6:7], *BLUR) * (blurred - lightness)
    # Even noise: normal noise takes XLA 30 times as long.
    grain = tf.random.stateless_uniform(tf.shape(lightness), seed, -1.0, 1.0)
    lightness += _between(drawn[..., 7:], *GRAIN) * grain
    return tf.clip_by_value(lightness, 0.0, 100.0)


def _sensitivity(drawn: tf.Tensor) -> tf.Tensor:
    """Evenly over all weights of red, green and blue whose sum is 1."""
    exponential = -tf.math.log(1 - drawn)
    return exponential / tf.reduce_sum(exponential, axis=-1, keepdims=True)


def _with_gamma(lightness: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
    exponent = 2.0 ** _between(drawn, -GAMMA_STOPS, GAMMA_STOPS)
    # The logarithm of black is the only one that does not exist.
    relative = tf.maximum(lightness / 100, 1e-6)
    return 100 * tf.exp(exponent * tf.math.log(relative))


def _between(drawn: tf.Tensor, low: float, high: float) -> tf.Tensor:
    return low + (high - low) * drawn
