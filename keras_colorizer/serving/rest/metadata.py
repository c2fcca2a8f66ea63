"""The body of `GET .../metadata`: a model's signatures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a signature.

    Attributes:
        name: The tensor's name in the graph, such as "serving_default_x:0".
        dtype: The name of the protobuf enum, such as "DT_FLOAT".
        shape: Sizes, -1 for unknown ones; None if the rank is unknown.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Signature:
    """One signature of a model.

    Attributes:
        inputs: By alias.
        outputs: By alias.
        method_name: Such as "tensorflow/serving/predict".
    """

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    method_name: str = "tensorflow/serving/predict"


def metadata_body(
    model: str, version: int, signatures: Mapping[str, Signature]
) -> bytes:
    """Returns the JSON of a model's signatures.

    Args:
        model: The model's name.
        version: The version that the request resolved to.
        signatures: By name.
    """
    spec = {"name": model, "signature_name": "", "version": str(version)}
    by_name = {name: as_json(s) for name, s in signatures.items()}
    document = {
        "model_spec": spec,
        # Twice, since a map of signatures is packed into a map of metadata.
        "metadata": {"signature_def": {"signature_def": by_name}},
    }
    text = json.dumps(document, ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def as_json(signature: Signature) -> dict:
    """Returns a signature as protobuf's JSON has it."""
    return {
        "inputs": _tensors(signature.inputs),
        "outputs": _tensors(signature.outputs),
        "method_name": signature.method_name,
        "defaults": {},
    }


def _tensors(tensors):
    return {alias: _tensor(info) for alias, info in tensors.items()}


def _tensor(info):
    # Sizes are 64-bit integers, which protobuf's JSON has as strings.
    sizes = [{"size": str(n), "name": ""} for n in info.shape or ()]
    return {
        "dtype": info.dtype,
        "tensor_shape": {"dim": sizes, "unknown_rank": info.shape is None},
        "name": info.name,
    }
