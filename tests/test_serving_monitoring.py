"""What Prometheus is told, and in which words."""

import re

import httpx
import pytest
import tensorflow as tf
from fixtures.embedded_server import serving
from fixtures.half_plus_two import save_half_plus_two
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from keras_colorizer.serving.models.warmup import REQUESTS as WARM_UP
from keras_colorizer.serving.monitoring import BUCKETS, Monitoring
from keras_colorizer.serving.rest.status import Code

PATH = "/custom/metrics"
# Source: Prometheus' "Exposition formats".
SAMPLE = re.compile(
    r"""([a-zA-Z_:][a-zA-Z0-9_:]*)\{
        ((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)+)
        \}\ (\d+(?:\.\d+)?(?:e\+\d+)?)""",
    re.VERBOSE,
)
REQUESTS = ":tensorflow:serving:request_count"
LATENCY = ":tensorflow:serving:request_latency"


def samples(text):
    """Values by name and labels; fails where it is not Prometheus' format."""
    assert text.endswith("\n")
    lines = text.splitlines()
    found = [
        SAMPLE.fullmatch(line).groups()
        for line in lines
        if not line.startswith("# TYPE ")
    ]
    assert len({sample[:2] for sample in found}) == len(found)
    return {(name, labels): float(value) for name, labels, value in found}


def test_buckets_are_tensorflows():
    # Buckets::Exponential(10, 1.8, 33), about 20 minutes in microseconds.
    assert len(BUCKETS) == 33
    assert BUCKETS[:3] == pytest.approx([10, 18, 32.4])
    assert BUCKETS[-1] == pytest.approx(25 * 60e6, rel=0.05)


def test_a_histogram_counts_what_is_not_above_each_limit():
    monitoring = Monitoring()
    for microseconds in (10, 10.1, 18, 1e12):
        monitoring.add_request(
            "m", "predict", Code.OK, seconds=microseconds / 1e6
        )
    found = samples(monitoring.text())
    labels = 'model_name="m",API="predict",entrypoint="REST"'
    limits = ("10", "18", "32.4", "+Inf")
    counts = [
        found[f"{LATENCY}_bucket", f'{labels},le="{le}"'] for le in limits
    ]
    assert counts == [1, 3, 3, 4]
    assert found[f"{LATENCY}_count", labels] == 4
    assert found[f"{LATENCY}_sum", labels] == pytest.approx(1e12, abs=100)
    buckets = [name for name, _ in found if name == f"{LATENCY}_bucket"]
    assert len(buckets) == 34


def test_label_values_are_escaped():
    monitoring = Monitoring()
    monitoring.add_request('a"\\\n', "predict", Code.UNAVAILABLE, seconds=1)
    labels = r'model_name="a\"\\\n",status="UNAVAILABLE"'
    assert samples(monitoring.text()) == {(REQUESTS, labels): 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of a model that warms up with three requests, and of a broken version."""
    folder = tmp_path_factory.mktemp("served")
    save_half_plus_two(folder / "m" / "1")
    log = PredictionLog()
    inputs = log.predict_log.request.inputs
    inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
    requests = folder / "m" / "1" / WARM_UP
    requests.parent.mkdir()
    with tf.io.TFRecordWriter(str(requests)) as writer:
        for _ in range(3):
            writer.write(log.SerializeToString())
    (folder / "m" / "2").mkdir()
    (folder / "m" / "2" / "saved_model.pb").write_bytes(b"no protobuf at all")
    return folder


@pytest.fixture(scope="module")
def server(folder):
    config = folder / "monitoring.config"
    config.write_text(f'prometheus_config {{ enable: true path: "{PATH}" }}')
    with serving(
        *("--model", folder / "m", "--name", "m"),
        *("--monitoring-config", config),
    ) as server:
        yield server


def test_loading_and_warming_up_are_told(server, folder):
    found = samples(server.client.get(PATH).text)
    one, two = (f'model_path="{folder / "m" / n}"' for n in "12")
    loads = ":tensorflow:cc:saved_model:load_attempt_count"
    assert found[loads, f'{one},status="success"'] == 1
    assert found[loads, f'{two},status="fail"'] == 1
    assert 1e3 < found[":tensorflow:cc:saved_model:load_latency", one] < 60e6
    warmup = ":tensorflow:serving:model_warmup"
    assert found[f"{warmup}_records_read", one] == 3
    assert found[f"{warmup}_latency_count", f'{one},status="OK"'] == 1
    # TF Serving counts no warm-up where there are no requests for it.
    assert not [key for key in found if "warmup" in key[0] and two in key[1]]


def test_a_query_is_refused_where_metrics_are(server):
    for more in ("?x=1", "?"):
        response = server.client.get(httpx.URL(PATH + more))
        assert response.status_code == 400
        assert response.headers["Content-Type"] == "text/plain"
        assert (
            response.text == f"Unexpected path: {PATH}{more}. Should be {PATH}"
        )
    for path in (f"{PATH}/", PATH.upper(), "/monitoring/prometheus/metrics"):
        assert server.client.get(path).status_code == 404


def test_requests_are_counted_by_model_and_status(server):
    assert server.predict({"instances": [1.0]}, model="m").is_success
    assert server.predict({"instances": ["x"]}, model="m").is_client_error
    assert server.predict({"instances": [1.0]}, model="other").is_client_error
    response = server.client.get(PATH)
    assert response.headers["Content-Type"] == "text/plain"
    found = samples(response.text)
    assert found[REQUESTS, 'model_name="m",status="OK"'] == 1
    assert found[REQUESTS, 'model_name="m",status="INVALID_ARGUMENT"'] == 1
    assert not [labels for _, labels in found if "other" in labels]
    labels = 'model_name="m",API="predict",entrypoint="REST"'
    assert found[f"{LATENCY}_count", labels] == 1
    labels = 'model_name="m",API="predict",runtime="TF1"'
    assert found[":tensorflow:serving:runtime_latency_count", labels] == 1
    waiting = ":tensorflow:serving:batching_session:queuing_latency"
    assert found[f"{waiting}_count", 'thread_pool_name=""'] == 1
    # Buckets::Exponential(100, 1.2, 52), about a second in microseconds.
    limits = [labels for name, labels in found if name == f"{waiting}_bucket"]
    assert limits[1].endswith('le="120"')
    assert len(limits) == 53


def test_every_metric_has_its_type_before_it(server):
    declared = set()
    for line in server.client.get(PATH).text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.removeprefix("# TYPE ").split(" ")
            assert kind in ("counter", "histogram")
            declared.add(name)
        else:
            name = line.partition("{")[0]
            assert re.sub("_(bucket|sum|count)$", "", name) in declared or (
                name in declared
            )
