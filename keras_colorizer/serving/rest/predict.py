"""The bodies of `:predict`: JSON in, tensors; tensors, JSON out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from keras_colorizer.serving.rest.columns import read_columns
from keras_colorizer.serving.rest.instances import read_instances
from keras_colorizer.serving.rest.predictions import columns_text, rows_text
from keras_colorizer.serving.rest.rapidjson.echo import echo
from keras_colorizer.serving.rest.requests import (
    DEFAULT_SIGNATURE,
    read_request,
)
from keras_colorizer.serving.rest.status import invalid_argument


@dataclass
class PredictBody:
    """The body of a predict request, read in the order TF Serving reads it.

    Attributes:
        document: The JSON object; empty once the tensors were read.
        signature_name: What the request names, or "serving_default".
        is_row: Whether it has `instances`, and the answer `predictions`;
            otherwise it has `inputs`, and the answer `outputs`.
    """

    document: dict = field(repr=False)
    signature_name: str
    is_row: bool

    @classmethod
    def read(cls, raw: bytes) -> "PredictBody":
        """Reads the JSON; the model and its signature come only later.

        Args:
            raw: The body as sent, decompressed.

        Raises:
            RestError: INVALID_ARGUMENT if it is not a JSON object, or its
                `signature_name` is not a string.
        """
        document, name = read_request(raw)
        return cls(document, name or DEFAULT_SIGNATURE, "instances" in document)

    def tensors(self, inputs: Mapping[str, str]) -> dict[str, np.ndarray]:
        """Returns the input tensors of `instances` (row) or `inputs`.

        May be called once: the JSON, which is larger than the tensors, is let
        go.

        Args:
            inputs: The data type of every input of the signature by its
                alias, as TF Serving prints it: "float", "uint8", "string".

        Returns:
            An array of that type for each alias; strings are bytes in an array
            of objects.

        Raises:
            RestError: INVALID_ARGUMENT if the body does not fit the inputs,
                UNIMPLEMENTED for types without JSON form, such as "half".
        """
        document, self.document = self.document, {}
        _check_inputs(inputs, document)
        if self.is_row:
            return read_instances(_instances(document), inputs)
        return read_columns(_inputs(document), inputs)

    def answer(self, outputs: Mapping[str, np.ndarray]) -> bytes:
        """Returns the JSON of the answer, in the format of the request.

        Args:
            outputs: The output tensors by alias; strings are bytes in an array
                of objects. An alias that ends in `_bytes` is written in
                base64.

        Raises:
            RestError: INVALID_ARGUMENT if the outputs have no such form.
        """
        if not outputs:
            raise invalid_argument("Cannot convert empty tensor map to JSON")
        if self.is_row:
            text = f'{{"predictions": {rows_text(outputs)}}}'
        else:
            text = f'{{"outputs": {columns_text(outputs)}}}'
        return text.encode("utf-8", "surrogateescape")


def _check_inputs(inputs, document):
    if not inputs:
        name = document.get("signature_name") or "DEFAULT"
        raise invalid_argument(f"Failed to get input map for signature: {name}")


def _instances(document):
    if "inputs" in document:
        raise _malformed(
            document,
            "Not formatted correctly expecting only one of 'inputs' or "
            "'instances' keys to exist ",
        )
    instances = document["instances"]
    if not isinstance(instances, list):
        raise _malformed(document, "Expecting 'instances' to be an list/array")
    if not instances:
        raise _malformed(document, "No values in 'instances' array")
    return instances


def _malformed(document, fault):
    return invalid_argument(f"JSON Value: {echo(document)} {fault}")


def _inputs(document):
    if "inputs" not in document:
        raise invalid_argument("Missing 'inputs' or 'instances' key")
    return document["inputs"]
