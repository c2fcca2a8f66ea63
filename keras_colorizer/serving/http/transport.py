"""A connection's transport that closes without losing the answer."""

import asyncio

SECONDS_TO_LINGER = 2.0
# In which the client has to take some bytes of an answer, at least.
SECONDS_TO_TAKE = 60.0


class KindTransport:
    """Wraps an asyncio transport.

    Two ways of closing leave something behind. With the rest of a refused body
    unread, the system resets the connection, and the client may never see why
    it was refused: so that rest is read, and dropped, for a moment. With an
    answer that the client does not take, the connection would stay for ever:
    so it is cut off.

    Args:
        transport: What it wraps.

    Attributes:
        is_lingering: Whether what comes is to be dropped.
        is_reading: Whether the client is in the middle of a request.
    """

    def __init__(self, transport: asyncio.Transport):
        self.is_lingering = False
        self.is_reading = False
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._linger_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._untaken = 0

    def __getattr__(self, name: str):
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether nothing is to be written any more."""
        return self.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Sends what is left to send, then closes."""
        if self.is_closing():
            return
        self.watch_writing()
        if not self.is_reading:
            self._transport.close()
            return
        self.is_lingering = True
        self._transport.write_eof()
        self._transport.resume_reading()
        self._linger_timer = self._loop.call_later(
            SECONDS_TO_LINGER, self._transport.close
        )

    def watch_writing(self) -> None:
        """Cuts the client off once it takes nothing for too long."""
        self.unwatch_writing()
        self._untaken = self._transport.get_write_buffer_size()
        if self._untaken:
            self._write_timer = self._loop.call_later(
                SECONDS_TO_TAKE, self._check_writing
            )

    def unwatch_writing(self) -> None:
        """Ends what `watch_writing` began, unless it is closing."""
        if self._write_timer is not None and not self.is_closing():
            self._write_timer.cancel()

    def forget(self) -> None:
        """Drops the timers, once the connection is lost."""
        for timer in (self._linger_timer, self._write_timer):
            if timer is not None:
                timer.cancel()

    def _check_writing(self):
        if self._transport.get_write_buffer_size() >= self._untaken:
            self._transport.abort()
        else:
            self.watch_writing()
