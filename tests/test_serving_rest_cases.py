"""The embedded server is asked what TF Serving was, and answers the same."""

import gzip
import json
import re
import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fixtures.embedded_server import serving
from fixtures.half_plus_two import save_half_plus_two
from google.protobuf.json_format import MessageToDict
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

FIXTURES = Path(__file__).parent / "fixtures"
FILES = ("rest_cases.json", "more_rest_cases.json")
CASES = [case for f in FILES for case in json.loads((FIXTURES / f).read_text())]
MODEL = "half_plus_two"

# A case that needs models of its own is asked of another model of the server.
MODEL_OF_NEED = {
    "versions 123,124; policy latest": "latest",
    "versions 123,124; policy specific 123": "specific",
    "start with 123, add 124, wait": "growing",
    "extra dirs tmp, 1.bak, .hidden": "cluttered",
    "base path without numeric dirs": "empty",
    "124/saved_model.pb corrupt": "corrupt",
    "reload with label->999": "mislabeled",
}
BATCHED = "batched"  # By parameters of its own.
POLICIES = {
    "half_plus_two": 'version_labels { key: "stable" value: 123 }',
    "specific": "model_version_policy { specific { versions: 123 } }",
}
BATCHING = """
max_batch_size { value: 4 }
batch_timeout_micros { value: 60000000 }
max_enqueued_batches { value: 1 }
num_batch_threads { value: 1 }
"""
METRICS = "/monitoring/prometheus/metrics"
MONITORING = f'prometheus_config {{ enable: true path: "{METRICS}" }}'
HUNG = {"instances": [1.0, 2.0, 5.0]}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder of base paths."""
    folder = tmp_path_factory.mktemp("models")
    base = folder / MODEL
    save_half_plus_two(base / "00000123")
    save_half_plus_two(folder / "of_bias_3", bias=3.0)
    save_half_plus_two(folder / "slow" / "1", loops=2000)
    for name in (*MODEL_OF_NEED.values(), BATCHED):
        shutil.copytree(base, folder / name)
    own = folder / BATCHED / "00000123" / "batching_params.pbtxt"
    own.write_text("max_batch_size { value: 2 }")
    for name in ("latest", "specific"):
        shutil.copytree(folder / "of_bias_3", folder / name / "124")
    for name in ("tmp", "1.bak", ".hidden"):
        shutil.copytree(folder / "of_bias_3", folder / "cluttered" / name)
    shutil.rmtree(folder / "empty" / "00000123")
    (folder / "empty" / "tmp").mkdir()
    return folder


def models_config(models, policies):
    names = [MODEL, *MODEL_OF_NEED.values(), BATCHED]
    configs = [
        f'config {{ name: "{name}" base_path: "{models / name}" '
        f'model_platform: "tensorflow" {policies.get(name, "")} }}'
        for name in names
    ]
    return f"model_config_list {{ {' '.join(configs)} }}"


@pytest.fixture(scope="module")
def plain(models):
    """CORS, all models, and what some cases need to happen has happened."""
    config = models / "models.config"
    config.write_text(models_config(models, POLICIES))
    with serving(
        *("--config", config, "--model_config_file_poll_wait_seconds", 0.5),
        "--rest_api_enable_cors_support",
        *("--enable-per-model-batching-parameters", "--max-body-mib", 1),
    ) as server:
        shutil.copytree(models / "of_bias_3", models / "growing" / "124")
        broken = models / "corrupt" / "124"
        broken.mkdir()
        (broken / "saved_model.pb").write_bytes(b"no protobuf at all")
        wrong = {"mislabeled": 'version_labels { key: "x" value: 999 }'}
        config.write_text(models_config(models, POLICIES | wrong))
        wait_for_state(server, "growing", "124", "AVAILABLE")
        wait_for_state(server, "corrupt", "124", "END")
        yield server


def wait_for_state(server, model, version, state):
    for _ in range(600):
        answer = server.client.get(f"/v1/models/{model}").json()
        found = {
            status["version"]: status["state"]
            for status in answer["model_version_status"]
        }
        if found.get(version) == state:
            return
        time.sleep(0.1)
    pytest.fail(f"{model} {version}: {found}")


@pytest.fixture(scope="module")
def special(models):
    """Prometheus, and a queue in which all wait for longer than they may."""
    batching = models / "batching_parameters.txt"
    batching.write_text(BATCHING)
    monitoring = models / "monitoring.config"
    monitoring.write_text(MONITORING)
    with serving(
        *("--model", models / MODEL, "--name", MODEL),
        *("--batching-parameters", batching),
        *("--monitoring-config", monitoring),
        *("--rest_api_timeout_in_ms", 500),
    ) as server:
        yield server


@pytest.fixture(scope="module")
def slow(models):
    """A model of seconds, and a millisecond to answer."""
    with serving(
        *("--model", models / "slow", "--name", MODEL),
        *("--rest-api-timeout-in-ms", 1),
    ) as server:
        yield server


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case, request):
    need = case.get("needs", "")
    server = request.getfixturevalue(server_of(need))
    if "saturated" in need:
        with filled_queue(server):
            response = ask(server, case)
    else:
        response = ask(server, case, model=MODEL_OF_NEED.get(need, MODEL))
    assert response.status_code == case["expected_status"], response.text
    check(case, response, model=MODEL_OF_NEED.get(need, MODEL))


def server_of(need):
    if need.startswith("slow model"):
        return "slow"
    is_special = need.startswith(("--enable_batching", "prometheus"))
    return "special" if is_special else "plain"


@contextmanager
def filled_queue(server):
    """Another request waits, with which the next would be more than a batch."""
    waiting = threading.Thread(target=server.predict, args=[HUNG])
    waiting.start()
    time.sleep(0.2)
    yield
    waiting.join()


def ask(server, case, *, model=MODEL):
    body = case["body"]
    if isinstance(body, dict):
        body = b"\0" * (body["$zeros_mib"] * 2**20)
    if isinstance(body, str):
        body = body.encode()
    if case.get("encode") == "gzip":
        body = gzip.compress(body, compresslevel=1)
    return server.client.request(
        case["method"],
        case["path"].replace(MODEL, model),
        content=body,
        headers=case.get("headers"),
    )


def check(case, response, *, model):
    expected = case["expected_json_or_error_substring"]
    if isinstance(expected, str):
        expected = expected.replace(MODEL, model)
    match case["match"]:
        case "json":
            # Python reads NaN and Infinity as they are printed.
            assert response.json() == expected
            assert "content-encoding" not in response.headers
        case "error_substring":
            assert expected in response.json()["error"]
        case "raw_substring":
            assert expected in response.text
        case "raw_equals":
            assert response.text == expected
        case "number_tokens":
            assert expected in re.sub(r"\s+", " ", response.text)
        case "header":
            assert response.headers[case["header"]] == expected
        case other:
            assert other == "none"


def test_who_finds_the_queue_full_is_told_when_to_come_back(special):
    with filled_queue(special):
        response = special.predict(HUNG)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"


def test_who_leaves_the_queue_makes_room(special):
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{special.url}/v1/models/{MODEL}:predict", json=HUNG, timeout=0.2
        )
    begun = time.monotonic()
    assert special.predict(HUNG).status_code == 429
    assert time.monotonic() - begun > 0.4


def test_a_model_may_bring_its_own_batching_parameters(plain):
    rows = {"instances": [1.0, 2.0, 5.0]}
    assert plain.predict(rows).is_success
    response = plain.predict(rows, model=BATCHED)
    assert response.status_code == 400
    message = "Task size 3 is larger than maximum input batch size 2"
    assert response.json() == {"error": message}
    rows = {"instances": [1.0, 2.0]}
    assert plain.predict(rows, model=BATCHED).is_success


def test_metadata_is_what_protobuf_says(plain, models):
    saved = SavedModel.FromString(
        (models / MODEL / "00000123" / "saved_model.pb").read_bytes()
    )
    (graph,) = saved.meta_graphs
    expected = {
        name: MessageToDict(
            signature,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        for name, signature in graph.signature_def.items()
    }
    answer = plain.client.get(f"/v1/models/{MODEL}/metadata").json()
    found = answer["metadata"]["signature_def"]["signature_def"]
    assert found == expected


CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": "Content-Type",
}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"/v1/models/{MODEL}", b"", 200),
        ("GET", f"/v1/models/{MODEL}/metadata", b"", 200),
        ("GET", "/v1/models/nosuch", b"", 404),
        ("POST", f"/v1/models/{MODEL}:predict", b"{", 400),
        ("PUT", f"/v1/models/{MODEL}", b"", 400),
        ("OPTIONS", f"/v1/models/{MODEL}", b"", 400),
        ("POST", f"/v1/models/{MODEL}:predict", bytes(2**20 + 1), 413),
    ],
)
def test_every_answer_may_be_read_by_scripts(plain, method, path, body, status):
    response = plain.client.request(method, path, content=body)
    assert response.status_code == status
    assert CORS.items() <= dict(response.headers).items()
