"""Status codes, errors, states and metadata, as TF Serving answers them."""

import json

import pytest

from keras_colorizer.serving.rest.metadata import (
    Signature,
    TensorInfo,
    metadata_body,
)
from keras_colorizer.serving.rest.model_status import (
    VersionStatus,
    status_body,
)
from keras_colorizer.serving.rest.status import Code, RestError


@pytest.mark.parametrize(
    ("code", "http_status"),
    [
        ("OK", 200),
        ("CANCELLED", 499),
        ("UNKNOWN", 500),
        ("INVALID_ARGUMENT", 400),
        ("DEADLINE_EXCEEDED", 504),
        ("NOT_FOUND", 404),
        ("ALREADY_EXISTS", 409),
        ("PERMISSION_DENIED", 403),
        ("RESOURCE_EXHAUSTED", 429),
        ("FAILED_PRECONDITION", 400),
        ("ABORTED", 409),
        ("OUT_OF_RANGE", 400),
        ("UNIMPLEMENTED", 501),
        ("INTERNAL", 500),
        ("UNAVAILABLE", 503),
        ("DATA_LOSS", 500),
        ("UNAUTHENTICATED", 401),
    ],
)
def test_codes_have_an_http_status(code, http_status):
    assert Code[code].http_status == http_status


def test_codes_are_numbered_as_in_tensorflow():
    from tensorflow.core.protobuf import error_codes_pb2

    numbers = dict(error_codes_pb2.Code.items())
    assert {code.name: code.value for code in Code} == {
        name: number
        for name, number in numbers.items()
        if not name.startswith("DO_NOT_USE")
    }


def test_an_error_is_an_object_with_its_text():
    error = RestError(Code.NOT_FOUND, 'No "x"\n\u00e9')
    assert json.loads(error.body) == {"error": 'No "x"\n\u00e9'}
    assert error.http_status == 404


def test_an_error_quotes_bytes_that_are_not_utf8():
    message = b"\xff".decode("utf-8", "surrogateescape")
    assert RestError(Code.INTERNAL, message).body == b'{"error": "\xff"}'


def test_versions_have_states():
    body = status_body(
        [
            VersionStatus(124, "END", Code.UNKNOWN, "corrupt"),
            VersionStatus(123, "AVAILABLE"),
        ]
    )
    assert json.loads(body) == {
        "model_version_status": [
            {
                "version": "124",
                "state": "END",
                "status": {
                    "error_code": "UNKNOWN",
                    "error_message": "corrupt",
                },
            },
            {
                "version": "123",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            },
        ]
    }


def test_metadata_is_the_signatures_as_protobuf_prints_them():
    from google.protobuf.json_format import ParseDict
    from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

    signature = Signature(
        {"x": TensorInfo("x:0", "DT_FLOAT", (-1, 3))},
        {"y": TensorInfo("y:0", "DT_STRING", None)},
    )
    document = json.loads(metadata_body("m", 123, {"s": signature}))
    assert document["model_spec"] == {
        "name": "m",
        "signature_name": "",
        "version": "123",
    }
    # protobuf's own reader refuses fields and types that do not exist.
    signatures = ParseDict(
        document["metadata"]["signature_def"], SignatureDefMap()
    ).signature_def
    assert signatures["s"].method_name == "tensorflow/serving/predict"
    x, y = signatures["s"].inputs["x"], signatures["s"].outputs["y"]
    assert [dim.size for dim in x.tensor_shape.dim] == [-1, 3]
    assert (x.name, x.dtype, y.dtype) == ("x:0", 1, 7)
    assert y.tensor_shape.unknown_rank
    assert not x.tensor_shape.unknown_rank


def test_metadata_names_even_what_is_empty():
    signature = Signature({}, {"y": TensorInfo("y", "DT_INT32", ())}, "")
    document = json.loads(metadata_body("m", 1, {"s": signature}))
    assert document["metadata"]["signature_def"]["signature_def"]["s"] == {
        "inputs": {},
        "outputs": {
            "y": {
                "dtype": "DT_INT32",
                "tensor_shape": {"dim": [], "unknown_rank": False},
                "name": "y",
            }
        },
        "method_name": "",
        "defaults": {},
    }
