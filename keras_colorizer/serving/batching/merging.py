"""Several requests' tensors as one, and one's outputs as several."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_colorizer.serving.batching.parameters import BatchingParameters
from keras_colorizer.serving.rest.status import (
    Code,
    RestError,
    invalid_argument,
)

Tensors = Mapping[str, np.ndarray]
MAX_PADDED_RANK = 6


def merge(
    tasks: Sequence[Tensors],
    parameters: BatchingParameters,
    *,
    names: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """Puts the rows of all tasks below each other.

    Args:
        tasks: The inputs of each, an array for each alias.
        parameters: Says which sizes there may be, and whether to pad.
        names: Of the tensors in the graph, by alias, for errors.

    Returns:
        An array for each alias.

    Raises:
        RestError: If the inputs of two tasks differ in shape, and may.

    Source:
        TF Serving's batching/batching_session.cc, `MergeInputTensors`.
    """
    merged = {}
    for alias in tasks[0]:
        arrays = [inputs[alias] for inputs in tasks]
        if parameters.pad_variable_length_inputs:
            arrays = _padded(arrays)
        if len({array.shape[1:] for array in arrays}) > 1:
            raise RestError(
                Code.FAILED_PRECONDITION, _different_shapes(names[alias])
            )
        rows = sum(len(array) for array in arrays)
        missing = parameters.padded_size(rows) - rows
        if missing:
            arrays.append(np.repeat(arrays[-1][:1], missing, axis=0))
        merged[alias] = (
            arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        )
    return merged


def split(
    outputs: Tensors, sizes: Sequence[int], *, padded_size: int
) -> list[dict[str, np.ndarray]] | None:
    """Gives each task its rows.

    Args:
        outputs: Of the batch, an array for each alias.
        sizes: Rows of each task.
        padded_size: Rows of the batch.

    Returns:
        The outputs of each task, or None if they do not have these rows.
    """
    for array in outputs.values():
        if not array.ndim or len(array) != padded_size:
            return None
    starts = np.cumsum([0, *sizes])
    return [
        {alias: array[start : start + size] for alias, array in outputs.items()}
        for start, size in zip(starts, sizes, strict=False)
    ]


def _padded(arrays):
    """Zeros at the end of every axis but the first."""
    ranks = {array.ndim for array in arrays}
    if len(ranks) > 1:
        return arrays
    if not 1 <= ranks.pop() <= MAX_PADDED_RANK:
        raise invalid_argument(
            "Only tensors with rank from 1 to 6 can be padded."
        )
    sides = np.max([array.shape for array in arrays], axis=0)[1:]
    blank = b"" if arrays[0].dtype == object else 0
    return [_padded_to(sides, array, blank) for array in arrays]


def _padded_to(sides, array, blank):
    missing = sides - array.shape[1:]
    ends = [(0, 0), *((0, sides) for sides in missing)]
    return np.pad(array, ends, constant_values=blank)


def _different_shapes(name):
    return (
        f"Tensors with name '{name}' from different tasks have different "
        "shapes and padding is turned off. Set pad_variable_length_inputs to "
        "true, or ensure that all tensors with the same name have equal "
        "dimensions starting with the first dim."
    )
