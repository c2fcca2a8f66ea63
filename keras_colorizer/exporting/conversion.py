"""Conversion of a generator to `.tflite` files, of built-in ops alone."""

import contextlib
import io
import re
import tempfile
import warnings
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_colorizer.encoding import encode_lightness
from keras_colorizer.errors import ArtifactError, first_line
from keras_colorizer.exporting.signatures import ColorizerGraph, square_inputs
from keras_colorizer.files import disk_errors
from keras_colorizer.inference.keras_network import KerasNetwork
from keras_colorizer.networks.float16 import ready_for_float16

# Passages in TensorFlow's description of a file that name what GPU delegates
# refuse. In TensorFlow 2.21 its own verdict never does.
# Source: google-ai-edge/LiteRT, tflite/tools/versioning/gpu_compatibility.cc
REFUSED_BY_GPUS = {
    "open sizes": r"shape_signature:\[[^]]*-1",
    "more than 4 dimensions": r"shape:\[\d+(, \d+){4,}\]",
    "ops": r"Op#\d+ (BROADCAST_TO|EXPAND_DIMS|GATHER_ND|SHAPE)\(",
    "what TensorFlow warns of": "GPU COMPATIBILITY WARNING",
}


def convert(
    network: KerasNetwork,
    *,
    precision: str,
    any_size: bool,
    views: Sequence[np.ndarray] = (),
) -> bytes:
    """Converts to a `.tflite` file.

    Args:
        network: Predicts ab.
        precision: `float32`, `float16` (of the weights), `int8`, which takes
            no hints, or `int8_weights`.
        any_size: Whether it colors photos of any size. Its signature
            `colorize` then comes first, so that runtimes which know no names
            take it. Otherwise it has fixed sizes and the signatures from
            lightness to ab alone, for GPU, NPU and browser.
        views: `(1, s, s, 1)` float32 L* of photos, from which `float16` takes
            the mean and `int8` the range of every activation.

    Raises:
        ArtifactError: If the network has ops that LiteRT does not know or,
            with fixed sizes, GPUs do not take.
    """
    if precision == "float16":
        encoded = [encode_lightness(view) for view in views]
        generator = ready_for_float16(network.generator, encoded, folded=True)
        network = KerasNetwork(generator, render_size=network.render_size)
    inputs = square_inputs(1, network.render_size)
    if precision == "int8":
        # In 8 bits a weight of 0.005 is none: hints end 20 units off.
        del inputs["predict_ab_with_hints"]
    if any_size:
        rgb = tf.TensorSpec([1, None, None, 3], tf.uint8, name="rgb")
        inputs = {"colorize": [rgb], **inputs}
    tflite = _converted(ColorizerGraph(network), inputs, precision, views)
    if not any_size:
        assert_gpu_ready(tflite)
    return tflite


def assert_gpu_ready(tflite: bytes) -> None:
    """Refuses a `.tflite` file that GPUs and NPUs are known not to take.

    A certain device may refuse more.
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        tf.lite.experimental.Analyzer.analyze(
            model_content=tflite, gpu_compatibility=True
        )
    reasons = [
        reason
        for reason, passage in REFUSED_BY_GPUS.items()
        if re.search(passage, printed.getvalue())
    ]
    if reasons:
        raise ArtifactError(
            "GPUs and NPUs cannot take the whole model, because of "
            f"{' and '.join(reasons)}: give its inputs fixed sizes and build "
            "the network of other layers."
        )


def _converted(
    graph: ColorizerGraph,
    inputs: dict[str, list[tf.TensorSpec]],
    precision: str,
    views: Sequence[np.ndarray],
) -> bytes:
    """Converts by way of a SavedModel.

    Converting the functions themselves loses the weights of Keras models
    without a word.
    """
    archive = keras.export.ExportArchive()
    for name, specs in inputs.items():
        archive.add_endpoint(name, getattr(graph, name), input_signature=specs)
    with tempfile.TemporaryDirectory() as folder:
        with disk_errors():
            archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(inputs)
        )
        _set_precision(converter, precision, views)
        return _bytes(converter)


def _set_precision(
    converter: tf.lite.TFLiteConverter,
    precision: str,
    views: Sequence[np.ndarray],
) -> None:
    ops = tf.lite.OpsSet.TFLITE_BUILTINS
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "int8":
        ops = tf.lite.OpsSet.TFLITE_BUILTINS_INT8
        converter.representative_dataset = lambda: (
            ("predict_ab", {"lightness": view}) for view in views
        )
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [ops]


def _bytes(converter: tf.lite.TFLiteConverter) -> bytes:
    with warnings.catch_warnings():
        # TensorFlow calibrates with what TensorFlow calls deprecated.
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is depr")
        try:
            return converter.convert()
        except Exception as error:  # noqa: BLE001, the converter's any trouble
            raise ArtifactError(
                "The network cannot be converted to a .tflite file "
                f"({first_line(error)}): build it of other layers."
            ) from None
