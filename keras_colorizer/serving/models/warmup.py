"""Requests that run before a version is available, so that no user waits.

Source: TF Serving's servables/tensorflow/saved_model_warmup_util.cc.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from keras_colorizer.serving.models.saved_model import LoadedModel
from keras_colorizer.serving.rest.status import (
    Code,
    RestError,
    invalid_argument,
)

REQUESTS = Path("assets.extra", "tf_serving_warmup_requests")
MAX_RECORDS = 1000
DEFAULT_SIGNATURE = "serving_default"


def warm_up(model: LoadedModel, folder: Path) -> int:
    """Runs the requests that lie in a SavedModel, if any.

    Args:
        model: What runs them.
        folder: Of the SavedModel.

    Returns:
        How many there were.

    Raises:
        RestError: If there are more than 1000, or one cannot be read or run.
    """
    path = folder / REQUESTS
    if not path.exists():
        return 0
    count = 0
    for record in _records(path):
        _replay(model, _log(record, path))
        count += 1
        if count > MAX_RECORDS:
            raise invalid_argument(
                "Number of warmup records exceeds the maximum "
                f"({MAX_RECORDS}) at {path}"
            )
    return count


def _records(path) -> Iterator[bytes]:
    try:
        yield from tf.compat.v1.io.tf_record_iterator(str(path))
    except tf.errors.DataLossError as error:
        raise RestError(
            Code.DATA_LOSS,
            f"{error.message}. Please verify your warmup data is in TFRecord "
            "format.",
        ) from None


def _log(record, path):
    try:
        return PredictionLog.FromString(record)
    except DecodeError:
        raise invalid_argument(
            f"Failed to parse warmup record: {record!r} from {path}"
        ) from None


def _replay(model, log):
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        request = log.predict_log.request
        inputs = {
            alias: tf.make_ndarray(tensor)
            for alias, tensor in request.inputs.items()
        }
        _run(model, request.model_spec, inputs)
    elif kind in ("classify_log", "regress_log"):
        request = getattr(log, kind).request
        _run(model, request.model_spec, _examples(request.input))
    elif kind == "multi_inference_log":
        request = log.multi_inference_log.request
        for task in request.tasks:
            _run(model, task.model_spec, _examples(request.input))
    else:
        raise RestError(
            Code.UNIMPLEMENTED,
            f"Unsupported log_type for warmup: {kind or 'LOG_TYPE_NOT_SET'}",
        )


def _examples(input):
    examples = input.example_list.examples
    serialized = [example.SerializeToString() for example in examples]
    return {"inputs": np.array(serialized, object)}


def _run(model, spec, inputs):
    name = spec.signature_name or DEFAULT_SIGNATURE
    if name not in model.signatures:
        raise invalid_argument(
            f'Serving signature name: "{name}" not found in signature def'
        )
    missing = model.signatures[name].inputs.keys() - inputs.keys()
    if missing:
        raise invalid_argument(
            f"Warmup request for {name} lacks the inputs {sorted(missing)}"
        )
    model.run(name, inputs)
