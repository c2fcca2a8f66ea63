"""The elements of a tensor: from JSON values to an array."""

from collections.abc import Sequence

import numpy as np

from keras_colorizer.serving.rest.rapidjson.echo import echo, type_of
from keras_colorizer.serving.rest.rapidjson.numbers import is_integer
from keras_colorizer.serving.rest.rapidjson.objects import is_base64_object
from keras_colorizer.serving.rest.status import (
    Code,
    RestError,
    invalid_argument,
)
from keras_colorizer.serving.rest.tensors.base64_text import decode_base64
from keras_colorizer.serving.rest.tensors.types import TENSOR_TYPES


def read_leaves(values: Sequence, dtype: str) -> np.ndarray:
    """Converts JSON values, none of which is an array.

    Args:
        values: n values.
        dtype: TF Serving's name of the type they become.

    Returns:
        `(n,)` of that type. Numbers too large for float32 become infinite.

    Raises:
        RestError: INVALID_ARGUMENT or UNIMPLEMENTED for the first value that
            is of another type, with TF Serving's words.
    """
    array = _read_at_once(values, dtype)
    if array is not None:
        return array
    for value in values:
        _check(value, dtype)
    # Without values, TF Serving would have nothing to refuse.
    raise RestError(
        Code.UNIMPLEMENTED, f"Tensors of type {dtype} have no JSON form."
    )


def fit_leaves(values: Sequence, dtype: str) -> bool:
    """Tells whether `read_leaves` converts these values."""
    try:
        return _read_at_once(values, dtype) is not None
    except RestError:
        return False


def _read_at_once(values, dtype):
    """Converts all values, or returns None if there is one that does not fit.

    Looking at each of millions of numbers alone would take longer than all
    else that a request needs.
    """
    tensor_type = TENSOR_TYPES.get(dtype)
    if tensor_type is None or not tensor_type.python.issuperset(
        map(type, values)
    ):
        return None
    if dtype == "string":
        return _strings(values)
    try:
        wide = np.array(values, tensor_type.wide)
    except OverflowError:
        return None
    if tensor_type.is_integer and not _in_range(wide, tensor_type):
        return None
    with np.errstate(over="ignore"):
        return wide.astype(tensor_type.array)


def _strings(values):
    array = np.empty(len(values), np.object_)
    for i, value in enumerate(values):
        array[i] = (
            value.encode("utf-8", "surrogateescape")
            if isinstance(value, str)
            else _decoded(value)
        )
    return array


def _decoded(value):
    if not is_base64_object(value):
        raise invalid_argument(
            f"JSON Value: {echo(value)} not formatted correctly for base64 data"
        )
    try:
        return decode_base64(value["b64"])
    except ValueError:
        raise invalid_argument("Unable to base64 decode") from None


def _in_range(wide, tensor_type):
    return wide.size == 0 or (
        tensor_type.lowest <= wide.min() and wide.max() <= tensor_type.highest
    )


def _check(value, dtype):
    """Raises what TF Serving has to say about a value, if anything."""
    if dtype not in TENSOR_TYPES and not isinstance(value, dict):
        raise RestError(
            Code.UNIMPLEMENTED,
            f"Conversion of JSON Value: {echo(value)} to type: {dtype}",
        )
    if dtype == "string" and isinstance(value, dict):
        _decoded(value)
    elif not _fits(value, dtype):
        raise invalid_argument(
            f"JSON Value: {echo(value)} Type: {type_of(value)} is not of "
            f"expected type: {dtype}"
        )


def _fits(value, dtype):
    tensor_type = TENSOR_TYPES.get(dtype)
    if tensor_type is None or type(value) not in tensor_type.python:
        return False
    return not tensor_type.is_integer or (
        is_integer(value) and tensor_type.lowest <= value <= tensor_type.highest
    )
