"""Requests good and broken, each with the one answer that is right."""

import gzip
import io
import json
import socket
import struct
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPResponse
from typing import NamedTuple

from PIL import Image
from server_process import (
    PREDICT,
    ServerProcess,
    answer_body,
    request_body,
)

MAX_BODY_MIB = 8  # Of the server: too large a body is soon sent.
MODEL = "/v1/models/colorizer"
BUSY = 503
DAMAGED = b'{"instances": [{"b64": "'
BOMB_BYTES = 120 * 2**20  # More than a server unpacks.
NOBODY = 1e-3  # Seconds in which an answer too many would be there already.


class WrongAnswerError(Exception):
    """What came back is not the one right answer."""


class BusyError(Exception):
    """The server says when to ask again.

    Attributes:
        seconds: To wait.
    """

    def __init__(self, seconds: float):
        super().__init__()
        self.seconds = seconds


class Client:
    """What a client of the soak has.

    Args:
        server: Whom it asks.

    Attributes:
        server: The same.
        connection: Stays open, until the server closes it.
    """

    def __init__(self, server: ServerProcess):
        self.server = server
        self.connection = server.connection()

    def ask(
        self,
        body: bytes,
        *,
        method: str = "POST",
        target: str = PREDICT,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """Returns status and body of the answer.

        Raises:
            BusyError: If it is "come back later".
            WrongAnswerError: If it is not the only one.
        """
        self._check_silence()
        self.connection.request(method, target, body, dict(headers or {}))
        return _read(self.connection.getresponse())

    def close(self) -> None:
        """Closes the connection, if nothing is left on it.

        Raises:
            WrongAnswerError: If something is.
        """
        self._check_silence()
        self.connection.close()

    def _check_silence(self):
        """Nobody has asked, so nothing may have come but an end."""
        if self.connection.sock is None:
            return
        self.connection.sock.settimeout(NOBODY)
        try:
            if self.connection.sock.recv(1, socket.MSG_PEEK):
                raise WrongAnswerError("an answer that nobody asked for")
            self.connection.close()
        except TimeoutError:
            self.connection.sock.settimeout(self.connection.timeout)
        except ConnectionError:
            self.connection.close()


class Kind(NamedTuple):
    """A kind of requests.

    Attributes:
        name: For tables.
        send: Asks, and raises `WrongAnswerError` if the answer is not right.
    """

    name: str
    send: Callable[[Client], None]


def good_kinds(files: Sequence[bytes], pngs: Sequence[bytes]) -> list[Kind]:
    """Returns requests that are answered with photos.

    Args:
        files: Photos.
        pngs: What must come back.
    """
    kinds = []
    for file, png in zip(files, pngs, strict=True):
        body, expected = request_body(file), answer_body(png)
        kinds += [
            Kind("a photo", _photo(body, expected)),
            Kind("a photo", _photo(body, expected)),
            Kind("a photo, gzip", _photo(gzip.compress(body), expected, GZIP)),
        ]
    two = request_body(*files[:2]), answer_body(*pngs[:2])
    return [*kinds, Kind("two photos", _photo(*two))]


def broken_kinds(file: bytes) -> list[Kind]:
    """Returns requests that are refused, or that nobody waits for.

    Args:
        file: A photo.
    """
    body = request_body(file)
    return [
        *_broken_bodies(file, body),
        *_broken_targets(body),
        *_too_large(),
        *_broken_compression(body),
        *_broken_http(body),
        Kind("gone in the middle of a body", _leave(body, len(body) // 2)),
        Kind("gone before the answer", _leave(body, len(body))),
        Kind("silent in the middle of a body", _fall_silent(body)),
        Kind("silent from the start", _say_nothing),
    ]


GZIP = {"Content-Encoding": "gzip"}
CHUNKED = {"Transfer-Encoding": "chunked"}


def _photo(body, expected, headers=None):
    def send(client):
        status, answer = client.ask(body, headers=headers)
        if status != 200 or json.loads(answer) != expected:
            raise WrongAnswerError(f"{status}, {answer[:200]!r}")

    return send


def _broken_bodies(file, body):
    two = json.loads(request_body(file, b"hello"))
    bodies = {
        "an empty body": (b"", "empty"),
        "JSON cut off": (body[:-9], "JSON"),
        "JSON with garbage": (body[:200] + b"\0\xff" + body[200:], "JSON"),
        "deep JSON": (b'{"instances": ' + 10**5 * b"[", ""),
        "no instances": (b"{}", "instances"),
        "bad base64": (DAMAGED + b'????"}]}', "base64"),
        "a number for a photo": (b'{"instances": [1]}', ""),
        "no image": (request_body(b"hello"), "element 0 is no JPEG"),
        "no image beside a photo": (json.dumps(two).encode(), "element 1"),
        "an image cut off": (request_body(file[: len(file) // 2]), "element 0"),
        "too many pixels": (request_body(_vast_png()), "limit of"),
        "an unknown signature": (
            b'{"signature_name": "soak", ' + body[1:],
            '"soak"',
        ),
    }
    return [
        Kind(name, _refused(400, words, body=content))
        for name, (content, words) in bodies.items()
    ]


def _broken_targets(body):
    targets = {
        "an unknown model": ("/v1/models/soak:predict", 404),
        "an unknown version": (f"{MODEL}/versions/4711:predict", 404),
        "an unknown label": (f"{MODEL}/labels/soak:predict", 400),
        "an unknown verb": (f"{MODEL}:soak", 400),
    }
    return [
        *(
            Kind(name, _refused(status, "", body=body, target=target))
            for name, (target, status) in targets.items()
        ),
        Kind("a wrong method", _refused(400, "DELETE", method="DELETE")),
    ]


def _too_large():
    size = MAX_BODY_MIB * 2**20 + 1
    told = _head(**{"Content-Length": f"{10**12}"})
    chunk = f"{size:x}\r\n".encode() + bytes(size) + b"\r\n0\r\n\r\n"
    return [
        Kind("a body too large, told before", _raw(told, 413)),
        Kind("a body too large, sent", _raw(_head(**CHUNKED) + chunk, 413)),
    ]


def _broken_compression(body):
    whole = gzip.compress(body)
    bodies = {
        "gzip that is none": body,
        "gzip cut off": whole[:-20],
        "gzip damaged": whole[:50] + b"soak" + whole[54:],
        "gzip that unpacks to too much": gzip.compress(bytes(BOMB_BYTES)),
    }
    return [
        Kind(name, _refused(400, "", body=content, headers=GZIP))
        for name, content in bodies.items()
    ]


def _broken_http(body):
    chunks = _head(**CHUNKED) + b"soak\r\n" + body
    two_lengths = _head(**{"Content-Length": "1, 2"}) + body
    return [
        Kind("no HTTP", _raw(b"\x16\x03\x01 a TLS handshake\r\n\r\n", 400)),
        Kind("broken chunks", _raw(chunks, 400)),
        Kind("no length that counts", _raw(two_lengths, 400)),
    ]


def _refused(status, words, *, body=b"", **request):
    def send(client):
        _check_error(client.ask(body, **request), status, words)

    return send


def _check_error(answer, status, words):
    if answer[0] != status:
        raise WrongAnswerError(f"{answer[0]}, {answer[1][:200]!r}")
    error = json.loads(answer[1])
    if list(error) != ["error"] or words not in error["error"]:
        raise WrongAnswerError(f"{status}, but {answer[1][:200]!r}")


def _head(**headers):
    fields = [f"{name}: {value}" for name, value in headers.items()]
    lines = [f"POST {PREDICT} HTTP/1.1", "Host: soak", *fields, "", ""]
    return "\r\n".join(lines).encode()


def _raw(content, status):
    """Sends bytes; the answer is the last thing that comes back."""

    def send(client):
        with client.server.socket() as connection:
            connection.sendall(content)
            _check_last(connection, status)

    return send


def _check_last(connection, status):
    response = HTTPResponse(connection, method="POST")
    response.begin()
    answer = _read(response)
    if answer[0] != status:
        raise WrongAnswerError(f"{answer[0]}, {answer[1][:200]!r}")
    if connection.recv(1):
        raise WrongAnswerError("more than one answer")


def _leave(body, size):
    """Goes without waiting for an answer."""
    head = _head(**{"Content-Length": f"{len(body)}"})

    def send(client):
        with client.server.socket() as connection:
            connection.sendall(head + body[:size])
            time.sleep(0.05)

    return send


def _fall_silent(body):
    beginning = _head(**{"Content-Length": f"{len(body)}"}) + body[:100]
    return _raw(beginning, 408)


def _say_nothing(client):
    """Who sends nothing gets nothing, and is cut off."""
    with client.server.socket() as connection:
        if connection.recv(1):
            raise WrongAnswerError("an answer that nobody asked for")


def _read(response) -> tuple[int, bytes]:
    body = response.read()
    if response.status == BUSY:
        seconds = response.headers["Retry-After"]
        if seconds is None:
            raise WrongAnswerError("503 without Retry-After")
        raise BusyError(float(seconds))
    return response.status, body


def _vast_png():
    """A PNG that says it has 10^10 pixels, and could be one."""
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "PNG")
    content = bytearray(buffer.getvalue())
    content[16:24] = struct.pack(">II", 10**5, 10**5)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)
