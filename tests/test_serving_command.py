"""`serve` as a command: what it refuses, and how it stops."""

import io
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from fixtures.colorizing_server import free_port
from fixtures.embedded_server import PATIENCE, serving
from fixtures.half_plus_two import save_half_plus_two

from keras_colorizer.cli.serve import Serve, serve
from keras_colorizer.errors import ConfigError, ServingError

SECONDS = {"instances": [1.0, 2.0, 5.0]}  # That long the slow model takes.


@pytest.fixture(scope="module")
def base_path(tmp_path_factory):
    """Of a model that takes a second or more."""
    base = tmp_path_factory.mktemp("slow")
    save_half_plus_two(base / "1", loops=5000)
    return base


@pytest.fixture
def server(base_path):
    with serving("--model", base_path, "--verbose") as server:
        yield server


class Asking(threading.Thread):
    """A request in a thread of its own."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.outcome = self.ended = None
        self.start()
        time.sleep(0.3)

    def run(self):
        try:
            self.outcome = self.server.predict(SECONDS, model="colorizer")
        except httpx.HTTPError as error:
            self.outcome = error
        self.ended = time.monotonic()


@pytest.mark.parametrize(
    "stop",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_what_was_accepted_is_finished(server, stop):
    asking = [Asking(server) for _ in range(2)]
    server.process.send_signal(stop)
    stopped = time.monotonic()
    time.sleep(0.5)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/healthz")
    for thread in asking:
        thread.join()
        assert thread.ended > stopped + 0.1
        assert thread.outcome.json() == {"predictions": [2.5, 3.0, 4.5]}
    assert server.process.wait(PATIENCE) == 0
    line = r"127\.0\.0\.1 POST /v1/models/colorizer:predict 200 \d+ ms"
    printed = server.process.stderr.read()
    assert len(re.findall(f"^{line}$", printed, re.MULTILINE)) == 2


@pytest.mark.slow
def test_a_second_signal_stops_at_once(server):
    asking = Asking(server)
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 130
    asking.join()
    assert isinstance(asking.outcome, httpx.TransportError)
    assert "Traceback" not in server.process.stderr.read()


def test_it_lets_nobody_in_before_it_serves(base_path):
    port = free_port()
    command = [sys.executable, "-m", "keras_colorizer", "serve"]
    with subprocess.Popen(
        [*command, "--model", str(base_path), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("Loading")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
        finally:
            process.terminate()


class EnoughError(Exception):
    """Ends a server that has said what was waited for."""


def test_who_reads_that_it_serves_may_come_at_once(base_path, monkeypatch):
    class Reader(io.StringIO):
        def write(self, text):
            if found := re.search(r"Serving .* at http://(.+):(\d+)", text):
                host, port = found.groups()
                socket.create_connection((host, int(port))).close()
                raise EnoughError
            return super().write(text)

    monkeypatch.setattr(sys, "stdout", Reader())
    with pytest.raises(EnoughError):
        serve(Serve(model=base_path, port=0, file_system_poll_wait_seconds=0))


def test_it_waits_for_a_first_version(base_path, tmp_path):
    model = "/v1/models/colorizer"
    with serving("--model", tmp_path) as server:
        response = server.client.get(model)
        assert response.status_code == 404
        message = "Could not find any versions of model colorizer"
        assert response.json() == {"error": message}
        response = server.predict(SECONDS, model="colorizer")
        message = "Servable not found for request: Latest(colorizer)"
        assert response.json() == {"error": message}
        assert server.client.get("/healthz").status_code == 503
        shutil.copytree(base_path / "1", tmp_path / "1")
        deadline = time.monotonic() + PATIENCE
        while server.client.get("/healthz").status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert "AVAILABLE" in server.client.get(model).text


def test_an_address_in_use_is_an_error_in_a_sentence(base_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finished = subprocess.run(
            [sys.executable, "-m", "keras_colorizer", "serve"]
            + ["--model", str(base_path), "--port", str(port)],
            capture_output=True,
            text=True,
        )
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr == (
        f"Error: Cannot listen on 127.0.0.1, port {port}: Address already in "
        "use. Choose another with --host or --port.\n"
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": "no/such"}, "--model: there is no folder `no/such`."),
        ({"model": "version/1"}, "is one version: name the folder that holds"),
        ({"model": "version", "config": "c"}, "--model or --config, not both"),
        ({"model": "version", "port": -1}, "--port must be at least 0"),
        ({"model": "version", "max_body_mib": 0.0}, "must be above 0"),
        ({"model": "version", "name": "a/b"}, "--name must not be empty"),
        ({"config": "no.config"}, "`no.config` cannot be read: No such file"),
        ({"config": "nowhere.config"}, "there is no folder `/no/such`"),
        (
            {"config": "broken.config"},
            "Error parsing text-format tensorflow.serving.ModelServerConfig",
        ),
        (
            {"config": "label.config"},
            "Request to assign label to version 999 of model m, which is not "
            "currently available for inference",
        ),
        (
            {"model": "version", "batching_parameters": "broken.config"},
            "Error parsing text-format tensorflow.serving.BatchingParameters",
        ),
        (
            {"model": "version", "monitoring_config": "broken.config"},
            "Error parsing text-format tensorflow.serving.MonitoringConfig",
        ),
    ],
    ids=range(12),
)
def test_wrong_command_lines_are_refused_in_a_sentence(
    options, sentence, base_path, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "version").symlink_to(base_path)
    (tmp_path / "broken.config").write_text("no such thing")
    (tmp_path / "nowhere.config").write_text(models_config("/no/such"))
    label = 'version_labels { key: "x" value: 999 }'
    (tmp_path / "label.config").write_text(models_config("version", label))
    paths = ("model", "config", "batching_parameters", "monitoring_config")
    for name in options.keys() & set(paths):
        options[name] = Path(options[name])
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        serve(Serve(**{"port": 0} | options))


def models_config(base_path, more=""):
    return (
        'model_config_list { config { name: "m" '
        f'base_path: "{base_path}" {more} }} }}'
    )


def test_a_model_without_a_whole_version_is_refused(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").write_bytes(b"no protobuf at all")
    with pytest.raises(ServingError, match="No version of `colorizer` in"):
        serve(Serve(model=tmp_path, port=0))


def test_batching_parameters_that_are_wrong_keep_a_version_from_serving(
    tmp_path,
):
    save_half_plus_two(tmp_path / "1")
    wrong = tmp_path / "1" / "batching_params.pbtxt"
    wrong.write_text("max_batch_size: 2")
    with pytest.raises(ServingError, match=f"`{wrong}`: Error parsing"):
        serve(
            Serve(
                model=tmp_path,
                port=0,
                enable_per_model_batching_parameters=True,
            )
        )
