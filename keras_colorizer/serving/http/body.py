"""Bodies of requests: not too large, not too slow, not too many at once."""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from keras_colorizer.serving.rest.status import error_body

Receive = Callable[[], Awaitable]

# As TF Serving's util/net_http/compression/gzip_zlib.h.
MAX_DECOMPRESSED_BYTES = 100 * 2**20
GZIP_WINDOW = 31  # zlib's code for 32 KiB with a gzip header.
STEP = 2**20

# A phone on a bad line manages more than this; who sends less after the first
# seconds, or nothing for a while, keeps memory from others.
SECONDS_OF_SILENCE = 15.0
SECONDS_OF_GRACE = 30.0
MIN_BYTES_PER_SECOND = 8 * 1024

# All bodies together may take as much as so many of the largest.
LARGEST_AT_ONCE = 4


class RefusedBodyError(Exception):
    """The body was not read to its end; the connection has to be closed.

    Attributes:
        http_status: 408, 413 or 503.
        body: JSON that tells why.
    """

    def __init__(self, http_status: int, message: str):
        super().__init__(message)
        self.http_status = http_status
        self.body = error_body(message)


class ClientGoneError(Exception):
    """The client closed the connection before the body was complete."""


class BodyReader:
    """Reads bodies within limits.

    Args:
        max_bytes: Of one body.
    """

    def __init__(self, max_bytes: int):
        self._max_bytes = max_bytes
        self._free_bytes = LARGEST_AT_ONCE * max_bytes

    @asynccontextmanager
    async def read(
        self, headers: Iterable[tuple[bytes, bytes]], receive: Receive
    ) -> AsyncIterator[bytearray]:
        """Yields a body, which counts against the limit for all until done.

        Args:
            headers: Of the request.
            receive: ASGI's.

        Raises:
            RefusedBodyError: If it is too large (before any of it is read, if
                its length is told), comes too slowly, or finds no room.
            ClientGoneError: If it ends early.
        """
        self._check_length(headers)
        body = bytearray()
        try:
            async for part in _parts(receive):
                self._take(len(part))
                body += part
                if len(body) > self._max_bytes:
                    raise self._too_large()
            yield body
        finally:
            self._free_bytes += len(body)

    def _check_length(self, headers):
        for name, value in headers:
            if name == b"content-length" and int(value) > self._max_bytes:
                raise self._too_large()

    def _too_large(self):
        mib = self._max_bytes / 2**20
        return RefusedBodyError(
            413, f"The body is larger than the limit of {mib:g} MiB"
        )

    def _take(self, size):
        if size > self._free_bytes:
            raise RefusedBodyError(
                503, "The server holds as many bodies as it can: try again"
            )
        self._free_bytes -= size


async def _parts(receive):
    started, total = time.monotonic(), 0
    is_more = True
    while is_more:
        allowed = SECONDS_OF_GRACE + total / MIN_BYTES_PER_SECOND
        left = started + allowed - time.monotonic()
        try:
            async with asyncio.timeout(min(left, SECONDS_OF_SILENCE)):
                message = await receive()
        except TimeoutError:
            raise RefusedBodyError(
                408, "The body did not come in time"
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        total += len(part)
        yield part
        is_more = message.get("more_body", False)


def decompressed(body: bytes | bytearray) -> bytes:
    """Returns what a gzip body holds, or nothing, as TF Serving does.

    Args:
        body: Compressed, as one gzip member.

    Returns:
        Its content; empty if it is damaged, cut off, followed by anything else,
        or larger than 100 MiB.
    """
    decompressor = zlib.decompressobj(GZIP_WINDOW)
    content = bytearray()
    try:
        while not decompressor.eof and len(content) <= MAX_DECOMPRESSED_BYTES:
            step = decompressor.decompress(body, STEP)
            if not step and not decompressor.unconsumed_tail:
                break
            content += step
            body = decompressor.unconsumed_tail
    except zlib.error:
        return b""
    is_whole = decompressor.eof and not decompressor.unused_data
    is_small = len(content) <= MAX_DECOMPRESSED_BYTES
    return bytes(content) if is_whole and is_small else b""
