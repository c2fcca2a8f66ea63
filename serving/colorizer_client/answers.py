"""What servers answer, read with care."""

import base64
import json
from io import BytesIO
from textwrap import shorten

import httpx
from PIL import Image

from colorizer_client.errors import RefusedError


def version_states(answer: httpx.Response) -> list[str]:
    """The states of a model's versions, such as "AVAILABLE"."""
    try:
        versions = answer.json()["model_version_status"]
        return [version["state"] for version in versions]
    except (ValueError, KeyError, TypeError):
        return []


def error_message(answer: httpx.Response) -> str:
    """The server's own message, without the operations that may follow."""
    try:
        message = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        message = answer.text or answer.reason_phrase
    return shorten(str(message).partition("\n")[0], 300)


def answered_photo(
    answer: httpx.Response, size: tuple[int, int]
) -> Image.Image:
    """The photo that a prediction holds, decoded.

    Args:
        answer: To one instance.
        size: Width and height of the photo that was sent.

    Raises:
        RefusedError: If it is anything else than a PNG of that size.
    """
    try:
        (prediction,) = json.loads(answer.content)["predictions"]
        file = base64.b64decode(prediction["b64"])
        image = Image.open(BytesIO(file), formats=["PNG"])
        image.load()
    except (ValueError, KeyError, TypeError, OSError, SyntaxError):
        image = None
    if image is None or image.size != size:
        raise RefusedError(
            f"{answer.url} answered with something else than the colored"
            " photo: is the model a colorizer?",
            status=answer.status_code,
        )
    return image
