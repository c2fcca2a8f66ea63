"""What the signatures of every artifact compute.

The encoding is hidden: photos in sRGB, or L* and ab in their own units.
"""

import tensorflow as tf

from keras_colorizer import color
from keras_colorizer.chroma import ops
from keras_colorizer.inference.keras_network import KerasNetwork


class ColorizerGraph:
    """The functions behind the signatures.

    Args:
        network: What predicts ab.
    """

    def __init__(self, network: KerasNetwork):
        self.network = network

    def predict_ab(self, lightness: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predicts ab of whole photos that were squashed to squares.

        Args:
            lightness: `(n, s, s, 1)` float32 L* in [0, 100].

        Returns:
            `ab`, `(n, s, s, 2)` float32, L*a*b* units.
        """
        return {"ab": self.network.traced(lightness)}

    def colorize(self, rgb: tf.Tensor) -> dict[str, tf.Tensor]:
        """Colors photos of one size.

        Args:
            rgb: `(n, h, w, 3)` uint8 sRGB, of which only L* is used.

        Returns:
            `rgb`, `(n, h, w, 3)` uint8 sRGB.
        """
        lightness = color.rgb_to_lightness(tf.cast(rgb, tf.float32) / 255)
        view = ops.network_view(lightness, self.network.render_size)
        colored = ops.merge(lightness, self.network.traced(view))
        return {"rgb": tf.cast(tf.round(255 * colored), tf.uint8)}
