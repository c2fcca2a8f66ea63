"""TF Serving's REST API, asked as its own tests and users ask."""

import gzip
import json
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from fixtures.embedded_server import running
from fixtures.half_plus_two import save_half_plus_two
from google.protobuf.json_format import MessageToDict
from starlette.exceptions import HTTPException
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from keras_colorizer.errors import ArtifactError
from keras_colorizer.litert import available_cores
from keras_colorizer.serving.app import Api
from keras_colorizer.serving.limits import Limits
from keras_colorizer.serving.rest import read_inputs, read_json
from keras_colorizer.serving.server import load_model

FIXTURES = Path(__file__).parent / "fixtures"
CASES = json.loads((FIXTURES / "rest_cases.json").read_text())
MODEL = "/v1/models/half_plus_two"


@pytest.fixture(scope="module")
def base_path(tmp_path_factory):
    """Two versions and what is none; the higher one is served."""
    base = tmp_path_factory.mktemp("half_plus_two")
    save_half_plus_two(base / "00000123")
    shutil.copytree(base / "00000123", base / "9")
    for name in ("tmp", "1.bak", ".hidden"):
        shutil.copytree(base / "00000123", base / name)
    (base / "200").mkdir()
    return base


@contextmanager
def client_of(path, *, seconds=30.0):
    limits = Limits(body_bytes=2**20, seconds=seconds, waiting=8, origins=())
    model = load_model(str(path), max_pixels=1)
    app = Api("half_plus_two", model, limits).app(hosts=["127.0.0.1"])
    with running(app) as server:
        yield server.client


@pytest.fixture(scope="module")
def client(base_path):
    with client_of(base_path) as client:
        yield client


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_status_shape_and_value_are_tf_servings(case, client):
    body = (case.get("body") or "").encode()
    if case.get("encode") == "gzip":
        body = gzip.compress(body)
    response = client.request(
        case["method"],
        case["path"],
        content=body,
        headers=case.get("headers"),
    )
    assert response.status_code == case["expected_status"], response.text
    if "expected_json" in case:
        assert response.headers["Content-Type"] == "application/json"
        assert "Content-Encoding" not in response.headers
        assert_same(response.json(), case["expected_json"])
    elif response.status_code != 200 and case["path"].startswith("/v1/"):
        assert response.json()["error"]


def assert_same(found, expected):
    """Compares JSON, and numbers as float32 has them."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-6, nan_ok=True)
    else:
        assert found == expected


def test_metadata_is_what_protobuf_says(client, base_path):
    saved = base_path / "00000123" / "saved_model.pb"
    (graph,) = SavedModel.FromString(saved.read_bytes()).meta_graphs
    expected = {
        name: MessageToDict(
            signature,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        for name, signature in graph.signature_def.items()
        if signature.outputs
    }
    answer = client.get(f"{MODEL}/metadata").json()
    assert answer["model_spec"]["version"] == "123"
    assert answer["metadata"]["signature_def"]["signature_def"] == expected


def test_a_time_out_ends_the_work(tmp_path):
    save_half_plus_two(tmp_path, loops=1_000_000)  # Minutes.
    path, slow = f"{MODEL}:predict", {"instances": [1.0]}
    with client_of(tmp_path, seconds=2.0) as client:
        for _ in range(available_cores()):  # A thread for each.
            response = client.post(path, json=slow)
            assert response.status_code == 504
            assert response.json()["error"]
        quick = {"signature_name": "zero_out", "instances": [1.0]}
        assert client.post(path, json=quick).is_success


GZIP = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"[" * 2**19 + b"]" * 2**19, {}, 400),
        (b'{"a":' * 2**17, {}, 413),
        (b'{"instances": [' + b"[]," * 300_000 + b"[0]]}", {}, 400),
        (gzip.compress(b"[" * 2**20), GZIP, 400),
        (gzip.compress(bytes(2**20 + 1)), GZIP, 413),
        (gzip.compress(b"{}")[:-9], GZIP, 400),
        (b"{}", GZIP, 400),
    ],
    ids=[
        "lists",
        "objects",
        "flat",
        "zip",
        "large zip",
        "half a zip",
        "no zip",
    ],
)
def test_hostile_json_is_refused_at_once(body, headers, status, client):
    begun = time.monotonic()
    response = client.post(f"{MODEL}:predict", content=body, headers=headers)
    assert response.status_code == status
    assert response.json()["error"]
    assert time.monotonic() - begun < 20


def test_json_that_would_fill_the_memory_is_not_built():
    key_values = b",".join(b'"%d": 0' % number for number in range(60_000))
    for values in (
        b"[]," * 2_500_000,
        b"1," * 5_000_001,
        b"{}," * 10_001,
        b'"a",' * 50_001,
        b"{" + key_values + b"},",
        '"\N{CAMERA}'.encode() + b"a" * 2**24 + b'",',
        rb'"\uD83D\uDCF7' + b"a" * 2**24 + b'",',
    ):
        with pytest.raises(HTTPException, match="too (many|large)") as refusal:
            read_json(b'{"instances": [' + values + b"0]}")
        assert refusal.value.status_code == 413


def test_a_megapixel_may_come_as_numbers():
    row = b"[" + b"[255, 0, 0]," * 999 + b"[0, 0, 0]],"
    body = b'{"instances": [[' + 999 * row + row[:-1] + b"]]}"
    inputs = read_inputs(read_json(body), {"rgb": {"dtype": "DT_UINT8"}})
    expected = np.zeros((1, 1000, 1000, 3), "uint8")
    expected[..., :-1, 0] = 255
    np.testing.assert_array_equal(inputs["rgb"], expected)


def test_versions_are_numbers_and_the_highest_is_served(base_path):
    assert load_model(str(base_path), max_pixels=1).version == 123
    assert load_model(str(base_path / "9"), max_pixels=1).version == 9
    assert load_model(str(base_path / "tmp"), max_pixels=1).version == 1


def test_what_is_no_model_is_an_error_in_a_sentence(tmp_path):
    with pytest.raises(ArtifactError, match="is no model: name the folder"):
        load_model(str(tmp_path), max_pixels=1)
    (tmp_path / "saved_model.pb").write_bytes(b"no protobuf at all")
    with pytest.raises(ArtifactError, match="is damaged"):
        load_model(str(tmp_path), max_pixels=1)
