"""Numbers in JSON: 64-bit integers, and doubles for all else."""

import re

from keras_colorizer.serving.rest.rapidjson.errors import (
    INVALID_VALUE,
    MISSING_EXPONENT,
    MISSING_FRACTION,
    TOO_BIG,
    JsonError,
)

LOWEST_INTEGER, HIGHEST_INTEGER = -(2**63), 2**64 - 1

_INTEGER = re.compile(rb"-?(0|[1-9][0-9]*)")
_DIGITS = re.compile(rb"[0-9]+")
_SIGN = re.compile(rb"[eE][+-]?")
_TENTH_OF_LARGEST_DOUBLE = 17976931348623157 * 10**291
_LARGEST_EXPONENT = 308
_SIGNIFICANT_DIGITS = 17


def read_number(data: bytes, start: int) -> tuple[int | float, int]:
    """Reads a number, NaN or Infinity.

    Args:
        data: JSON that ends in a NUL byte.
        start: Where the number starts.

    Returns:
        An int in [-2**63, 2**64) or a float, and where it ends. Doubles are
        rounded correctly, where RapidJSON may be off by some units in the last
        place.

    Raises:
        JsonError: If there is none, or none that fits into a double.
    """
    integer = _INTEGER.match(data, start)
    if integer is None:
        return _not_a_number(data, start)
    _check_integer(integer[1], start)
    end, fraction = _fraction(data, integer.end())
    end, exponent = _exponent(data, end)
    _check_exponent(exponent, integer[1], fraction, start)
    if not fraction and not exponent:
        value = int(data[start:end])
        if LOWEST_INTEGER <= value <= HIGHEST_INTEGER:
            return value, end
    return float(data[start:end]), end


def is_integer(value) -> bool:
    """Tells whether a value is a number without fraction, in 64 bits."""
    return type(value) is int and LOWEST_INTEGER <= value <= HIGHEST_INTEGER


def _check_integer(digits, start):
    # RapidJSON looks before it takes each digit, the last one included.
    if len(digits) > _LARGEST_EXPONENT and (
        len(digits) > _LARGEST_EXPONENT + 1
        or int(digits[:-1]) >= _TENTH_OF_LARGEST_DOUBLE
    ):
        raise JsonError(TOO_BIG, start)


def _fraction(data, at):
    if data[at] != ord("."):
        return at, b""
    digits = _DIGITS.match(data, at + 1)
    if digits is None:
        raise JsonError(MISSING_FRACTION, at + 1)
    return digits.end(), digits[0]


def _exponent(data, at):
    sign = _SIGN.match(data, at)
    if sign is None:
        return at, b""
    digits = _DIGITS.match(data, sign.end())
    if digits is None:
        raise JsonError(MISSING_EXPONENT, sign.end())
    return digits.end(), sign[0][1:] + digits[0]


def _check_exponent(exponent, integer, fraction, start):
    digits = exponent.lstrip(b"+0")
    if len(digits) < 3 or digits.startswith(b"-"):
        return
    largest = _LARGEST_EXPONENT + _digits_taken(integer, fraction)
    if len(digits) > 9 or int(digits) > largest:
        raise JsonError(TOO_BIG, start)


def _digits_taken(integer, fraction):
    """Counts the fraction's digits until 17 in all are significant."""
    significant = len(integer) - 1
    leading = 0
    if significant == 0 and integer == b"0":
        leading = len(fraction) - len(fraction.lstrip(b"0"))
    return leading + min(
        len(fraction) - leading, max(0, _SIGNIFICANT_DIGITS - significant)
    )


def _not_a_number(data, start):
    at = start + (data[start] == ord("-"))
    sign = "-" if at > start else ""
    taken = _taken(data, at, b"NaN")
    if taken == len(b"NaN"):
        return float("nan"), at + taken
    # RapidJSON does not go back to where the word began.
    at += taken
    taken = _taken(data, at, b"Inf")
    if taken == len(b"Inf"):
        return float(f"{sign}inf"), _end_of_infinity(data, at + taken)
    raise JsonError(INVALID_VALUE, at + taken)


def _end_of_infinity(data, at):
    rest = _taken(data, at, b"inity")
    if 0 < rest < len(b"inity"):
        raise JsonError(INVALID_VALUE, at + rest)
    return at + rest


def _taken(data, at, word):
    for i, letter in enumerate(word):
        if data[at + i] != letter:
            return i
    return len(word)
