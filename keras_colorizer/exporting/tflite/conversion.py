"""Files for phones, browsers and small computers: `.tflite`."""

import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from keras_colorizer.errors import ArtifactError, first_line
from keras_colorizer.exporting.graph import ColorizerGraph
from keras_colorizer.files import disk_errors
from keras_colorizer.inference.keras_network import KerasNetwork
from keras_colorizer.networks.float16 import ready_for_float16


def colorizer_tflite(network: KerasNetwork, *, float16: bool) -> bytes:
    """Converts to a file that colors photos of any size.

    Its signature `colorize` comes first, so that runtimes which know no names
    take it. `predict_ab`, of the same weights, serves photos of 16 bits and
    other saturations.

    Args:
        network: What predicts ab.
        float16: Store the weights in half the space.
    """
    graph = ColorizerGraph(_ready(network) if float16 else network)
    any_photo = tf.TensorSpec([1, None, None, 3], tf.uint8, name="rgb")
    endpoints = {
        "colorize": (graph.colorize, any_photo),
        "predict_ab": (graph.predict_ab, _square(network)),
    }
    with _converter(network, endpoints) as converter:
        if float16:
            _store_as_float16(converter)
        return _converted(converter)


def ab_float16_tflite(network: KerasNetwork) -> bytes:
    """Converts to a file of static shapes, for GPU, NPU and browser.

    Args:
        network: What predicts ab.
    """
    with _ab_converter(_ready(network)) as converter:
        _store_as_float16(converter)
        return _converted(converter)


def ab_integer_tflite(
    network: KerasNetwork, views: Sequence[np.ndarray]
) -> bytes:
    """Converts to a file of static shapes that computes in 8-bit integers.

    Args:
        network: What predicts ab.
        views: The representative dataset: `(1, s, s, 1)` float32 L* of photos,
            from which the range of every activation is taken.
    """

    def representative_dataset():
        for view in views:
            yield "predict_ab", {"lightness": view}

    with _ab_converter(network) as converter:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative_dataset
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS_INT8
        ]
        with warnings.catch_warnings():
            # TensorFlow calibrates with what TensorFlow calls deprecated.
            warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is depr")
            return _converted(converter)


def ab_dynamic_tflite(network: KerasNetwork) -> bytes:
    """Converts to a file of static shapes with 8-bit weights.

    The ranges of activations are measured while it runs.

    Args:
        network: What predicts ab.
    """
    with _ab_converter(network) as converter:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return _converted(converter)


def _ready(network):
    generator = ready_for_float16(network.generator, folded=True)
    return KerasNetwork(generator, render_size=network.render_size)


def _ab_converter(network):
    graph = ColorizerGraph(network)
    endpoints = {"predict_ab": (graph.predict_ab, _square(network))}
    return _converter(network, endpoints)


def _square(network):
    shape = [1, network.render_size, network.render_size, 1]
    return tf.TensorSpec(shape, tf.float32, name="lightness")


@contextmanager
def _converter(
    network: KerasNetwork,
    endpoints: dict[str, tuple[Callable, tf.TensorSpec]],
) -> Iterator[tf.lite.TFLiteConverter]:
    """Yields a converter of these signatures.

    By way of a SavedModel: converting the functions themselves loses the
    weights of Keras models without a word.
    """
    archive = keras.export.ExportArchive()
    for name, (function, spec) in endpoints.items():
        archive.add_endpoint(name, function, input_signature=[spec])
    with tempfile.TemporaryDirectory() as folder:
        with disk_errors():
            archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(endpoints)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        yield converter


def _converted(converter):
    try:
        return converter.convert()
    except Exception as error:  # noqa: BLE001, the converter's any trouble
        raise ArtifactError(
            "The network cannot be converted to a .tflite file "
            f"({first_line(error)}): build it of other layers."
        ) from None


def _store_as_float16(converter):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
