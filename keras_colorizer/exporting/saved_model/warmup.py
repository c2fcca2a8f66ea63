"""Requests that TF Serving runs before it calls a new version available.

Without them the first user waits while kernels and memory are prepared.
Source: tensorflow/serving, servables/tensorflow/saved_model_warmup_util.h.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import (
    model_pb2,
    predict_pb2,
    prediction_log_pb2,
)

ASSETS = Path("assets.extra")  # In a SavedModel: files that its graph ignores.
REQUESTS = "tf_serving_warmup_requests"
PHOTO_SIZES = ((512, 512), (1200, 1600))  # Height and width.
GREY = 50.0  # L*


def write_warmup(assets: Path, *, render_size: int, max_pixels: int) -> None:
    """Adds requests to a SavedModel.

    Args:
        assets: Its folder `assets.extra`.
        render_size: Side in pixels of the square that the network sees.
        max_pixels: Larger photos are refused, so they cannot warm it up.
    """
    assets.mkdir()
    with tf.io.TFRecordWriter(str(assets / REQUESTS)) as writer:
        for request in _requests(render_size, max_pixels):
            log = prediction_log_pb2.PredictLog(request=request)
            record = prediction_log_pb2.PredictionLog(predict_log=log)
            writer.write(record.SerializeToString())


def _requests(render_size, max_pixels) -> Iterator[predict_pb2.PredictRequest]:
    for height, width in PHOTO_SIZES:
        if height * width > max_pixels:
            continue
        jpeg = np.array([_jpeg(height, width)])
        yield _request("colorize_image_bytes", image_bytes=jpeg)
    square = np.full((1, render_size, render_size, 1), GREY, "float32")
    yield _request("predict_ab", lightness=square)


def _jpeg(height, width):
    ramp = np.linspace(0, 255, height * width).reshape(height, width)
    file = io.BytesIO()
    Image.fromarray(ramp.astype("uint8")).save(file, "JPEG")
    return file.getvalue()


def _request(signature, **inputs):
    spec = model_pb2.ModelSpec(name="colorizer", signature_name=signature)
    tensors = {name: tf.make_tensor_proto(v) for name, v in inputs.items()}
    return predict_pb2.PredictRequest(model_spec=spec, inputs=tensors)
