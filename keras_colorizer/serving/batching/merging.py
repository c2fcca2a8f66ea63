"""Several requests' tensors as one, and one's outputs as several."""

from collections.abc import Callable, Mapping, Sequence

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
    *,
    pads: bool,
    names: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """Puts the rows of all tasks below each other.

    Args:
        tasks: The inputs of each, an array for each alias.
        pads: Whether to fill inputs of different shapes up with zeros.
        names: Of the tensors in the graph, by alias, for errors.

    Returns:
        An array for each alias.

    Raises:
        RestError: If the inputs of two tasks differ in shape, and may not.

    Source:
        TF Serving's batching/batching_session.cc, `MergeInputTensors`.
    """
    merged = {}
    for alias in tasks[0]:
        arrays = [inputs[alias] for inputs in tasks]
        if pads:
            arrays = _padded(arrays)
        if len({array.shape[1:] for array in arrays}) > 1:
            raise RestError(
                Code.FAILED_PRECONDITION, _different_shapes(names[alias])
            )
        merged[alias] = (
            arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        )
    return merged


def run_in_parts(
    run: Callable[[Tensors], Tensors],
    inputs: Tensors,
    rows: int,
    parameters: BatchingParameters,
) -> Tensors | None:
    """Runs as many rows as may run at once, filled up, until all have run.

    Args:
        run: Maps inputs to outputs.
        inputs: An array for each alias.
        rows: Of each of them; at least 1.
        parameters: Say how many may run at once, and to what they are filled
            up.

    Returns:
        An array for each alias of the outputs, or None if they have other rows
        than the inputs.
    """
    parts = []
    for start in range(0, rows, parameters.rows_at_once):
        stop = min(start + parameters.rows_at_once, rows)
        size = parameters.padded_size(stop - start)
        outputs = run(_cut(inputs, start, stop, size=size))
        if any(array.shape[:1] != (size,) for array in outputs.values()):
            return None
        parts.append(_cut(outputs, 0, stop - start))
    if len(parts) == 1:
        return parts[0]
    return {
        alias: np.concatenate([part[alias] for part in parts])
        for alias in parts[0]
    }


def split(
    outputs: Tensors, sizes: Sequence[int]
) -> list[dict[str, np.ndarray]]:
    """Gives each task its rows.

    Args:
        outputs: Of the batch, an array for each alias.
        sizes: Rows of each task.

    Returns:
        The outputs of each task.
    """
    starts = np.cumsum([0, *sizes])
    return [
        _cut(outputs, start, start + size)
        for start, size in zip(starts, sizes, strict=False)
    ]


def _cut(arrays, start, stop, *, size=0):
    """Some rows, and copies of the first of them up to a size."""
    cut = {alias: array[start:stop] for alias, array in arrays.items()}
    missing = size - (stop - start)
    if missing <= 0:
        return cut
    return {
        alias: np.concatenate([rows, np.repeat(rows[:1], missing, axis=0)])
        for alias, rows in cut.items()
    }


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
