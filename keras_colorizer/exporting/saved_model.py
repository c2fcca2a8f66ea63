"""The SavedModel of an export, as TF Serving mounts it."""

from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import (
    PredictionLog,
    PredictLog,
)

from keras_colorizer.errors import ConfigError
from keras_colorizer.exporting.signatures import ServerGraph
from keras_colorizer.files import disk_errors
from keras_colorizer.hints import hint_array
from keras_colorizer.inference.keras_network import KerasNetwork
from keras_colorizer.inference.network import saved_versions

ASSETS = "assets.extra"  # In a SavedModel: files that its graph ignores.
WARMUP = "tf_serving_warmup_requests"
WARMUP_SIZES = ((512, 512), (1200, 1600))  # Height and width.
GREY = 50.0  # L*


def choose_version(models: Path, *, version: int | None) -> Path:
    """Returns the folder of a new version, by default the next one.

    Raises:
        ConfigError: If there is such a version already, or none can be.
    """
    if version is None:
        version = max(saved_versions(models), default=0) + 1
    if version < 0:
        raise ConfigError(f"--version must be 0 or more. Received: {version}")
    if version in saved_versions(models):
        raise ConfigError(
            f"--version: there is a version {version} in `{models}`, and "
            "servers may be using it: take a higher one."
        )
    return models / str(version)


def write_saved_model(
    network: KerasNetwork, folder: Path, *, max_pixels: int
) -> None:
    """Writes the signatures and the warm-up requests of one version."""
    graph = ServerGraph(network, max_pixels=max_pixels)
    archive = keras.export.ExportArchive()
    # The first one becomes `serving_default`, too.
    for name, specs in graph.inputs.items():
        archive.add_endpoint(name, graph.checked(name), input_signature=specs)
    with disk_errors():
        archive.write_out(folder, verbose=False)
        (folder / ASSETS).mkdir()
        _write_warmup(folder / ASSETS / WARMUP, network.render_size, max_pixels)


def _write_warmup(path: Path, render_size: int, max_pixels: int) -> None:
    """Writes requests that TF Serving runs before it announces a version.

    Without them the first user waits while kernels and memory are prepared.
    Source: tensorflow/serving, servables/tensorflow/saved_model_warmup_util.h.
    """
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in _warmup(render_size, max_pixels):
            request = PredictRequest(
                model_spec=ModelSpec(
                    name="colorizer", signature_name=signature
                ),
                inputs={
                    name: tf.make_tensor_proto(value)
                    for name, value in inputs.items()
                },
            )
            log = PredictionLog(predict_log=PredictLog(request=request))
            writer.write(log.SerializeToString())


def _warmup(
    render_size: int, max_pixels: int
) -> Iterator[tuple[str, dict[str, tf.Tensor]]]:
    """Yields signatures with the values of their inputs by name."""
    for height, width in WARMUP_SIZES:
        if height * width <= max_pixels:
            jpeg = tf.io.encode_jpeg(tf.zeros((height, width, 1), tf.uint8))
            yield "colorize_image_bytes", {"image_bytes": jpeg[None]}
    square = {"lightness": tf.fill((1, render_size, render_size, 1), GREY)}
    yield "predict_ab", square
    yield "predict_ab_with_hints", square | {"hints": hint_array([])[None]}
