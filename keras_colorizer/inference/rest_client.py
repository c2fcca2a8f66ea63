"""A client of TF Serving's REST API for one model."""

import ipaddress
import json
import random
import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR
from textwrap import shorten
from threading import Timer
from typing import Any

import httpx

from keras_colorizer.errors import (
    ColorizerWarning,
    ConfigError,
    ServingError,
    first_line,
    without_nodes,
)

EXAMPLE = "http://localhost:8501/v1/models/colorizer"
MODEL_PATH = re.compile(r".*/v1/models/[^/:]+(/(versions|labels)/[^/:]+)?")
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 120.0
PASSING = (429, 502, 503, 504)  # Statuses of a server that may answer later.
FIRST_DELAY, LONGEST_DELAY = 0.5, 8.0  # Seconds; doubled at each attempt.
LONGEST_ERROR = 300  # Characters of a server's own message.
BYTES_A_VALUE = 16  # Of JSON, at least: 32 a number are reserved.


class RestClient:
    """Asks a served model, again when the server is busy or being restarted.

    Threads may share one. Proxies that the environment names are used, but
    never for this machine.

    Args:
        url: Of the model, such as `EXAMPLE`; with a version where the latest
            is not wanted.

    Attributes:
        name: The URL without user name and password, for messages.

    Raises:
        ConfigError: If the URL is not that of a model.
        ServingError: If the environment's proxy or certificates are unusable.
    """

    def __init__(self, url: str):
        parsed = _checked(url)
        self.name = str(parsed.copy_with(userinfo=b"")).rstrip("/")
        self._url = str(parsed).rstrip("/")
        self._http = _opened(trust_env=not _is_loopback(parsed.host))
        self._is_given_up = False

    def ask(
        self, suffix: str, body: Any = None, *, most_bytes: int, patience: float
    ) -> Any:
        """Sends a request until it is answered.

        Args:
            suffix: Of the URL, such as `/metadata` or `:predict`.
            body: Sent as JSON by POST; without one it is a GET.
            most_bytes: Of an answer; a longer one is an error.
            patience: Seconds for which a server that does not answer, or has
                no time, is asked again. One that was given up is asked once.

        Returns:
            The answer, parsed.

        Raises:
            ServingError: If the server refuses, is given up, or answers
                something else than JSON of that size.
        """
        deadline = None
        attempt = 0
        while True:
            try:
                answer = self._answer(suffix, body, most_bytes)
            except _PassingError as error:
                if deadline is None:
                    deadline = time.monotonic() + patience
                self._pause(error, attempt, deadline)
                attempt += 1
            else:
                self._is_given_up = False
                return answer

    def _pause(
        self, error: "_PassingError", attempt: int, deadline: float
    ) -> None:
        """Waits before the next attempt, or gives the server up."""
        seconds = _delay(attempt, error.retry_after)
        if self._is_given_up or time.monotonic() + seconds > deadline:
            self._is_given_up = True
            raise ServingError(str(error)) from None
        if not attempt:
            warnings.warn(
                f"{error} Asking again.", ColorizerWarning, stacklevel=2
            )
        time.sleep(seconds)

    def _answer(self, suffix: str, body: Any, most_bytes: int) -> Any:
        method = "GET" if body is None else "POST"
        over = time.monotonic() + ANSWER_SECONDS
        failure = None
        try:
            with _time_limit() as extensions:
                request = self._http.build_request(
                    method, self._url + suffix, json=body, extensions=extensions
                )
                response = self._http.send(request, stream=True)
                content = self._content(response, most_bytes)
        except httpx.TransportError as error:
            failure = first_line(error)
        if time.monotonic() > over:
            raise self._excess(most_bytes)
        if failure is not None:
            raise _PassingError(
                f"{self.name} does not answer ({failure}): is the server "
                "running?"
            )
        if response.is_success:
            return self._parsed(content)
        sentence = f"{self.name} answers {self._refusal(response, content)}."
        if response.status_code in PASSING:
            raise _PassingError(sentence, response.headers.get("Retry-After"))
        raise ServingError(sentence)

    def _content(self, response: httpx.Response, most_bytes: int) -> bytes:
        """Reads a body of bounded size and number of values, as it was sent."""
        content = bytearray()
        try:
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > most_bytes:
                    raise self._excess(most_bytes)
        finally:
            response.close()
        n_values = sum(map(content.count, (b",", b"[", b"{")))
        if n_values > most_bytes // BYTES_A_VALUE:
            raise self._excess(most_bytes)
        return bytes(content)

    def _excess(self, most_bytes: int) -> ServingError:
        return ServingError(
            f"{self.name} answers too much or too slowly: {most_bytes:,} bytes "
            f"of JSON in {ANSWER_SECONDS:.0f} seconds were expected at most."
        )

    def _parsed(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise ServingError(
                f"{self.name} answers something else than JSON."
            ) from None

    def _refusal(self, response: httpx.Response, content: bytes) -> str:
        """The status, and the server's own message on one line."""
        try:
            message = str(self._parsed(content)["error"])
        except (ServingError, LookupError, TypeError):
            message = response.reason_phrase
        words = without_nodes(message)
        plain = "".join(c if c.isprintable() else " " for c in words)
        short = shorten(plain, LONGEST_ERROR).removesuffix(".")
        return f"{response.status_code}: {short or 'without a message'}"


class _PassingError(ServingError):
    """The same request may succeed later."""

    def __init__(self, sentence: str, retry_after: str | None = None):
        super().__init__(sentence)
        self.retry_after = retry_after


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
        parsed.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        parsed = httpx.URL()
    is_model = (
        parsed.host
        and (parsed.port or 0) < 2**16
        and not (parsed.query or parsed.fragment)
        and MODEL_PATH.fullmatch(parsed.path.rstrip("/"))
    )
    if not is_model:
        shown = parsed.copy_with(userinfo=b"") if parsed.host else "another"
        raise ConfigError(
            f"The URL of a served model must be such as {EXAMPLE}. "
            f"Received: {shown}"
        )
    return parsed


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _opened(*, trust_env: bool) -> httpx.Client:
    try:
        return httpx.Client(
            trust_env=trust_env,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            # Each request has its own connection, which a time limit may end.
            limits=httpx.Limits(max_keepalive_connections=0),
            # A location is never followed, and not read either.
            event_hooks={"response": [lambda r: r.headers.pop("location", "")]},
            # A compressed answer would have no bound before it is unpacked.
            headers={"Accept-Encoding": "identity"},
        )
    except ImportError:
        raise ServingError(
            "The environment names a SOCKS proxy (ALL_PROXY or alike), which "
            'needs: pip install "httpx[socks]"'
        ) from None
    except (ValueError, httpx.InvalidURL, OSError) as error:
        raise ServingError(
            "The proxy or the certificates that the environment names cannot "
            f"be used ({first_line(error)}): see HTTPS_PROXY, ALL_PROXY and "
            "SSL_CERT_FILE."
        ) from None


@contextmanager
def _time_limit() -> Iterator[dict[str, Any]]:
    """Yields a request's extensions, which end it however slowly it drips.

    Timeouts of httpx are between bytes; headers may drip for days.
    """
    streams: list[Any] = []  # TCP, and TLS on it.

    def trace(_: str, info: dict[str, Any]) -> None:
        if hasattr(info.get("return_value"), "get_extra_info"):
            streams.append(info["return_value"])

    def shut_down() -> None:
        for stream in streams:
            with suppress(OSError):
                stream.get_extra_info("socket").shutdown(SHUT_RDWR)

    timer = Timer(ANSWER_SECONDS, shut_down)
    timer.daemon = True
    timer.start()
    try:
        yield {"trace": trace}
    finally:
        timer.cancel()


def _delay(attempt: int, retry_after: str | None) -> float:
    """Returns the seconds to wait; half is random, to spread the clients."""
    longest = min(FIRST_DELAY * 2.0**attempt, LONGEST_DELAY)
    asked = float(retry_after) if retry_after and retry_after.isdecimal() else 0
    return max(random.uniform(longest / 2, longest), asked)
