"""Clients that ask too much, too slowly or too often; starting and stopping."""

import http.client
import io
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import httpx
import psutil
import pytest
from fixtures.embedded_server import PATIENCE, running, serving
from fixtures.photo_files import tiff_structure
from PIL import Image

from keras_colorizer.cli.serve import Serve, serve
from keras_colorizer.errors import ArtifactError, ConfigError
from keras_colorizer.litert import available_cores
from keras_colorizer.pretrained import TFLITE, pretrained_file
from keras_colorizer.serving import server as process
from keras_colorizer.serving.app import Api
from keras_colorizer.serving.limits import Limits
from keras_colorizer.serving.server import load_model

MIB = 2**20


def white(side):
    """A small file of many pixels: slow to color."""
    buffer = io.BytesIO()
    Image.new("1", (side, side), 1).save(buffer, "PNG")
    return buffer.getvalue()


SMALL, SLOW = white(8), white(2500)  # Slow: half a second or more.


@contextmanager
def served(gate=None, **changes):
    """Serves; until the gate, an event, is set, SLOW is not colored."""
    limits = {"body_bytes": MIB, "seconds": 60, "waiting": 64, "origins": ()}
    model = load_model(str(pretrained_file("small", TFLITE)), max_pixels=10**8)
    color = model.color

    def color_behind_gate(file, **options):
        if gate is not None and file == SLOW:
            gate.wait(PATIENCE)
        return color(file, **options)

    model.color = color_behind_gate
    api = Api("colorizer", model, Limits(**limits | changes))
    with running(api.app(hosts=["*"])) as server:
        yield server


@pytest.fixture(scope="module")
def server():
    with served() as server:
        yield server


@pytest.fixture
def connection(server):
    with socket.create_connection(server.address, timeout=60) as connection:
        yield connection


def head(**headers):
    fields = [f"{name.replace('_', '-')}: {headers[name]}" for name in headers]
    lines = ["POST /colorize HTTP/1.1", "Host: here", *fields, "", ""]
    return "\r\n".join(lines).encode()


REQUEST = head(Content_Length=len(SMALL)) + SMALL


def response_on(connection):
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.content = response.read()
    return response


def test_a_body_said_to_be_too_large_is_refused_before_it_is_sent(connection):
    connection.sendall(head(Content_Length=10**15, Expect="100-continue"))
    response = response_on(connection)
    assert response.status == 413
    assert "--max-body-mib" in json.loads(response.content)["error"]
    assert response.headers["Connection"] == "close"


def test_a_body_that_grows_too_large_is_refused_while_it_is_sent(connection):
    connection.sendall(head(Transfer_Encoding="chunked"))
    size = 2**16
    chunk = f"{size:x}\r\n".encode() + bytes(size) + b"\r\n"
    connection.sendall(17 * chunk)
    assert response_on(connection).status == 413


def test_who_is_refused_may_finish_sending_and_then_sees_why(connection):
    size = 20 * MIB
    connection.sendall(head(Content_Length=size) + bytes(size) + REQUEST)
    assert response_on(connection).status == 413
    assert response_on(connection).status == 200


def test_a_body_may_come_in_pieces_and_requests_in_one(connection):
    for byte in REQUEST[:-1]:
        connection.sendall(bytes([byte]))
    connection.sendall(REQUEST[-1:] + 2 * REQUEST)
    for _ in range(3):
        assert response_on(connection).status == 200


def test_who_asks_for_another_protocol_is_answered_in_this_one(connection):
    upgrade = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c"}
    length = {"HTTP2_Settings": "AA", "Content_Length": len(SMALL)}
    connection.sendall(head(**upgrade, **length))
    connection.sendall(SMALL + REQUEST)
    assert response_on(connection).status == 200
    assert response_on(connection).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        head(Content_Length="1, 2"),
        head(Content_Length=-1),
        head(Transfer_Encoding="gzip"),
        b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01 a TLS handshake\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(sent, connection):
    connection.sendall(sent)
    assert 400 <= response_on(connection).status < 500


def test_headers_that_do_not_end_are_refused_or_cut_off(connection):
    with suppress(ConnectionError, http.client.BadStatusLine):
        connection.sendall(head()[:-2] + b"X-Long: " + 2**20 * b"x")
        assert response_on(connection).status == 400


def test_it_is_as_before_once_everybody_is_gone(server):
    for sent in (REQUEST[:-1], head()[:-2], b"", REQUEST):
        with socket.create_connection(server.address) as connection:
            connection.sendall(sent)
    assert server.client.post("/colorize", content=SMALL).is_success


@pytest.fixture
def ask():
    """Begins a request, and returns the future of the response."""

    def begin(server, file=SLOW):
        return pool.submit(server.client.post, "/colorize", content=file)

    with ThreadPoolExecutor(16) as pool:
        yield begin


def test_who_finds_the_queue_full_is_told_when_to_come_back(ask):
    with served(waiting=1) as server:
        asked = [ask(server) for _ in range(available_cores() + 4)]
        responses = [future.result() for future in asked]
        refused = [r for r in responses if r.status_code == 503]
        assert refused
        assert sum(r.is_success for r in responses) + len(refused) == len(asked)
        assert refused[0].headers["Retry-After"] == "1"
        assert "waiting" in refused[0].json()["error"]
        assert ask(server, SMALL).result().is_success


def test_who_leaves_the_queue_makes_room(ask):
    gate = threading.Event()
    with served(gate, waiting=1) as server:
        working = [ask(server) for _ in range(available_cores())]
        time.sleep(0.5)
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{server.url}/colorize", content=SMALL, timeout=0.5)
            time.sleep(0.5)
        waiting = ask(server, SMALL)
        gate.set()
        assert waiting.result().is_success
        assert all(future.result().is_success for future in working)


def test_who_waits_too_long_is_told(ask):
    with served(seconds=0.2) as server:
        response = ask(server).result()
        assert response.status_code == 504
        assert response.json() == {"error": "Timed out."}


def test_bodies_beyond_what_memory_is_for_have_to_come_back(server):
    body = SMALL.ljust(MIB, b"\0")  # As large as may be.
    with ExitStack() as stack:
        begun = [
            stack.enter_context(socket.create_connection(server.address, 60))
            for _ in range(4)
        ]
        for connection in begun:
            connection.sendall(head(Content_Length=len(body)) + body[:-1])
        time.sleep(0.5)
        response = server.client.post("/colorize", content=SMALL)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        for connection in begun:
            connection.sendall(body[-1:])
            assert response_on(connection).status == 200
    assert server.client.post("/colorize", content=SMALL).is_success


@pytest.mark.parametrize("sent", [b"", head()[:-2], head(Content_Length=9)])
def test_who_sends_no_whole_request_is_cut_off(sent, monkeypatch):
    monkeypatch.setattr(process, "SECONDS_OF_REQUEST", 0.5)
    with (
        served() as server,
        socket.create_connection(server.address, 60) as connection,
    ):
        connection.sendall(sent)
        begun = time.monotonic()
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        assert time.monotonic() - begun > 0.3


def test_a_flood_of_connections_costs_a_line_and_no_good_request():
    with serving(files=80) as server:
        with ExitStack() as stack:
            flood = [
                stack.enter_context(socket.create_connection(server.address))
                for _ in range(100)
            ]
            assert response_on(flood[-1]).status == 503
        assert server.client.post("/colorize", content=SMALL).is_success
        server.process.terminate()
        printed = server.process.communicate(timeout=PATIENCE)[1]
    assert re.fullmatch(r"\d+ connections were refused\.\n", printed)


def test_a_photo_of_many_wrong_tags_costs_no_log():
    # Of ASCII texts of 3,000 bytes that lie beyond the end of the file.
    tags = {0x100: (3, 1, b"\x60\0"), 0x101: (3, 1, b"\x40\0")}
    tags |= {40_000 + n: (2, 3000, b"\5") for n in range(20_000)}
    with serving() as server:
        photo = tiff_structure("<", tags)
        assert server.client.post("/colorize", content=photo).status_code == 400
        server.process.terminate()
        assert len(server.process.communicate(timeout=PATIENCE)[1]) < 1000


def test_it_needs_no_tensorflow_and_finishes_what_was_accepted(ask):
    with serving("--verbose") as server:
        program = psutil.Process(server.process.pid)
        listening = program.net_connections("inet")
        assert [c.laddr.ip for c in listening] == ["127.0.0.1"]
        assert server.client.post("/colorize", content=SMALL).is_success
        assert "tensorflow" not in str(program.memory_maps())
        assert program.memory_info().rss < 200e6
        asked = [ask(server) for _ in range(2)]
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        assert all(future.result().is_success for future in asked)
        assert server.process.wait(PATIENCE) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/healthz")
        line = r'127\.0\.0\.1:\d+ - "POST /colorize HTTP/1\.1" 200\n'
        assert re.fullmatch(3 * line, server.process.stderr.read())


@pytest.mark.slow
def test_a_second_signal_stops_at_once(ask):
    with serving() as server:
        asked = ask(server, white(7000))
        for _ in range(2):
            time.sleep(1)
            server.process.send_signal(signal.SIGINT)
        assert server.process.wait(PATIENCE) == 130
        assert asked.exception() or asked.result().status_code == 500
        assert server.process.stderr.read() == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_only_pages_of_this_machine_reach_a_server_for_it(host):
    with serving("--host", host) as server:
        assert server.client.get("/healthz").is_success
        names = {"localhost": 200, "127.0.0.1": 200, "evil.example": 400}
        for name, status in names.items():
            response = server.client.get("/healthz", headers={"Host": name})
            assert response.status_code == status


@pytest.mark.parametrize("config", [None, "{}"])
def test_folders_without_a_model_are_refused_in_a_sentence(config, tmp_path):
    if config:
        (tmp_path / "config.json").write_text(config)
    words = "saved no generator" if config else "is no model: name the folder"
    with pytest.raises(ArtifactError, match=words):
        serve(Serve(model=str(tmp_path), port=0))


def test_an_address_in_use_is_said_before_anything_is_loaded():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finished = subprocess.run(
            [sys.executable, "-m", "keras_colorizer", "serve"]
            + ["--port", str(port)],
            capture_output=True,
            text=True,
        )
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr == (
        f"Error: Cannot listen on 127.0.0.1, port {port}: Address already in "
        "use. Choose another with --host or --port.\n"
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"model": "no/such"}, "--model: there is no `no/such`."),
        ({"max_body_mib": 0.0}, "--max-body-mib must be above 0"),
        ({"max_waiting": -1}, "--max-waiting must be above 0"),
        ({"allow_origin": ("http://[",)}, "--allow-origin must be such as"),
        ({"allow_origin": ("https://a.org/",)}, "Received: https://a.org/"),
        ({"allow_origin": ("https://*.org",)}, "Received: https://*.org"),
        ({"name": "a/b"}, "--name must not be empty, nor hold / or :"),
    ],
)
def test_wrong_command_lines_are_refused_in_a_sentence(options, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        serve(Serve(**options))
