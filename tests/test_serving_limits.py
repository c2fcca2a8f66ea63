"""What the embedded server does with clients that ask too much, or too slow."""

import gzip
import http.client
import json
import re
import socket
import time
import zlib
from contextlib import ExitStack, suppress

import psutil
import pytest
from fixtures.embedded_server import serving
from fixtures.half_plus_two import save_half_plus_two

PREDICT = "/v1/models/half_plus_two:predict"
BODY = b'{"instances": [1.0, 2.0, 5.0]}'
ANSWER = {"predictions": [2.5, 3.0, 4.5]}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    base = tmp_path_factory.mktemp("half_plus_two")
    save_half_plus_two(base / "1")
    with serving(
        *("--model", base, "--name", "half_plus_two", "--max-body-mib", 1)
    ) as server:
        yield server


@pytest.fixture
def connection(server):
    with socket.create_connection(server.address, timeout=60) as connection:
        yield connection


def head(**headers):
    fields = [f"{name.replace('_', '-')}: {headers[name]}" for name in headers]
    lines = [f"POST {PREDICT} HTTP/1.1", "Host: here", *fields, "", ""]
    return "\r\n".join(lines).encode()


def response_on(connection):
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response


def test_a_body_said_to_be_too_large_is_refused_before_it_is_sent(connection):
    connection.sendall(head(Content_Length=10**15, Expect="100-continue"))
    response = response_on(connection)
    assert response.status == 413
    assert json.load(response) == {
        "error": "The body is larger than the limit of 1 MiB"
    }
    assert response.headers["Connection"] == "close"


def test_a_body_that_grows_too_large_is_refused_while_it_is_sent(connection):
    connection.sendall(head(Transfer_Encoding="chunked"))
    size = 2**16
    chunk = f"{size:x}\r\n".encode() + bytes(size) + b"\r\n"
    connection.sendall(16 * chunk)
    connection.settimeout(0.5)
    with pytest.raises(TimeoutError):
        connection.recv(1)  # This much is allowed.
    connection.settimeout(60)
    connection.sendall(chunk)
    assert response_on(connection).status == 413


def test_who_is_refused_may_finish_sending_and_then_sees_why(connection):
    size = 20 * 2**20
    connection.sendall(head(Content_Length=size))
    # On a connection that is closed already, this would fail.
    for _ in range(20):
        connection.sendall(bytes(size // 20))
    assert response_on(connection).status == 413


def test_a_body_may_be_as_large_as_the_limit(server):
    body = BODY.ljust(2**20)
    response = server.client.post(PREDICT, content=body)
    assert response.json() == ANSWER


@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_body_may_come_in_pieces(connection, is_chunked):
    if is_chunked:
        connection.sendall(head(Transfer_Encoding="chunked"))
        pieces = [b"10\r\n", BODY[:16], b"\r\nE\r\n", BODY[16:]]
        pieces.append(b"\r\n0\r\n\r\n")
    else:
        connection.sendall(head(Content_Length=len(BODY)))
        pieces = [BODY[:7], BODY[7:]]
    for piece in pieces:
        time.sleep(0.1)
        connection.sendall(piece)
    assert json.load(response_on(connection)) == ANSWER


REQUEST = head(Content_Length=len(BODY)) + BODY


@pytest.mark.parametrize("held", [0, len(BODY) // 2, len(BODY) + 20])
def test_requests_may_follow_each_other_without_waiting(connection, held):
    """Even if the first is answered before the second has come whole."""
    connection.sendall((2 * REQUEST)[: 2 * len(REQUEST) - held])
    received = b""
    while b"4.5]}" not in received:
        received += connection.recv(2**16)
    time.sleep(0.1)
    connection.sendall(REQUEST[len(REQUEST) - held :])
    while received.count(b"4.5]}") < 2:
        part = connection.recv(2**16)
        assert part, "it was cut off"
        received += part
    assert received.count(b"HTTP/1.1 200 OK") == 2


def test_a_client_may_ask_whether_to_send_the_body(connection):
    connection.sendall(head(Content_Length=len(BODY), Expect="100-continue"))
    told = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert connection.recv(len(told), socket.MSG_WAITALL) == told
    connection.sendall(BODY)
    assert json.load(response_on(connection)) == ANSWER


def test_chunks_may_have_extensions_and_trailers(connection):
    size = f"{len(BODY):x};name=value\r\n".encode()
    chunks = size + BODY + b"\r\n0\r\nTrailer: x\r\n\r\n"
    connection.sendall(head(Transfer_Encoding="chunked") + chunks)
    assert json.load(response_on(connection)) == ANSWER
    connection.sendall(REQUEST)
    assert json.load(response_on(connection)) == ANSWER


def test_clients_of_http_1_0_get_their_answer_and_the_end(connection):
    connection.sendall(REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"))
    received = b""
    while part := connection.recv(2**16):
        received += part
    assert received.endswith(json.dumps(ANSWER).encode())


@pytest.mark.parametrize(
    "fields",
    [
        {"Content_Length": "1, 2"},
        {"Content_Length": -1},
        {"Content_Length": 10**30},
        {"Content_Length": 30, "Transfer_Encoding": "chunked"},
        {"Transfer_Encoding": "gzip"},
    ],
)
def test_a_length_that_is_none_is_refused(connection, fields):
    connection.sendall(head(**fields) + BODY)
    assert response_on(connection).status == 400
    assert connection.recv(1) == b""


def test_headers_may_be_long(server):
    response = server.client.post(
        PREDICT, content=BODY, headers={"X-Long": "x" * 60_000}
    )
    assert response.json() == ANSWER


def test_headers_that_do_not_end_are_refused(connection):
    connection.sendall(head()[:-2] + b"X-Long: ")
    for _ in range(64):
        connection.sendall(b"x" * 2**14)
    assert response_on(connection).status == 431
    assert connection.recv(1) == b""


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_other_protocols_are_declined_and_the_request_answered(
    connection, protocol
):
    connection.sendall(
        head(
            Connection="Upgrade, HTTP2-Settings",
            Upgrade=protocol,
            HTTP2_Settings="AAMAAABkAAQAAP__",
            Content_Length=len(BODY),
        )
        + BODY[:9]
    )
    time.sleep(0.1)
    connection.sendall(BODY[9:])
    response = response_on(connection)
    assert response.status == 200
    assert json.load(response) == ANSWER
    connection.sendall(head(Content_Length=len(BODY)) + BODY)
    assert json.load(response_on(connection)) == ANSWER


def test_it_is_no_proxy(connection):
    connection.sendall(b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert response_on(connection).status == 400


@pytest.mark.parametrize("target", ["http://here", "https://here:8501"])
def test_a_target_may_name_the_host(connection, target):
    line = f"GET {target}/v1/models/half_plus_two HTTP/1.1"
    connection.sendall(f"{line}\r\nHost: here\r\n\r\n".encode())
    assert response_on(connection).status == 200


def test_what_is_no_http_is_refused(connection):
    connection.sendall(b"\x16\x03\x01 a TLS handshake\r\n\r\n")
    assert response_on(connection).status == 400


@pytest.mark.slow
@pytest.mark.parametrize(
    "beginning", [b"", head()[:-2], b"\r\n", b"POST / HTT"]
)
def test_who_sends_no_whole_request_is_cut_off(connection, beginning):
    connection.sendall(beginning)
    begun = time.monotonic()
    connection.settimeout(30)
    assert connection.recv(1) == b""
    assert 8 < time.monotonic() - begun < 20


@pytest.mark.slow
def test_who_stops_in_the_middle_of_a_body_is_told(connection):
    connection.sendall(head(Content_Length=len(BODY)) + BODY[:10])
    response = response_on(connection)
    assert response.status == 408
    assert "in time" in json.load(response)["error"]
    assert connection.recv(1) == b""


@pytest.mark.slow
def test_who_drips_a_body_is_cut_off(connection):
    connection.sendall(head(Content_Length=2**20))
    begun = time.monotonic()
    connection.settimeout(1)
    while True:
        connection.sendall(b" ")
        try:
            assert response_on(connection).status == 408
            break
        except TimeoutError:
            assert time.monotonic() - begun < 60


@pytest.mark.slow
def test_who_does_not_take_the_answer_is_cut_off(server):
    text = "x" * (2**20 - 100)
    body = json.dumps({"signature_name": "string_id", "inputs": [text]})
    request = head(Content_Length=len(body)) + body.encode()
    sent, received = 0, b""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(server.address)
        connection.settimeout(5)
        with suppress(TimeoutError):  # Once nobody reads any more.
            while sent < 100:
                connection.sendall(request)
                sent += 1
        time.sleep(75)
        with suppress(ConnectionResetError):
            while part := connection.recv(2**20):
                received += part
    assert 1 < sent < 100
    assert received.count(b"HTTP/1.1 200 OK") < sent


def test_bodies_beyond_what_memory_is_for_have_to_come_back(server):
    body = BODY.ljust(2**20)
    with ExitStack() as stack:
        begun = [
            stack.enter_context(
                socket.create_connection(server.address, timeout=60)
            )
            for _ in range(4)
        ]
        for connection in begun:
            connection.sendall(head(Content_Length=len(body)) + body[:-1])
        time.sleep(0.5)
        response = server.client.post(PREDICT, content=BODY)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        for connection in begun:
            connection.sendall(body[-1:])
            assert json.load(response_on(connection)) == ANSWER
    assert server.client.post(PREDICT, content=BODY).json() == ANSWER


def test_who_comes_when_there_are_too_many_is_told_to_come_back(server):
    with ExitStack() as stack:
        for _ in range(520):
            last = socket.create_connection(server.address, timeout=60)
            stack.enter_context(last)
        response = response_on(last)
        assert response.status == 503
        assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("name", "is_read"),
    [("gzip", True), ("x-gzip, br", True), ("GZIP", False), ("br", False)],
)
def test_a_gzip_body_is_known_by_lower_case_letters(server, name, is_read):
    response = server.client.post(
        PREDICT,
        content=gzip.compress(BODY),
        headers={"Content-Encoding": name},
    )
    assert response.is_success is is_read
    if is_read:
        assert response.json() == ANSWER


@pytest.mark.parametrize("name", ["br", "deflate", "identity", "GZIP"])
def test_other_encodings_are_not_looked_at(server, name):
    response = server.client.post(
        PREDICT, content=BODY, headers={"Content-Encoding": name}
    )
    assert response.json() == ANSWER


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        gzip.compress(BODY)[:-1],
        gzip.compress(BODY)[:5] + b"?" + gzip.compress(BODY)[5:],
        # As TF Serving's gzip_zlib.cc, which reads one member.
        gzip.compress(BODY) + b"and more",
        2 * gzip.compress(BODY),
        zlib.compress(BODY),
        gzip.compress(b""),
        b"",
    ],
    ids=[
        "not gzip",
        "cut off",
        "damaged",
        "followed",
        "twice",
        "zlib",
        "nothing",
        "empty",
    ],
)
def test_a_bad_gzip_body_counts_as_empty(server, body):
    response = server.client.post(
        PREDICT, content=body, headers={"Content-Encoding": "gzip"}
    )
    assert response.status_code == 400
    assert "The document is empty" in response.json()["error"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://example.org", 200), ("http://a", 200), ("file://", 400)],
)
def test_a_preflight_is_for_origins_of_the_web(server, origin, status):
    response = server.client.options(PREDICT, headers={"Origin": origin})
    assert (response.status_code, response.content) == (status, b"")
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "PATCH", "QUERY"])
def test_no_method_is_unknown_to_the_api(server, method):
    response = server.client.request(method, "/v1/models/half_plus_two")
    assert response.status_code == 400
    if method != "HEAD":
        message = response.json()["error"]
        assert (
            message == f"Malformed request: {method} /v1/models/half_plus_two"
        )


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v2/models/half_plus_two",
        "/page",
        "/page/",
        "/page/index.html",
        "/page/../http/app.py",
        "/page/%2e%2e/http/app.py",
        "/page/..%2fhttp%2fapp.py",
        "//etc/passwd",
        "/healthz/",
        "/monitoring/prometheus/metrics",
    ],
)
def test_there_is_nothing_else(server, connection, path):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    response = response_on(connection)
    assert response.status == 404
    assert response.headers["Content-Type"] == "text/html"
    assert b"<h1>Not Found</h1>" in response.read()


def test_the_page_may_load_nothing_from_elsewhere(server):
    response = server.client.get("/")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'data-model="half_plus_two"' in response.text
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'self'" in policy
    assert "img-src 'self' blob: data:" in policy
    assert not [rule for rule in policy if "unsafe" in rule or "http" in rule]


def test_all_that_the_page_names_is_served(server):
    named = re.findall(r'(?:src|href)="([^"#]+)"', server.client.get("/").text)
    assert named
    for path in named:
        response = server.client.get(f"/{path}")
        assert response.status_code == 200
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_it_is_reached_from_this_machine_only(server):
    connections = psutil.Process(server.process.pid).net_connections("inet")
    listening = [c for c in connections if c.status == psutil.CONN_LISTEN]
    assert [c.laddr.ip for c in listening] == ["127.0.0.1"]


def test_health_names_what_serves(server):
    response = server.client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "models": {"half_plus_two": [1]},
    }
