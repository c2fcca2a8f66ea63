"""The server on its socket, until it is told to stop."""

import logging
import socket

import uvicorn
from starlette.types import ASGIApp

from keras_colorizer.errors import ServingError
from keras_colorizer.serving.http.protocol import ServingProtocol

SECONDS_IDLE = 75  # Between two requests of one connection.


def listen(host: str, port: int) -> socket.socket:
    """Takes an address, so that nothing else can.

    Connections are refused until the socket's own `listen`: who comes while
    models load is told so at once, instead of being kept waiting.

    Args:
        host: A name or address of this machine.
        port: 0 for any that is free.

    Raises:
        ServingError: If it cannot be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServingError(
            f"Cannot listen on {host}, port {port}: {reason}. Choose another "
            "with --host or --port."
        ) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Returns the address of a socket as browsers take it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    app: ASGIApp, listener: socket.socket, *, patience: int | None
) -> bool:
    """Serves until SIGINT or SIGTERM, then finishes what was accepted.

    Args:
        app: Answers.
        listener: Of `listen`.
        patience: The longest to wait for the last answers, in seconds; None
            for as long as it takes.

    Returns:
        Whether it did finish: a second signal stops at once.
    """
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    server = _Server(
        uvicorn.Config(
            app,
            loop="asyncio",
            http=ServingProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=SECONDS_IDLE,
            timeout_graceful_shutdown=patience,
        )
    )
    server.run([listener])
    return not server.force_exit


class _Server(uvicorn.Server):
    """Takes either signal the second time as "at once", and keeps both."""

    def handle_exit(self, sig, frame):
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets=None):
        await super().shutdown(sockets)
        if self.force_exit:
            # What is cancelled now would be told as an error of the server's.
            logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
            for connection in list(self.server_state.connections):
                connection.transport.abort()
