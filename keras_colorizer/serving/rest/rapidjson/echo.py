"""Values of a request, quoted in an error."""

import json
import math
from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from keras_colorizer.serving.rest.decimals import decimal_text
from keras_colorizer.serving.rest.rapidjson.numbers import is_integer
from keras_colorizer.serving.rest.rapidjson.objects import members

# A long value is broken off between two of its parts, so that a body of many
# megabytes does not come back.
MAX_BYTES = 256

_INDENT = "    "
_LARGEST_FLOAT = 3.4028234e38


def echo(value) -> str:
    """Returns a JSON value as text: arrays on one line, objects on several."""
    if _is_double(value):
        number = float(value)
        is_float = abs(number) <= _LARGEST_FLOAT
        return decimal_text((np.float32 if is_float else np.float64)(number))
    text, n_bytes = [], 0
    for part in _parts(value):
        if n_bytes > MAX_BYTES:
            break
        text.append(part)
        n_bytes += len(part)
    return "".join(text)


def type_of(value) -> str:
    """Returns RapidJSON's name for the type of a value."""
    if value is None or isinstance(value, bool):
        return {None: "Null", True: "True", False: "False"}[value]
    names = {str: "String", list: "Array", int: "Number", float: "Number"}
    return names.get(type(value), "Object")


def _is_double(value):
    return type(value) in (int, float) and not is_integer(value)


def _parts(value, *, indent="\n") -> Iterator[str]:
    # As deep as the text is long: every level begins with a part of its own.
    if isinstance(value, list):
        yield from _array_parts(value, indent)
    elif isinstance(value, dict):
        yield from _object_parts(value, indent)
    elif _is_double(value):
        yield _double_text(float(value))
    else:
        yield json.dumps(value, ensure_ascii=False)


def _array_parts(value, indent):
    yield "["
    for i, item in enumerate(value):
        if i:
            yield ", "
        yield from _parts(item, indent=indent + _INDENT)
    yield "]"


def _object_parts(value, indent):
    yield "{"
    inner = indent + _INDENT
    for i, (key, item) in enumerate(members(value)):
        yield f",{inner}" if i else inner
        yield f"{json.dumps(key, ensure_ascii=False)}: "
        yield from _parts(item, indent=inner)
    yield f"{indent}}}" if value else "}"


def _double_text(number):
    """Returns the shortest text, in the layout of RapidJSON's `dtoa.h`."""
    if not math.isfinite(number):
        return decimal_text(np.float64(number))
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    point = len(digits) + int(exponent)
    if -6 < point <= 21:
        text = f"{Decimal(repr(abs(number))):f}"
        text = text if "." in text else f"{text}.0"
    else:
        rest = "".join(map(str, digits[1:]))
        text = f"{digits[0]}{'.' if rest else ''}{rest}e{point - 1}"
    return f"-{text}" if sign else text
