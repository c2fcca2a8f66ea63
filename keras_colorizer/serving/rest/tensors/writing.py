"""JSON from tensors."""

import binascii
import json

import numpy as np

from keras_colorizer.serving.rest.decimals import (
    format_indices,
    formats,
)
from keras_colorizer.serving.rest.status import invalid_argument
from keras_colorizer.serving.rest.tensors.types import TENSOR_TYPES, type_name

# It is in no JSON text that is written here, so that texts can be split at it.
_BETWEEN_ITEMS = "\n"


def tensor_text(tensor: np.ndarray, *, as_base64: bool) -> str:
    """Returns a tensor's JSON: a scalar, or nested arrays.

    Args:
        tensor: Of a type with a JSON form; strings are bytes in an array of
            objects.
        as_base64: Whether to write strings as `{"b64": ...}`.

    Raises:
        RestError: INVALID_ARGUMENT if its type has no JSON form.
    """
    if tensor.ndim == 0:
        return item_texts(tensor[None], as_base64=as_base64)[0]
    return f"[{', '.join(item_texts(tensor, as_base64=as_base64))}]"


def item_texts(batch: np.ndarray, *, as_base64: bool) -> list[str]:
    """Returns the JSON of each item of a batch.

    Args:
        batch: As for `tensor_text`, with a batch dimension.
        as_base64: Whether to write strings as `{"b64": ...}`.

    Raises:
        RestError: INVALID_ARGUMENT if its type has no JSON form.
    """
    if batch.size == 0:
        return [json.dumps(item) for item in batch.tolist()]
    name = type_name(batch.dtype)
    if name not in TENSOR_TYPES:
        raise invalid_argument(
            f"Failed to write JSON value for tensor type: {name}"
        )
    if name in ("float", "double"):
        return _decimal_texts(batch)
    if name == "string":
        encode = _base64_object if as_base64 else _text
        return [_string_text(item, encode) for item in batch]
    return [json.dumps(item) for item in batch.tolist()]


def _string_text(item, encode):
    if isinstance(item, bytes):
        return encode(item)
    return f"[{', '.join(_string_text(part, encode) for part in item)}]"


def _text(value):
    return json.dumps(
        value.decode("utf-8", "surrogateescape"), ensure_ascii=False
    )


def _base64_object(value):
    digits = binascii.b2a_base64(value, newline=False).decode("ascii")
    return f'{{"b64": "{digits}"}}'


def _decimal_texts(batch):
    """Prints all numbers, and all brackets between them, with one format.

    Formatting millions of numbers one by one would take several times longer.
    """
    shape = batch.shape[1:]
    ends = _closing_brackets(shape)
    after = [_separator(n, len(shape)) for n in range(len(shape) + 1)]
    values = np.ascontiguousarray(batch).reshape(-1)
    indices = format_indices(values).reshape(len(batch), -1)
    pieces = np.array(
        [text + end for text in formats(values.dtype) for end in after], object
    )
    template = "".join(pieces[indices * len(after) + ends].reshape(-1))
    text = template % tuple(values.tolist())
    opening = "[" * len(shape)
    text = opening + text.removesuffix(_separator(len(shape), len(shape)))
    return f"{text}{']' * len(shape)}".split(_BETWEEN_ITEMS)


def _closing_brackets(shape):
    """Counts, for each number of an item, the arrays that end behind it."""
    ends = np.zeros(int(np.prod(shape)), np.intp)
    for i in range(len(shape)):
        block = int(np.prod(shape[i:]))
        ends[block - 1 :: block] += 1
    return ends


def _separator(n_ending, rank):
    between = _BETWEEN_ITEMS if n_ending == rank else ", "
    return "]" * n_ending + between + "[" * n_ending
