"""uvicorn's HTTP protocol, for clients that may be slow, silent or gone."""

import asyncio
from concurrent.futures import Future
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keras_colorizer.serving.http.transport import KindTransport

# More are turned away: each takes a file descriptor, of which most systems
# give a process 1024.
MAX_CONNECTIONS = 512
SECONDS_FOR_HEADERS = 10.0
# Beyond the first piece that is read, of 256 KiB at most.
MAX_HEADER_BYTES = 2**16

OF_UPGRADES = (b"connection", b"upgrade", b"http2-settings")

TURNED_AWAY = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"retry-after: 1\r\n"
    b"content-length: 0\r\n"
    b"connection: close\r\n\r\n"
)
HEADERS_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\n"
    b"connection: close\r\n\r\n"
)


class ServingProtocol(HttpToolsProtocol):
    """One connection.

    In the `scope["state"]` of each request it leaves two things: `target`, the
    path and query as sent, and `watch`, to be called with the future of the
    answer, which is cancelled if the client goes away.
    """

    def connection_made(self, transport: Any) -> None:
        self._kind = KindTransport(transport)
        self._header_timer: asyncio.TimerHandle | None = None
        self._future: Future | None = None
        self._is_in_headers = False
        self._header_bytes = 0
        super().connection_made(self._kind)  # type: ignore[arg-type]
        if len(self.connections) > MAX_CONNECTIONS:
            self._kind.is_reading = True
            self._turn_away(TURNED_AWAY)
        else:
            self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_headers()
        self._kind.forget()
        if self._future is not None:
            self._future.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._kind.is_lingering:
            return
        self._unset_keepalive_if_required()
        goes_on = self._is_in_headers
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if goes_on and self._is_in_headers:
            self._count_header_bytes(len(data))
        # Whatever it was, it has to become a request in time.
        is_waiting = self.cycle is None or self.cycle.response_complete
        if is_waiting and not self.transport.is_closing():
            self._expect_headers()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._kind.is_reading = True
        self._is_in_headers = True
        self._header_bytes = 0

    def on_headers_complete(self) -> None:
        self._forget_headers()
        self._is_in_headers = False
        if self.parser.should_upgrade():
            return
        self.scope["state"]["target"] = self._target()
        self.scope["state"]["watch"] = self._watch
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._kind.is_reading = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._future = None
        # Where others wait in the pipeline, the cycle is the last one's.
        is_unread = not self.pipeline and self.cycle.more_body
        super().on_response_complete()
        if is_unread:
            self.transport.close()  # Nobody reads the rest of this body.

    def pause_writing(self) -> None:
        super().pause_writing()
        self._kind.watch_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._kind.unwatch_writing()

    def _turn_away(self, answer: bytes) -> None:
        self.transport.write(answer)
        self.transport.close()

    def _count_header_bytes(self, count: int) -> None:
        self._header_bytes += count
        if self._header_bytes > MAX_HEADER_BYTES:
            self._is_in_headers = False
            self._turn_away(HEADERS_TOO_LARGE)

    def _decline_upgrade(self, rest: bytes) -> None:
        """Reads the request anew, as if it had asked for no other protocol.

        Java's HTTP client, among others, asks for HTTP/2 in its first request.
        The parser ends there, and would take the body for the new protocol's.

        Args:
            rest: What came after the headers.
        """
        method, version = (
            self.parser.get_method(),
            self.parser.get_http_version(),
        )
        if method == b"CONNECT":
            self.send_400_response("This is no proxy.")
            return
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        lines = [
            b"%s %s HTTP/%s" % (method, self.url, version.encode()),
            *(
                b"%s: %s" % (name, value)
                for name, value in self.headers
                if name not in OF_UPGRADES
            ),
            b"",
            rest,
        ]
        self.data_received(b"\r\n".join(lines))

    def _target(self) -> str:
        target = self.url.decode("ascii", "surrogateescape")
        if target.startswith("/"):
            return target
        # As proxies are asked: with the host in front.
        _, _, rest = target.partition("://")
        _, slash, path = rest.partition("/")
        return slash + path

    def _watch(self, future: Future) -> None:
        self._future = future
        if self.transport.is_closing():
            future.cancel()

    def _expect_headers(self):
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(
                SECONDS_FOR_HEADERS, self.transport.close
            )

    def _forget_headers(self):
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
