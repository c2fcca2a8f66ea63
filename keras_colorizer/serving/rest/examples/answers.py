"""Which signatures can classify or regress, and what they answer."""

import json
from collections.abc import Mapping
from typing import Literal

import numpy as np

from keras_colorizer.serving.rest.metadata import Signature, as_json
from keras_colorizer.serving.rest.status import invalid_argument
from keras_colorizer.serving.rest.tensors.types import type_name
from keras_colorizer.serving.rest.tensors.writing import (
    item_texts,
    tensor_text,
)

_MATRICES = {"classes": "string", "scores": "float"}


def check_signature(
    method: Literal["classify", "regress"],
    name: str,
    signatures: Mapping[str, Signature],
) -> None:
    """Refuses a signature that cannot classify, or regress.

    One that can has one input, `inputs`, for the examples. Its outputs go to
    `classify_answer` or `regress_answer`. The method name that the signature
    itself gives is not looked at, as is TF Serving's default.

    Raises:
        RestError: INVALID_ARGUMENT, with TF Serving's words.

    Source: TF Serving's `servables/tensorflow/classifier.cc`,
    PreProcessClassification, and `regressor.cc`, PreProcessRegression.
    """
    if name not in signatures:
        raise invalid_argument(f"No signature was found with the name: {name}")
    signature = signatures[name]
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if method == "classify":
        _check_classifier(signature)
    else:
        _check_regressor(signature)


def _check_classifier(signature):
    outputs = signature.outputs
    if len(outputs) not in (1, 2):
        raise invalid_argument(
            f"Expected one or two output Tensors, found {len(outputs)}"
        )
    _check_input("classification", signature)
    if "classes" not in outputs and "scores" not in outputs:
        raise invalid_argument(
            "Expected classification signature outputs to contain at least one "
            f'of "classes" or "scores". Signature was: {_text(signature)}'
        )


def _check_regressor(signature):
    if len(signature.outputs) != 1:
        raise invalid_argument("Expected one output Tensor.")
    _check_input("regression", signature)
    if "outputs" not in signature.outputs:
        raise invalid_argument(
            f"No regression outputs found in SignatureDef: {_text(signature)}"
        )


def _check_input(method, signature):
    if "inputs" not in signature.inputs:
        raise invalid_argument(
            f"No {method} inputs found in SignatureDef: {_text(signature)}"
        )


def _text(signature):
    return json.dumps(as_json(signature))


def classify_answer(
    outputs: Mapping[str, np.ndarray], *, n_examples: int
) -> bytes:
    """Returns the JSON of labels with scores, `[[[label, score]]]`.

    Args:
        outputs: `classes`, `(n, k)` bytes in an array of objects, or `scores`,
            `(n, k)` float32, or both. Labels that are missing become "",
            scores 0.
        n_examples: n.

    Raises:
        RestError: INVALID_ARGUMENT if the outputs have no such form.

    Source: TF Serving's `servables/tensorflow/classifier.cc`,
    PostProcessClassificationResult.
    """
    matrices = {
        name: _matrix(name, outputs[name], dtype, n_examples)
        for name, dtype in _MATRICES.items()
        if name in outputs
    }
    shapes = {matrix.shape for matrix in matrices.values()}
    if len(shapes) > 1:
        raise invalid_argument(
            "Tensors class and score should match in dim_size(1). Got "
            f"{outputs['classes'].shape[1]} vs. {outputs['scores'].shape[1]}"
        )
    [shape] = shapes
    classes = matrices.get("classes", np.full(shape, b"", np.object_))
    scores = matrices.get("scores", np.zeros(shape, np.float32))
    return _results(map(_labels_with_scores, classes, scores))


def _labels_with_scores(labels, scores):
    pairs = zip(
        item_texts(labels, as_base64=False),
        item_texts(scores, as_base64=False),
        strict=True,
    )
    return f"[{', '.join(f'[{label}, {score}]' for label, score in pairs)}]"


def _matrix(name, tensor, dtype, n_examples):
    if tensor.ndim != 2:
        raise invalid_argument(
            "Expected Tensor shape: [batch_size num_classes] but got "
            f"{_shape(tensor)}"
        )
    if type_name(tensor.dtype) != dtype:
        raise invalid_argument(
            f"Expected {name} Tensor of DT_{dtype.upper()}. Got: "
            f"DT_{type_name(tensor.dtype).upper()}"
        )
    if len(tensor) != n_examples:
        raise invalid_argument(
            f"Expected {name} output batch size of {n_examples}. Got: "
            f"{len(tensor)}"
        )
    return tensor


def regress_answer(
    outputs: Mapping[str, np.ndarray], *, n_examples: int
) -> bytes:
    """Returns the JSON of values: `{"results": [value]}`.

    Args:
        outputs: `outputs`, `(n,)` or `(n, 1)` float32.
        n_examples: n.

    Raises:
        RestError: INVALID_ARGUMENT if the output has no such form.

    Source: TF Serving's `servables/tensorflow/regressor.cc`,
    PostProcessRegressionResult.
    """
    values = outputs["outputs"]
    if values.shape[1:] not in ((), (1,)) or values.ndim == 0:
        raise invalid_argument(
            "Expected output Tensor shape to be either [batch_size] or "
            f"[batch_size, 1] but got {_shape(values)}"
        )
    if len(values) != n_examples:
        raise invalid_argument(
            "Input batch size did not match output batch size: "
            f"{n_examples} vs. {len(values)}"
        )
    if type_name(values.dtype) != "float":
        raise invalid_argument(
            "Expected output Tensor of DT_FLOAT.  Got: "
            f"DT_{type_name(values.dtype).upper()}"
        )
    return _results([tensor_text(v, as_base64=False) for v in values.ravel()])


def _results(texts):
    text = f'{{"results": [{", ".join(texts)}]}}'
    return text.encode("utf-8", "surrogateescape")


def _shape(tensor):
    return f"[{','.join(map(str, tensor.shape))}]"
