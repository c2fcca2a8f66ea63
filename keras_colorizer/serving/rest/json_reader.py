"""JSON as RapidJSON reads it, with its error texts and offsets."""

import json
import re

from keras_colorizer.serving.rest.rapidjson.errors import JsonError
from keras_colorizer.serving.rest.rapidjson.objects import json_object
from keras_colorizer.serving.rest.rapidjson.scanner import Scanner
from keras_colorizer.serving.rest.status import invalid_argument

_OBJECT = re.compile(rb"[ \t\n\r]*\{")
_PYTHON_JSON = json.JSONDecoder(object_pairs_hook=json_object)

# All digits alike, and both letters of an exponent.
_DIGITS_ALIKE = bytes.maketrans(b"123456789E", b"000000000e")
_LONG_EXPONENTS = (b"000", b"+000")
_LONG_NUMBER = b"0" * 300


def read_json(body: bytes):
    """Reads the first JSON value of a body; what follows it is ignored.

    Args:
        body: UTF-8, not validated. NaN, Infinity and -Infinity are numbers.

    Returns:
        None, bool, int, float, str, list or dict. Of equal keys the first
        wins. Bytes that are not UTF-8 become lone surrogates
        (`surrogateescape`). An int outside [-2**63, 2**64) counts as a double.

    Raises:
        RestError: INVALID_ARGUMENT if the body is not JSON.
    """
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        start = _OBJECT.match(body)
        if start and not _read_differently(body):
            text = body.decode("utf-8", "surrogateescape")
            return _PYTHON_JSON.raw_decode(text, start.end() - 1)[0]
    except (ValueError, RecursionError):
        pass  # The scanner knows how RapidJSON sees it.
    try:
        return Scanner(body).read()
    except JsonError as error:
        raise invalid_argument(f"JSON Parse error: {error}") from None


def _read_differently(body):
    """Tells whether Python may read a body that RapidJSON reads otherwise.

    Those are lone surrogates, and numbers too big for a double.
    """
    if b"\\" in body and (b"\\ud" in body or b"\\uD" in body):
        return True
    alike = body.translate(_DIGITS_ALIKE)
    return _LONG_NUMBER in alike or any(
        part.startswith(_LONG_EXPONENTS) for part in alike.split(b"e")[1:]
    )
