"""Hints as people might give them, drawn from the true colors of photos.

Source: Zhang et al., 2017, section 3.2, https://arxiv.org/abs/1705.02999, for a
geometric number of places, each with the mean color of a patch; own: noise on
color and place, since people choose by eye.
"""

import tensorflow as tf

from keras_colorizer.networks.hint_propagation import sample

MOST = 10
END = 0.25  # Chance that no more hints follow; a quarter of photos have none.
PATCH = 4  # Pixels on a side.
COLOR_NOISE = 8 / 110  # Largest standard deviation of encoded a and b.
PLACE_NOISE = 0.006  # Standard deviation, of the width or height.


def simulate_hints(real_ab: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws hints for photos.

    Args:
        real_ab: `(n, h, w, 2)` float32 in [-1, 1].
        seed: `(2,)` integers: the same seed draws alike.

    Returns:
        `(n, 10, 5)` float32, see `HintPropagation`.
    """
    count = tf.shape(real_ab)[0]
    pairs = (count, MOST, 2)
    places = tf.random.stateless_uniform(pairs, seed)
    patches = tf.nn.avg_pool2d(real_ab, PATCH, strides=PATCH, padding="VALID")
    colors = sample(patches, places)
    spread = tf.random.stateless_uniform((count, MOST, 1), seed + 1)
    off = COLOR_NOISE * spread
    colors += off * tf.random.stateless_normal(pairs, seed + 2)
    places += PLACE_NOISE * tf.random.stateless_normal(pairs, seed + 3)
    places = tf.clip_by_value(places, 0.0, 1.0)
    given = tf.random.stateless_uniform((count, 1, 1), seed + 4)
    number = tf.math.log(given) / tf.math.log(1 - END)
    order = tf.range(1.0, MOST + 1)[:, None]
    used = tf.cast(order <= number, tf.float32)
    return tf.concat([places, colors, tf.ones_like(spread)], axis=-1) * used
