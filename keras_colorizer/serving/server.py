"""The process of `serve`: its model, its connections and its end."""

import ctypes
import logging
import math
import sys
import time
from contextlib import suppress
from pathlib import Path
from socket import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.serving.models import ColorizerModel

MOST_CONNECTIONS = 512
SECONDS_IDLE = 75  # Between two requests of a connection.
SECONDS_OF_REQUEST = 180  # From its first byte until its answer is taken.
HEADER_BYTES = 2**16
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
M_ARENA_MAX = -8  # Of glibc's malloc.h.
SECONDS_TO_TRIM = 10
log = logging.getLogger(__name__)


def load_model(path: str, *, max_pixels: int) -> ColorizerModel:
    """Loads the latest version of a SavedModel, or else a Colorizer.

    Args:
        path: As for `Colorizer.load`.
        max_pixels: Larger photos are refused.

    Raises:
        ArtifactError: If it is no model.
    """
    versions = [f for f in Path(path).glob("*") if f.name.isdecimal()]
    versions.sort(key=lambda folder: int(folder.name), reverse=True)
    for folder in (*versions, Path(path)):
        if (folder / "saved_model.pb").is_file():
            from keras_colorizer.serving.saved_model import SavedModel

            return SavedModel(folder, max_pixels)
    return ColorizerModel(Colorizer.load(path), max_pixels)


class Connection(H11Protocol):
    """A connection that ends if it is one too many, or takes too long."""

    most = MOST_CONNECTIONS
    refused, told = 0, -math.inf  # How many, and when that was logged.

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._timer = self._start_timer()
        if len(self.connections) > self.most:
            transport.write(REFUSAL)
            transport.close()
            self._count_refusal()

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:  # A request has begun.
            self._timer.cancel()
            self._timer = self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def _start_timer(self) -> Any:
        abort = self.transport.abort
        return self.loop.call_later(SECONDS_OF_REQUEST, abort)

    @classmethod
    def _count_refusal(cls) -> None:
        cls.refused += 1
        if time.monotonic() > cls.told + 60:
            log.warning("%d connections were refused.", cls.refused)
            cls.refused, cls.told = 0, time.monotonic()


def run(app: ASGIApp, listener: socket, *, seconds: float) -> bool:
    """Serves until SIGINT or SIGTERM, then finishes what was accepted.

    Args:
        app: Answers.
        listener: A bound socket.
        seconds: The longest that finishing may take.

    Returns:
        Whether it did; a second SIGINT ends it at once.
    """
    Connection.most = _most_connections()
    is_light = "tensorflow" not in sys.modules
    if is_light:
        _use_one_heap()
    config = uvicorn.Config(
        app,
        http=Connection,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        backlog=Connection.most // 4,
        timeout_keep_alive=SECONDS_IDLE,
        timeout_graceful_shutdown=math.ceil(seconds),
        h11_max_incomplete_event_size=HEADER_BYTES,
        callback_notify=_trim_heap if is_light else None,
        timeout_notify=SECONDS_TO_TRIM,
    )
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):  # Raised anew in the end.
        server.run([listener])
    return not server.force_exit


def _use_one_heap() -> None:
    """Lets threads share a heap: glibc's own ones keep what they once took.

    LiteRT is as fast with it, and holds 60 MB less after photos of a megapixel;
    TensorFlow, which takes 800 MB anyway, would be 6 % slower.
    """
    with suppress(AttributeError, OSError, TypeError):  # Not glibc.
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


async def _trim_heap() -> None:
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _most_connections() -> int:
    """Half of the files that may be open: photos and models are files, too."""
    try:
        import resource
    except ImportError:  # On Windows.
        return MOST_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(4, min(MOST_CONNECTIONS, files // 2))
