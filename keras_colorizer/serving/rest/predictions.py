"""Output tensors as the answer to a predict request."""

import json
from collections.abc import Mapping

import numpy as np

from keras_colorizer.serving.rest.status import invalid_argument
from keras_colorizer.serving.rest.tensors.writing import (
    item_texts,
    tensor_text,
)

BYTES_SUFFIX = "_bytes"


def columns_text(outputs: Mapping[str, np.ndarray]) -> str:
    """Returns the JSON of the tensors: an object, or the only one.

    Args:
        outputs: By alias; strings are bytes in an array of objects.

    Raises:
        RestError: INVALID_ARGUMENT if a type has no JSON form.
    """
    texts = {
        name: tensor_text(tensor, as_base64=name.endswith(BYTES_SUFFIX))
        for name, tensor in outputs.items()
    }
    return next(iter(texts.values())) if len(texts) == 1 else _object(texts)


def rows_text(outputs: Mapping[str, np.ndarray]) -> str:
    """Returns the JSON of a batch: a list of objects, or of values.

    Args:
        outputs: By alias, with one batch dimension; strings are bytes in an
            array of objects.

    Raises:
        RestError: INVALID_ARGUMENT if there is no such dimension, or a type
            has no JSON form.
    """
    _check_batch(outputs)
    texts = {
        name: item_texts(tensor, as_base64=name.endswith(BYTES_SUFFIX))
        for name, tensor in outputs.items()
    }
    if len(texts) == 1:
        [rows] = texts.values()
    else:
        columns = zip(*texts.values(), strict=True)
        template = _object({n.replace("%", "%%"): "%s" for n in texts})
        rows = [template % row for row in columns]
    return f"[{', '.join(rows)}]"


def _check_batch(outputs):
    size = -1
    for name, tensor in outputs.items():
        if tensor.ndim == 0:
            raise invalid_argument(
                f"Tensor name: {name} has no shape information "
            )
        if size not in (-1, len(tensor)):
            raise invalid_argument(
                f"Tensor name: {name} has inconsistent batch size: "
                f"{len(tensor)} expecting: {size}"
            )
        size = len(tensor)


def _object(texts):
    members = (f"{json.dumps(key)}: {text}" for key, text in texts.items())
    return f"{{{', '.join(members)}}}"
