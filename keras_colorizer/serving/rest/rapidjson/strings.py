"""Strings in JSON."""

import re

from keras_colorizer.serving.rest.rapidjson.errors import (
    BAD_ESCAPE,
    BAD_HEX,
    BAD_SURROGATE,
    MISSING_QUOTE,
    JsonError,
)

_PLAIN = re.compile(rb'[^"\\\x00-\x1f]+')
_HEX = re.compile(rb"[0-9A-Fa-f]{4}")
_ESCAPES = {
    ord('"'): b'"',
    ord("\\"): b"\\",
    ord("/"): b"/",
    ord("b"): b"\b",
    ord("f"): b"\f",
    ord("n"): b"\n",
    ord("r"): b"\r",
    ord("t"): b"\t",
}


def read_string(data: bytes, start: int) -> tuple[str, int]:
    """Reads a string.

    Args:
        data: JSON that ends in a NUL byte.
        start: Where its opening quotation mark is.

    Returns:
        The string, with bytes that are not UTF-8 as lone surrogates
        (`surrogateescape`), and where it ends.

    Raises:
        JsonError: If it does not end, or has an escape that means nothing.
    """
    parts = []
    at = start + 1
    while True:
        if plain := _PLAIN.match(data, at):
            parts.append(plain[0])
            at = plain.end()
        if data[at] == ord('"'):
            return b"".join(parts).decode("utf-8", "surrogateescape"), at + 1
        part, at = _escape(data, at)
        parts.append(part)


def _escape(data, at):
    if data[at] != ord("\\"):
        raise JsonError(MISSING_QUOTE if data[at] == 0 else BAD_ESCAPE, at)
    letter = data[at + 1]
    if letter in _ESCAPES:
        return _ESCAPES[letter], at + 2
    if letter != ord("u"):
        raise JsonError(BAD_ESCAPE, at)
    return _unicode(data, at)


def _unicode(data, at):
    code = _hex(data, at + 2, at)
    if not 0xD800 <= code <= 0xDBFF:
        # A low surrogate without a high one becomes three bytes, as is.
        return chr(code).encode("utf-8", "surrogatepass"), at + 6
    if data[at + 6 : at + 8] != b"\\u":
        raise JsonError(BAD_SURROGATE, at)
    low = _hex(data, at + 8, at)
    if not 0xDC00 <= low <= 0xDFFF:
        raise JsonError(BAD_SURROGATE, at)
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
    return chr(code).encode(), at + 12


def _hex(data, at, escape):
    match = _HEX.match(data, at)
    if match is None:
        raise JsonError(BAD_HEX, escape)
    return int(match[0], 16)
