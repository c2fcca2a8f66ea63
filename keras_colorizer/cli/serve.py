"""`keras-colorizer serve`."""

import logging
import math
import os
import socket
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import tyro

from keras_colorizer.cli.running import INTERRUPTED, say
from keras_colorizer.errors import ConfigError, ServingError
from keras_colorizer.pretrained import DEFAULT, TFLITE, pretrained_file
from keras_colorizer.silence import silent_stderr

if TYPE_CHECKING:
    from starlette.applications import Starlette

SECONDS_TO_FINISH = 5  # Beyond the longest that a request may take.
ABOVE_ZERO = (
    "rest_api_timeout_in_ms",
    "max_body_mib",
    "max_pixels",
    "max_waiting",
)


@dataclass(frozen=True)
class Serve:
    """Serve a model, with a page to try it on.

    The page is at /, TF Serving's REST API at /v1, the state at /healthz. To
    color a photo: curl -T old.jpg localhost:8501/colorize -o new.png
    Ctrl-C finishes what was accepted, a second one stops at once.

    Attributes:
        model: A .tflite file, which needs no TensorFlow; the folder of a
            training run, or a .keras file; or the folder of a SavedModel or of
            its versions, of which the latest is served with all of its
            signatures. By default the pretrained `small`.
        name: The model's name in URLs.
        host: 127.0.0.1 is reached from this machine only; 0.0.0.0 from others,
            too.
        port: 0 for any that is free; the URL is printed.
        allow_origin: Web pages that may use the server beside its own, such as
            https://example.org; * for all.
        rest_api_timeout_in_ms: The longest that a request may take once it has
            arrived, in milliseconds.
        max_body_mib: Refuse larger requests, before reading them.
        max_pixels: Refuse larger photos, before decoding them.
        max_waiting: Refuse requests while so many wait.
        verbose: Print a line for each request.
    """

    model: Annotated[str | None, tyro.conf.arg(metavar="PATH")] = None
    name: Annotated[str, tyro.conf.arg(metavar="NAME")] = "colorizer"
    host: Annotated[str, tyro.conf.arg(metavar="ADDRESS")] = "127.0.0.1"
    port: int = 8501
    allow_origin: Annotated[
        tuple[str, ...],
        tyro.conf.arg(metavar="ORIGIN ...", help_behavior_hint="(none)"),
    ] = ()
    rest_api_timeout_in_ms: int = 30_000
    max_body_mib: float = 100
    max_pixels: int = 50_000_000
    max_waiting: int = 64
    verbose: bool = False


def serve(options: Serve) -> int:
    """Serves until it is told to stop, and returns the exit code.

    Raises:
        ColorizerError: If there is nothing to serve, or nowhere to.
    """
    _check(options)
    _log_to_stderr(options.verbose)
    with _listening(options.host, options.port) as listener:
        print("Loading ...", flush=True)
        with silent_stderr():
            from keras_colorizer.serving import server
        url = _url(listener)
        app = _app(options, url)
        print(f"Serving {options.name} at {url} (Ctrl-C stops it)", flush=True)
        longest = options.rest_api_timeout_in_ms / 1000 + SECONDS_TO_FINISH
        has_finished = server.run(app, listener, seconds=longest)
    if not has_finished:
        os._exit(INTERRUPTED)  # Without waiting for what runs.
    say("Stopped, after finishing what was accepted.")
    return 0


def _check(options: Serve) -> None:
    path = options.model
    if path and "://" not in path and not Path(path).exists():
        raise ConfigError(f"--model: there is no `{path}`.")
    for name in ABOVE_ZERO:
        value = getattr(options, name)
        if not 0 < value < math.inf:
            flag = name.replace("_", "-")
            raise ConfigError(f"--{flag} must be above 0. Received: {value}")
    for origin in options.allow_origin:
        if origin != "*" and not _is_origin(origin):
            raise ConfigError(
                "--allow-origin must be such as https://example.org, or *. "
                f"Received: {origin}"
            )
    if not options.name or set(options.name) & set("/:"):
        raise ConfigError(
            "--name must not be empty, nor hold / or :. Received: "
            f"{options.name}"
        )


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_whole = text == f"{parts.scheme}://{parts.netloc}"
    return is_whole and bool(parts.hostname) and "*" not in text


def _log_to_stderr(verbose: bool) -> None:
    logging.basicConfig(format="%(message)s")
    # A damaged photo may have a warning for each of many thousand tags.
    warnings.filterwarnings("ignore", module="PIL")
    levels = {
        "asyncio": logging.CRITICAL,  # It tells of each failed accept.
        "tensorflow": logging.ERROR,
        "tifffile": logging.CRITICAL,
        "uvicorn.access": logging.INFO if verbose else logging.ERROR,
        "uvicorn.error": logging.CRITICAL,  # Errors are logged by the app.
    }
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _listening(host: str, port: int) -> socket.socket:
    """Takes an address; connections to it wait until the model is loaded."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, address = found[0]
        return socket.create_server(address[:2], family=family)
    except (OSError, OverflowError) as error:
        reason, _, _ = str(getattr(error, "strerror", error)).partition(" (")
        raise ServingError(
            f"Cannot listen on {host}, port {port}: {reason}. Choose another "
            "with --host or --port."
        ) from None


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _app(options: Serve, url: str) -> "Starlette":
    with silent_stderr():
        from keras_colorizer.serving.app import Api
        from keras_colorizer.serving.limits import Limits
        from keras_colorizer.serving.server import load_model

        model = load_model(
            options.model or str(pretrained_file(DEFAULT, TFLITE)),
            max_pixels=options.max_pixels,
        )
    limits = Limits(
        body_bytes=round(options.max_body_mib * 2**20),
        seconds=options.rest_api_timeout_in_ms / 1000,
        waiting=options.max_waiting,
        origins=options.allow_origin,
    )
    api = Api(options.name, model, limits, has_web_app=options.model is None)
    return api.app(hosts=_hosts(url, options.allow_origin))


def _hosts(url: str, origins: Collection[str]) -> list[str]:
    """Names for this machine, where only its own pages may reach it."""
    names = [urlsplit(each).hostname or "" for each in (url, *origins)]
    if not ip_address(names[0].partition("%")[0]).is_loopback or "*" in origins:
        return ["*"]
    return ["localhost", "127.0.0.1", "[::1]", *names]
