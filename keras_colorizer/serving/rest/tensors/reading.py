"""Tensors from nested JSON arrays."""

from collections.abc import Callable
from itertools import chain

import numpy as np

from keras_colorizer.serving.rest.rapidjson.echo import echo
from keras_colorizer.serving.rest.status import RestError, invalid_argument
from keras_colorizer.serving.rest.tensors.leaves import (
    fit_leaves,
    read_leaves,
)

# NumPy has no more; TensorFlow's own operations stop earlier.
MAX_RANK = 64


def read_tensor(value, name: str, dtype: str) -> np.ndarray:
    """Converts a JSON value that is a scalar, or arrays of one shape.

    Args:
        value: The JSON value.
        name: The tensor's alias, for errors.
        dtype: TF Serving's name of its type.

    Returns:
        An array of that type; strings are bytes in an array of objects.

    Raises:
        RestError: INVALID_ARGUMENT if arrays differ in size or depth, and as
            `read_leaves` does, for whatever comes first.
    """
    shape = dense_shape(value, name)
    values = _flat(value, shape)
    if values is None:
        raise _misfit(value, shape, dtype, level=0)
    return read_leaves(values, dtype).reshape(shape)


def dense_shape(
    value, name: str, *, max_rank: int = MAX_RANK
) -> tuple[int, ...]:
    """Returns the shape that a value's first elements announce.

    Args:
        value: The JSON value.
        name: The tensor's alias, for errors.
        max_rank: How many dimensions it may have.

    Raises:
        RestError: INVALID_ARGUMENT if it has too many dimensions.
    """
    shape: list[int] = []
    while isinstance(value, list):
        if len(shape) == max_rank:
            raise invalid_argument(f"tensor parsing error: {name}")
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def fit_shape(items: list, shape: tuple[int, ...], dtype: str) -> bool:
    """Tells whether all items are tensors of one shape and type."""
    values = _flat(items, (len(items), *shape))
    return values is not None and fit_leaves(values, dtype)


def first_misfit(items: list, fit: Callable[[list], bool]) -> int:
    """Returns the index of the first item that does not fit; there is one.

    Bisects, since many items are judged together much faster than one by one.

    Args:
        items: The items.
        fit: Tells of some items whether all fit.
    """
    start, stop = 0, len(items)
    while stop - start > 1:
        middle = (start + stop) // 2
        if fit(items[start:middle]):
            start = middle
        else:
            stop = middle
    return start


def _flat(value, shape):
    """Returns all values in one list, or None if the shape does not hold."""
    if not shape:
        return [value]
    arrays = [value]
    for size in shape[1:]:
        arrays = list(chain.from_iterable(arrays))
        if not _all_of_size(arrays, size):
            return None
    values = list(chain.from_iterable(arrays)) if len(shape) > 1 else value
    return None if list in set(map(type, values)) else values


def _all_of_size(arrays, size):
    return {list}.issuperset(map(type, arrays)) and {size}.issuperset(
        map(len, arrays)
    )


def _misfit(value, shape, dtype, *, level):
    """Returns the first error, in the order in which TF Serving meets them.

    Source: TF Serving's `util/json_tensor.cc`, FillTensorProto.
    """
    if not isinstance(value, list):
        return _misfit_of_scalar(value, shape, dtype, level)
    if level >= len(shape):
        return invalid_argument(
            f"Encountered list at unexpected level: {level} expected < "
            f"{len(shape)}"
        )
    if len(value) != shape[level]:
        return invalid_argument(
            f"Encountered list at unexpected size: {len(value)} at level: "
            f"{level} expected size: {shape[level]}"
        )
    inner = shape[level + 1 :]
    first = first_misfit(value, lambda items: fit_shape(items, inner, dtype))
    return _misfit(value[first], shape, dtype, level=level + 1)


def _misfit_of_scalar(value, shape, dtype, level):
    if level != len(shape):
        return invalid_argument(
            f"JSON Value: {echo(value)} found at incorrect level: {level + 1} "
            f"in the JSON DOM. Expected at level: {len(shape)}"
        )
    try:
        read_leaves([value], dtype)
    except RestError as error:
        return error
    raise AssertionError("A value fits, and does not.")
