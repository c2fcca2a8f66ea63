"""The columnar format: a tensor for each input."""

from collections.abc import Mapping

import numpy as np

from keras_colorizer.serving.rest.rapidjson.objects import is_base64_object
from keras_colorizer.serving.rest.status import invalid_argument
from keras_colorizer.serving.rest.tensors.reading import read_tensor


def read_columns(
    columns: object, inputs: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Converts the value of `inputs` to tensors, as they are.

    Args:
        columns: A value or array for a signature with one input, or an object
            that names each input; what else it names is ignored.
        inputs: The type of each input by its alias.

    Returns:
        The tensors by alias.

    Raises:
        RestError: INVALID_ARGUMENT if an input is missing or does not fit,
            UNIMPLEMENTED for types without JSON form.

    Source: TF Serving's `util/json_tensor.cc`, FillTensorMapFromInputsMap.
    """
    if isinstance(columns, dict) and not is_base64_object(columns):
        return {
            name: read_tensor(_named_input(columns, name), name, dtype)
            for name, dtype in inputs.items()
        }
    if len(inputs) > 1:
        raise invalid_argument(
            "inputs is a plain value/list, but expecting an object as multiple "
            "input tensors required as per tensorinfo_map"
        )
    [(name, dtype)] = inputs.items()
    return {name: read_tensor(columns, name, dtype)}


def _named_input(columns, name):
    if name not in columns:
        raise invalid_argument(
            f"Missing named input: {name} in 'inputs' object."
        )
    return columns[name]
