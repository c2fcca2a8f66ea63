"""Photos to a server and back, by TF Serving's REST API."""

import base64
import time
from urllib.parse import quote

import httpx

from colorizer_client.answers import (
    answered_photo,
    error_message,
    version_states,
)
from colorizer_client.coloring import ColoredPhoto, colored_photo
from colorizer_client.errors import (
    ClientError,
    CommandLineError,
    RefusedError,
    UnreachableError,
)
from colorizer_client.opening import PhotoSource, photo_name
from colorizer_client.preparing import prepare
from colorizer_client.retrying import delay, is_of_another, is_passing

URL, MODEL_NAME = "http://localhost:8501", "colorizer"
MAX_PIXELS = 50_000_000  # What servers take, unless exported otherwise.
TIMEOUT, CONNECT_TIMEOUT = 60.0, 10.0  # Seconds.
RETRIES = 8  # With their delays, 30 to 60 seconds: a server may be restarted.

TOO_LARGE = 413
SMALLER = ": send less, with --full-resolution and smaller --max-pixels."

INSTANCE = b'{"instances": [{"b64": "%b"}]}'


class ColorizerClient:
    """Colors photos by a server.

    Threads may share a client, and then share its connections.

    Args:
        url: Of the server, without `/v1`.
        model_name: As the server calls the model.
        timeout: Seconds to wait for a word of the server.
        retries: How often to ask again when it has no time (429, 503) or does
            not answer.
        max_pixels: What the server takes; larger photos are reduced to it.

    Raises:
        CommandLineError: If one of them is out of range.
    """

    def __init__(
        self,
        url: str = URL,
        *,
        model_name: str = MODEL_NAME,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        max_pixels: int = MAX_PIXELS,
    ):
        _check(url, timeout=timeout, retries=retries, max_pixels=max_pixels)
        self.url, self.model_name = url.rstrip("/"), model_name
        self.retries, self.max_pixels = retries, max_pixels
        self._model_url = f"{self.url}/v1/models/{quote(model_name, safe='')}"
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=CONNECT_TIMEOUT, pool=None),
            limits=httpx.Limits(max_connections=None),
            headers={"Content-Type": "application/json"},
        )

    def __enter__(self) -> "ColorizerClient":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def check(self, *, retries: int | None = None) -> None:
        """Asks the server whether the model is there.

        Args:
            retries: By default those of the client.

        Raises:
            UnreachableError: If nobody answers.
            RefusedError: If there is no such model, or none is available.
        """
        answer = self._ask("GET", self._model_url, retries=retries)
        states = version_states(answer)
        if "AVAILABLE" not in states:
            raise RefusedError(
                f"{self.url} has no version of `{self.model_name}` available"
                f" ({', '.join(states) or 'none known'}): wait, or see its"
                " log.",
                status=answer.status_code,
            )

    def colorize(
        self, photo: PhotoSource, *, full_resolution: bool = False
    ) -> ColoredPhoto:
        """Colors one photo.

        Args:
            photo: A path, the bytes of a JPEG, PNG, WebP, BMP, GIF or TIFF
                file, or a Pillow image.
            full_resolution: Whether photos larger than `max_pixels` keep their
                size: only the chroma is taken from the server's answer.

        Raises:
            PhotoError: If it cannot be read.
            RefusedError: If the server refuses it; with the server's message.
            UnreachableError: If the server does not answer.
        """
        prepared = prepare(
            photo, max_pixels=self.max_pixels, full_resolution=full_resolution
        )
        try:
            answer = self._colored(prepared)
        except ClientError as error:
            raise error.about(photo_name(photo)) from None
        return colored_photo(prepared, answer)

    def _colored(self, prepared):
        body = INSTANCE % base64.b64encode(prepared.file)
        url = f"{self._model_url}:predict"
        return answered_photo(
            self._ask("POST", url, body, prepared), prepared.size
        )

    def _ask(self, method, url, body=None, prepared=None, *, retries=None):
        """The first answer that is a success, or the last error."""
        retries = self.retries if retries is None else retries
        for attempt in range(retries):
            try:
                return self._answer(method, url, body)
            except ClientError as error:
                if not (is_passing(error) or is_of_another(error, prepared)):
                    raise
                asked = getattr(error, "retry_after", None)
            time.sleep(delay(attempt, retry_after=asked))
        return self._answer(method, url, body)

    def _answer(self, method, url, body):
        try:
            answer = self._http.request(method, url, content=body)
        except httpx.RequestError as error:
            reason = str(error) or type(error).__name__
            raise UnreachableError(
                f"no answer from {self.url} ({reason}): start a server there,"
                " or name another one with --url."
            ) from error
        if answer.is_success:
            return answer
        hint = SMALLER if answer.status_code == TOO_LARGE else ""
        raise RefusedError(
            f"{error_message(answer)} ({answer.status_code} from {self.url})"
            f"{hint}",
            status=answer.status_code,
            retry_after=answer.headers.get("Retry-After"),
        )


def _check(url, *, timeout, retries, max_pixels):
    try:
        parsed = httpx.URL(url)
        is_usable = parsed.scheme in ("http", "https") and parsed.host
    except (httpx.InvalidURL, TypeError):
        is_usable = False
    if not is_usable:
        raise CommandLineError(f"--url must be such as {URL}. Received: {url}")
    for name, value, least in (
        ("--timeout", timeout, 0.001),
        ("--retries", retries, 0),
        ("--max-pixels", max_pixels, 1),
    ):
        if not value >= least:
            raise CommandLineError(
                f"{name} must be at least {least}. Received: {value}"
            )
