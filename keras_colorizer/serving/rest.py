"""JSON to arrays and back, as in TF Serving's util/json_tensor.cc."""

import base64
import json
import re
from itertools import chain
from typing import Any

import numpy as np
from starlette.exceptions import HTTPException

Arrays = dict[str, np.ndarray]  # Strings are bytes, in arrays of objects.

TARGET = re.compile(
    r"(?ai)(GET|POST) /v1/models/([^/:]+)(?:/versions/0*(\d{1,18}))?"
    r"(/metadata|:predict)?"
)
VERBS = ("GET", None), ("GET", "/metadata"), ("POST", ":predict")
# As many as a megapixel has; objects and strings take more memory each, and
# one character beyond ASCII makes all of a text up to four times as large.
MOST = {b",": 4_000_000, b"[": 2_000_000, b"{": 10_000, b'"': 100_000}
MOST_BYTES_BEYOND_ASCII = 2**24
ESCAPES = rb"\ud", rb"\uD"  # Of the largest characters.
DTYPES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_STRING": "object"}
JSON_TYPES: dict[str, set[type]] = dict.fromkeys("iu", {int})  # By kind.
JSON_TYPES |= {"b": {bool}, "f": {int, float}, "O": {str, dict}}
# Of equal keys the first counts.
DECODER = json.JSONDecoder(object_pairs_hook=lambda p: dict(reversed(p)))


def read_json(content: bytes) -> dict[str, Any]:
    """Reads an object of bounded size and depth, or raises HTTPException."""
    if any(content.count(mark) > most for mark, most in MOST.items()):
        raise HTTPException(413, "The JSON holds too many values.")
    is_ascii = content.isascii() and not any(map(content.__contains__, ESCAPES))
    if len(content) > MOST_BYTES_BEYOND_ASCII and not is_ascii:
        raise HTTPException(413, "The JSON is too large for text beyond ASCII.")
    text = content.decode("utf-8", "surrogateescape").lstrip()
    try:
        document, _ = DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"JSON Parse error: {error}.") from None
    if not isinstance(document, dict):
        raise HTTPException(400, "The JSON must be an object.")
    return document


def read_inputs(document: dict[str, Any], inputs: dict[str, Any]) -> Arrays:
    """Reads inputs as the metadata have them, or raises HTTPException."""
    if ("instances" in document) == ("inputs" in document):
        raise HTTPException(400, "Name one of 'inputs' and 'instances'.")
    values: Any = document.get("inputs", document.get("instances"))
    try:
        if "instances" in document:
            if not isinstance(values, list) or not values:
                raise ValueError("'instances' must be a list with values")
            if any(map(_is_named, values)):
                values = {n: [row[n] for row in values] for n in inputs}
        if not _is_named(values):
            (name,) = inputs
            values = {name: values}
        return {
            name: _array(values[name], info["dtype"])
            for name, info in inputs.items()
        }
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        names = ", ".join(inputs)
        raise HTTPException(400, f"{names} cannot be read: {error}.") from None


def write_outputs(outputs: Arrays, *, is_columnar: bool) -> bytes:
    """Writes outputs as JSON, or raises HTTPException."""
    columns = {name: _values(name, array) for name, array in outputs.items()}
    answer: Any = columns if len(columns) > 1 else next(iter(columns.values()))
    if not is_columnar:
        sizes = {array.shape[:1] for array in outputs.values()}
        if len(sizes) > 1 or () in sizes:
            raise HTTPException(400, "The outputs have no common batch size.")
        if len(columns) > 1:
            rows = zip(*columns.values(), strict=True)
            answer = [dict(zip(columns, row, strict=True)) for row in rows]
    key = "outputs" if is_columnar else "predictions"
    text = json.dumps({key: answer}, ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() != {"b64"}


def _array(values: Any, kind: str) -> np.ndarray:
    shape: list[int] = []
    leaves = [values]
    while list in (types := set(map(type, leaves))):
        (length,) = set(map(len, leaves))
        shape.append(length)
        leaves = list(chain.from_iterable(leaves))
    dtype = np.dtype(DTYPES.get(kind, kind.removeprefix("DT_").lower()))
    if dtype == np.float16 or not types <= JSON_TYPES[dtype.kind]:
        raise ValueError(f"not all values are {kind}")
    if dtype.kind == "O":
        leaves = [
            leaf.encode("utf-8", "surrogateescape")
            if isinstance(leaf, str)
            else base64.b64decode(leaf["b64"], validate=True)
            for leaf in leaves
        ]
    array = np.empty(len(leaves), dtype)
    with np.errstate(over="ignore"):  # 1e39 is infinite in float32.
        array[:] = leaves
    return array.reshape(shape)


def _values(name: str, array: np.ndarray) -> Any:
    if array.dtype.kind not in JSON_TYPES or array.dtype == np.float16:
        raise HTTPException(400, f"`{name}` of {array.dtype} has no JSON.")
    if array.dtype.kind != "O":
        return array.tolist()
    if name.endswith("_bytes"):
        texts = [{"b64": base64.b64encode(v).decode()} for v in array.flat]
    else:
        texts = [v.decode("utf-8", "surrogateescape") for v in array.flat]
    return np.array(texts, object).reshape(array.shape).tolist()
