"""Requests within limits: of origin, size, number and time."""

import asyncio
import time
import zlib
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from keras_colorizer.litert import available_cores


@dataclass
class Limits:
    """Limits of requests, and a thread for each core to work on them."""

    body_bytes: int  # As sent, and decompressed.
    seconds: float  # From the last byte of a request to its answer.
    waiting: int  # Requests, beside those that are worked on.
    origins: Collection[str]  # Of foreign pages that may ask; "*" is any.

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(available_cores())
        self._places = BoundedSemaphore(available_cores() + self.waiting)
        self._free_bytes = 4 * self.body_bytes  # Of all bodies.

    async def answer(
        self, request: Request, work: Callable[[bytes, float], bytes]
    ) -> bytes:
        """Works on a body until a deadline, or raises HTTPException."""
        self._check_origin(request)
        body = bytearray()
        try:
            await self._read(request, body)
            is_gzip = "gzip" in request.headers.get("content-encoding", "")
            read = self._unzipped if is_gzip else bytes
            deadline = time.monotonic() + self.seconds
            return await self._run(request, lambda: work(read(body), deadline))
        finally:
            self._free_bytes += len(body)

    def _check_origin(self, request: Request) -> None:
        origin, host = map(request.headers.get, ("origin", "host"))
        is_own = origin is None or origin.partition("://")[2] == host
        if not is_own and not {origin, "*"} & set(self.origins):
            raise HTTPException(403, f"--allow-origin does not name {origin}.")

    def _check_size(self, size: int) -> None:
        if size > self.body_bytes:
            raise HTTPException(413, "The body is larger than --max-body-mib.")

    async def _read(self, request: Request, body: bytearray) -> None:
        self._check_size(int(request.headers.get("content-length", 0)))
        async for part in request.stream():
            body += part
            self._free_bytes -= len(part)
            self._check_size(len(body))
            if self._free_bytes < 0:
                raise HTTPException(503, "Too many bodies are being read.")

    def _unzipped(self, body: bytearray) -> bytes:
        content = zlib.decompressobj(31).decompress(body, self.body_bytes + 1)
        self._check_size(len(content))
        return content

    async def _run(self, request: Request, work: Callable[[], bytes]) -> bytes:
        if not self._places.acquire(blocking=False):
            raise HTTPException(503, "Too many requests are waiting.")
        future = self._threads.submit(work)
        future.add_done_callback(lambda _: self._places.release())
        working = asyncio.wrap_future(future)
        both: set[asyncio.Future[Any]] = {working}
        both.add(asyncio.ensure_future(request.receive()))  # Its leaving.
        done, others = await asyncio.wait(
            both, timeout=self.seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for other in others:
            other.cancel()  # Work that still waits never begins.
        if working in done:
            return working.result()
        raise ClientDisconnect if done else HTTPException(504, "Timed out.")
