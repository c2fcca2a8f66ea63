"""The signatures of the artifacts, in TensorFlow ops.

Inputs and outputs are sRGB, or L* and ab in their own units: the encoding to
[-1, 1] stays inside.
"""

from collections.abc import Callable

import tensorflow as tf

from keras_colorizer import color
from keras_colorizer.chroma import ops
from keras_colorizer.exporting.image_bytes import map_photos
from keras_colorizer.hints import HINT_ROWS
from keras_colorizer.inference.keras_network import KerasNetwork

Outputs = dict[str, tf.Tensor]


def square_inputs(
    count: int | None, render_size: int
) -> dict[str, list[tf.TensorSpec]]:
    """Returns the inputs of the signatures from lightness to ab, by name."""
    square = [count, render_size, render_size, 1]
    lightness = tf.TensorSpec(square, tf.float32, "lightness")
    hints = tf.TensorSpec([count, *HINT_ROWS], tf.float32, "hints")
    return {
        "predict_ab": [lightness],
        "predict_ab_with_hints": [lightness, hints],
    }


class ColorizerGraph:
    """The signatures of a `.tflite` file, around a network."""

    def __init__(self, network: KerasNetwork):
        self.network = network

    def predict_ab(self, lightness: tf.Tensor) -> Outputs:
        """Maps `(n, s, s, 1)` float32 L* to `ab`, `(n, s, s, 2)` float32."""
        return {"ab": self.network.traced(lightness)}

    def predict_ab_with_hints(
        self, lightness: tf.Tensor, hints: tf.Tensor
    ) -> Outputs:
        """The same with `(n, 32, 5)` float32 hints, see `hint_array`."""
        return {"ab": self.network.traced_with_hints(lightness, hints)}

    def colorize(self, rgb: tf.Tensor) -> Outputs:
        """Maps `(n, h, w, 3)` uint8 sRGB, of any color, to colored `rgb`."""
        lightness = color.rgb_to_lightness(tf.cast(rgb, tf.float32) / 255)
        view = ops.network_view(lightness, self.network.render_size)
        colored = ops.merge(lightness, self.network.traced(view))
        return {"rgb": tf.cast(tf.round(255 * colored), tf.uint8)}


class ServerGraph(ColorizerGraph):
    """The signatures of a SavedModel, which check their inputs.

    TF Serving checks neither shapes nor files. An input that is not refused
    here in a sentence fails somewhere deep in the graph. Photos of more than
    `max_pixels` are refused, files before they are decoded.
    """

    def __init__(self, network: KerasNetwork, *, max_pixels: int):
        super().__init__(network)
        self.max_pixels = max_pixels
        files = tf.TensorSpec([None], tf.string, "image_bytes")
        photos = tf.TensorSpec([None, None, None, 3], tf.uint8, "rgb")
        # The inputs of each signature; the default comes first.
        self.inputs = {
            "colorize_image_bytes": [files],
            "colorize": [photos],
            **square_inputs(None, network.render_size),
        }

    def checked(self, name: str) -> Callable[..., Outputs]:
        """Returns a signature that refuses other shapes than its inputs'."""
        function, specs = getattr(self, name), self.inputs[name]
        return lambda *tensors: function(*map(_checked, tensors, specs))

    def colorize_image_bytes(self, image_bytes: tf.Tensor) -> Outputs:
        """Maps `(n,)` files of photos to `image_bytes`, see `map_photos`."""
        colored = map_photos(
            image_bytes, self._recolor, max_pixels=self.max_pixels
        )
        return {"image_bytes": colored}

    def colorize(self, rgb: tf.Tensor) -> Outputs:
        """Colors photos of one size, see `ColorizerGraph.colorize`."""
        height, width = tf.unstack(tf.shape(rgb, tf.int64)[1:3])
        message = tf.strings.format(
            f"`rgb` has photos of {{}} x {{}} pixels, more than the limit of "
            f"{self.max_pixels:,}: reduce them.",
            (width, height),
        )
        is_small = height * width <= self.max_pixels
        return super().colorize(_asserted(rgb, is_small, message))

    def _recolor(self, rgb: tf.Tensor) -> tf.Tensor:
        return super().colorize(rgb[None])["rgb"][0]


def _checked(tensor: tf.Tensor, spec: tf.TensorSpec) -> tf.Tensor:
    """Refuses other shapes than the signature's, and empty ones."""
    # Without the placeholder, the graph would fold the check away: it believes
    # that inputs have the shapes of its signature.
    hidden = tf.raw_ops.PlaceholderWithDefault(
        input=tensor, shape=tf.TensorShape(None)
    )
    shape = tf.shape(hidden)
    asked = tf.constant([side or -1 for side in spec.shape])
    fits = tf.cond(
        tf.size(shape) == spec.shape.rank,
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
    return _asserted(tensor, fits, message)


def _asserted(
    tensor: tf.Tensor, condition: tf.Tensor, message: tf.Tensor
) -> tf.Tensor:
    with tf.control_dependencies([tf.debugging.Assert(condition, [message])]):
        return tf.identity(tensor)
