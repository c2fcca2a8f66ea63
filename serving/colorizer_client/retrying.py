"""When to ask a server again, and how long to wait before."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BytesIO

from PIL import Image

from colorizer_client.errors import ClientError, RefusedError, UnreachableError
from colorizer_client.preparing import PreparedPhoto

BUSY = (429, 503)  # HTTP statuses of a server that may have time later.
ABOUT_A_FILE = "`image_bytes` element"  # How the model's refusals name one.

FIRST_DELAY, LONGEST_DELAY = 0.5, 16.0  # Seconds, without a word of the server.
LONGEST_ASKED = 300.0  # Seconds: who asks for more is not waited for as long.
SPREAD = 1.25  # Of what a server asks for: all its clients hear the same.


def is_passing(error: ClientError) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, RefusedError):
        return error.status in BUSY
    return isinstance(error, UnreachableError)


def is_of_another(error: ClientError, prepared: PreparedPhoto | None) -> bool:
    """Whether a refusal is about somebody else's photo.

    TF Serving answers all requests that it ran as one batch with the error of
    any of them. What Pillow decodes and whose size the refusal does not name
    was not the one.

    Args:
        error: The refusal.
        prepared: The photo that was sent, if one was.
    """
    if prepared is None or ABOUT_A_FILE not in str(error):
        return False
    if "{} x {} pixels".format(*prepared.size) in str(error):
        return False
    try:
        with Image.open(BytesIO(prepared.file)) as image:
            image.load()
    except Exception:  # Pillow has no closed list for damaged files.
        return False
    return True


def delay(attempt: int, *, retry_after: str | None = None) -> float:
    """Returns the seconds to wait before the next attempt.

    They double from attempt to attempt. Up to half of them is chance, so that
    clients that were turned away together do not come back together.

    Args:
        attempt: How many have failed before the last one, from 0.
        retry_after: The header of the last answer, if it had one: seconds or a
            date. It is never come back earlier, except after `LONGEST_ASKED`.
    """
    longest = min(FIRST_DELAY * 2.0**attempt, LONGEST_DELAY)
    backoff = random.uniform(longest / 2, longest)
    asked = min(_seconds(retry_after), LONGEST_ASKED)
    return max(backoff, asked * random.uniform(1, SPREAD))


def _seconds(retry_after):
    """Source: RFC 9110, section 10.2.3."""
    if retry_after is None:
        return 0
    if retry_after.strip().isdecimal():
        return int(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
        return max(0, (date - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # No date, or one without a time zone.
        return 0
