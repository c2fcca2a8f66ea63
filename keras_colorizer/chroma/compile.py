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
    """Upsamples ab to the photo's height; bilinear resizing is separable."""
    return {"ab": tf.image.resize(ab, [height, tf.shape(ab)[2]])}


def merge(lightness: tf.Tensor, ab: tf.Tensor, white: tf.Tensor) -> Outputs:
    """Returns rows of the photo as levels, int32 in [0, `white`]."""
    rgb = ops.merge(lightness, ab)
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
        _floats(1, "lightness"),
        _floats(2, "ab"),
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
