"""What is to be classified, or regressed."""

from dataclasses import dataclass, field

import numpy as np

from keras_colorizer.serving.rest.examples.protos import serialized_example
from keras_colorizer.serving.rest.rapidjson.echo import echo, type_of
from keras_colorizer.serving.rest.rapidjson.numbers import (
    LOWEST_INTEGER,
    is_integer,
)
from keras_colorizer.serving.rest.rapidjson.objects import (
    is_base64_object,
    members,
)
from keras_colorizer.serving.rest.requests import (
    DEFAULT_SIGNATURE,
    read_request,
)
from keras_colorizer.serving.rest.status import invalid_argument
from keras_colorizer.serving.rest.tensors.leaves import read_leaves

_KINDS = {bytes: "bytes", float: "float", int: "int64"}


@dataclass(frozen=True)
class ExamplesBody:
    """The body of a classify or regress request.

    Attributes:
        signature_name: What the request names, or "serving_default".
        examples: `(n,)` objects, serialized `tf.train.Example`, as bytes; what
            `context` says is part of each.
    """

    signature_name: str
    examples: np.ndarray = field(repr=False)

    @classmethod
    def read(cls, raw: bytes) -> "ExamplesBody":
        """Reads the whole body, before the model is looked up.

        Raises:
            RestError: INVALID_ARGUMENT if the body holds no list of examples.

        Source: TF Serving's `util/json_tensor.cc`,
        FillClassifyRegressRequestFromJson.
        """
        document, name = read_request(raw)
        context = b""
        if "context" in document:
            context = _serialized(document["context"])
        values = _examples(document)
        examples = np.empty(len(values), np.object_)
        examples[:] = [context + _serialized(value) for value in values]
        return cls(name or DEFAULT_SIGNATURE, examples)


def _examples(document):
    if "examples" not in document:
        fault = (
            "When method is classify, key 'examples' is expected and was not "
            "found"
        )
    elif not isinstance(document["examples"], list):
        fault = "Expecting 'examples' value to be an list/array"
    elif not document["examples"]:
        fault = "'examples' value is an empty array"
    else:
        return document["examples"]
    raise invalid_argument(f"JSON Value: {echo(document)} {fault}")


def _serialized(example):
    if not isinstance(example, dict):
        raise invalid_argument(
            f"Example must be JSON object but got JSON {type_of(example)}"
        )
    return serialized_example(
        {name: _feature(name, value) for name, value in members(example)}
    )


def _feature(name, value):
    feature: list = []
    for element in value if isinstance(value, list) else [value]:
        converted = _element(name, element)
        kind = type(feature[0]) if feature else type(converted)
        if type(converted) is not kind:
            raise invalid_argument(
                f"Unexpected element type in feature: {name} expecting type: "
                f"{_KINDS[kind]}"
            )
        feature.append(converted)
    return feature


def _element(name, element):
    if isinstance(element, str) or is_base64_object(element):
        return read_leaves([element], "string")[0]
    if isinstance(element, bool):
        return int(element)
    if is_integer(element):
        return _int64(name, element)
    if isinstance(element, int | float):
        return float(element)
    raise invalid_argument(
        f"Feature: {name} has element with unexpected JSON type: "
        f"{type_of(element)}"
    )


def _int64(name, element):
    if element >= -LOWEST_INTEGER:
        raise invalid_argument(
            f"Feature: {name} has uint64_t element. Only int64_t is supported."
        )
    return element
