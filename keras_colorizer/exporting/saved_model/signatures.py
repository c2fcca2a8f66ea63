"""The signatures of a server, which trust no input.

TF Serving checks neither shapes nor files: what is not refused here, with a
sentence that its user can act upon, fails somewhere deep in the graph.
"""

import tensorflow as tf

from keras_colorizer.exporting.graph import ColorizerGraph
from keras_colorizer.exporting.saved_model.image_bytes import map_photos
from keras_colorizer.inference.keras_network import KerasNetwork


class ServerGraph:
    """The functions behind the signatures of a SavedModel.

    Args:
        network: What predicts ab.
        max_pixels: Larger photos are refused, files before they are decoded.
    """

    def __init__(self, network: KerasNetwork, *, max_pixels: int):
        self.max_pixels = max_pixels
        self._graph = ColorizerGraph(network)
        self._side = network.render_size

    @property
    def inputs(self) -> dict[str, tf.TensorSpec]:
        """The one input of each signature; the default comes first."""
        square = [None, self._side, self._side, 1]
        return {
            "colorize_image_bytes": tf.TensorSpec(
                [None], tf.string, name="image_bytes"
            ),
            "colorize": tf.TensorSpec(
                [None, None, None, 3], tf.uint8, name="rgb"
            ),
            "predict_ab": tf.TensorSpec(square, tf.float32, name="lightness"),
        }

    def colorize_image_bytes(self, image_bytes: tf.Tensor):
        """Colors photos as files, see `map_photos`."""
        files = _checked(image_bytes, self.inputs["colorize_image_bytes"])
        colored = map_photos(files, self._recolor, max_pixels=self.max_pixels)
        return {"image_bytes": colored}

    def colorize(self, rgb: tf.Tensor):
        """Colors photos of one size, see `ColorizerGraph.colorize`."""
        return self._graph.colorize(
            self._small_enough(_checked(rgb, self.inputs["colorize"]))
        )

    def predict_ab(self, lightness: tf.Tensor):
        """Predicts ab of squares, see `ColorizerGraph.predict_ab`."""
        spec = self.inputs["predict_ab"]
        return self._graph.predict_ab(_checked(lightness, spec))

    def _recolor(self, rgb):
        return self._graph.colorize(rgb[None])["rgb"][0]

    def _small_enough(self, rgb):
        height, width = tf.unstack(tf.shape(rgb, tf.int64)[1:3])
        message = tf.strings.format(
            f"`rgb` has photos of {{}} x {{}} pixels, more than the limit of "
            f"{self.max_pixels:,}: reduce them.",
            (width, height),
        )
        is_small = height * width <= self.max_pixels
        with tf.control_dependencies(
            [tf.debugging.Assert(is_small, [message])]
        ):
            return tf.identity(rgb)


def _checked(tensor, spec):
    """Refuses other shapes than the signature's, and empty ones."""
    # Hides what the graph believes to know of the shape: because of that, it
    # would leave out the check.
    hidden = tf.raw_ops.PlaceholderWithDefault(
        input=tensor, shape=tf.TensorShape(None)
    )
    shape, rank = tf.shape(hidden), spec.shape.rank
    asked = tf.constant([side or -1 for side in spec.shape])
    fits = tf.cond(
        tf.size(shape) == rank,
        lambda: tf.reduce_all((shape == asked) | (asked < 0) & (shape > 0)),
        lambda: False,
    )
    names = zip(spec.shape, "nhw?", strict=False)
    words = ", ".join(f"{side or name}" for side, name in names)
    message = tf.strings.format(
        f"`{spec.name}` must have the shape [{words}], each 1 or more. "
        "Received: {}.",
        shape,
    )
    with tf.control_dependencies([tf.debugging.Assert(fits, [message])]):
        return tf.identity(tensor)
