"""Data types of tensors, by the names that TF Serving prints."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TensorType:
    """How JSON values become the elements of a tensor.

    Attributes:
        array: The type of the array's elements.
        python: The types of the JSON values that fit.
        wide: The type that all fitting numbers go through.
        lowest: Of integers, the smallest that fits.
        highest: Of integers, the largest that fits.
    """

    array: type
    python: frozenset
    wide: type
    lowest: int = 0
    highest: int = 0

    @property
    def is_integer(self) -> bool:
        """Whether the elements are integers, not booleans."""
        return self.highest > 0


def _integers(array, wide, limits):
    info = np.iinfo(limits)
    return TensorType(
        array, frozenset({int}), wide, int(info.min), int(info.max)
    )


_NUMBERS = frozenset({int, float})

# Types that are missing have no JSON form: half, bfloat16, uint16, complex64.
# The small integers take what fits into 32 bits, and wrap around: TF Serving
# checks no more than that.
# Source: TF Serving's util/json_tensor.cc, AddValueToTensor.
TENSOR_TYPES = {
    "float": TensorType(np.float32, _NUMBERS, np.float64),
    "double": TensorType(np.float64, _NUMBERS, np.float64),
    "int8": _integers(np.int8, np.int64, np.int32),
    "int16": _integers(np.int16, np.int64, np.int32),
    "int32": _integers(np.int32, np.int64, np.int32),
    "uint8": _integers(np.uint8, np.int64, np.int32),
    "int64": _integers(np.int64, np.int64, np.int64),
    "uint32": _integers(np.uint32, np.uint64, np.uint32),
    "uint64": _integers(np.uint64, np.uint64, np.uint64),
    "bool": TensorType(np.bool_, frozenset({bool}), np.bool_),
    "string": TensorType(np.object_, frozenset({str, dict}), np.object_),
}

_NAMES = {
    "float32": "float",
    "float64": "double",
    "float16": "half",
    "object": "string",
}


def type_name(dtype: np.dtype) -> str:
    """Returns TF Serving's name for the type of an array's elements."""
    return _NAMES.get(dtype.name, dtype.name)
