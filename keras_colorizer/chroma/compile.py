"""Compiler of `steps.tflite`: `python -m keras_colorizer.chroma.compile`.

To be run after every change of `ops.py` or `color.py`; a test compares them.
"""

import tempfile
from collections.abc import Callable

import tensorflow as tf

from keras_colorizer import color
from keras_colorizer.chroma import ops
from keras_colorizer.chroma.steps import STEPS
from keras_colorizer.files import whole_file

Outputs = dict[str, tf.Tensor]


def compile_steps() -> bytes:
    """Returns the bytes of `steps.tflite`, compiled anew."""
    module = tf.Module()
    signatures = {
        function.__name__: _traced(function, inputs)
        for function, inputs in STEP_INPUTS.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=sorted(signatures)
        )
        return converter.convert()


def lightness(rgb: tf.Tensor) -> Outputs:
    """Converts sRGB in [0, 1] to L*."""
    return {"lightness": color.rgb_to_lightness(rgb)}


def lab(rgb: tf.Tensor) -> Outputs:
    """Converts sRGB in [0, 1] to L*a*b*."""
    return {"lab": color.rgb_to_lab(rgb)}


def network_view(lightness: tf.Tensor, side: tf.Tensor) -> Outputs:
    """See `ops.network_view`."""
    return {"view": ops.network_view(lightness, side)}


def stretch(ab: tf.Tensor, height: tf.Tensor) -> Outputs:
    """Upsamples ab to the photo's height, with columns as channels.

    Returns a* and b* one after the other, transposed: `(2, w', 1, height)`.
    """
    rows, columns = tf.unstack(tf.shape(ab)[1:3])
    ab = tf.reshape(ab, tf.stack([1, rows, 1, 2 * columns]))
    ab = tf.image.resize(ab, tf.stack([height, 1]))
    ab = tf.reshape(ab, tf.stack([height, columns, 1, 2]))
    return {"ab": tf.transpose(ab, [3, 1, 2, 0])}


def merge(lightness: tf.Tensor, ab: tf.Tensor, white: tf.Tensor) -> Outputs:
    """Returns rows of the photo as int32 levels in [0, `white`], `(3, h, w)`.

    ab is of `stretch`, and upsampled to the photo's width here: bilinear
    resizing is separable.
    """
    columns = tf.image.resize(ab, tf.stack([tf.shape(lightness)[1], 1]))
    a, b = tf.unstack(tf.transpose(columns[:, :, 0], [0, 2, 1]))
    rgb = tf.stack(color.rgb_channels(lightness, a, b))
    return {"levels": tf.cast(tf.round(rgb * white), tf.int32)}


def _floats(channels: int, name: str) -> tf.TensorSpec:
    return tf.TensorSpec([1, None, None, channels], tf.float32, name=name)


STEP_INPUTS: dict[Callable[..., Outputs], list[tf.TensorSpec]] = {
    lightness: [_floats(3, "rgb")],
    lab: [_floats(3, "rgb")],
    network_view: [
        _floats(1, "lightness"),
        tf.TensorSpec([], tf.int32, name="side"),
    ],
    stretch: [_floats(2, "ab"), tf.TensorSpec([], tf.int32, name="height")],
    merge: [
        tf.TensorSpec([None, None], tf.float32, name="lightness"),
        tf.TensorSpec([2, None, 1, None], tf.float32, name="ab"),
        tf.TensorSpec([], tf.float32, name="white"),
    ],
}


def _traced(
    function: Callable[..., Outputs], inputs: list[tf.TensorSpec]
) -> tf.types.experimental.PolymorphicFunction:
    return tf.function(function, input_signature=inputs)


if __name__ == "__main__":
    with whole_file(STEPS) as temporary:
        temporary.write_bytes(compile_steps())
