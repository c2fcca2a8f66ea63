"""One request that waits to be run."""

import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from keras_colorizer.serving.rest.status import invalid_argument

Tensors = Mapping[str, np.ndarray]


@dataclass
class Task:
    """The inputs of a request, and what becomes of its outputs.

    Attributes:
        inputs: An array for each alias.
        finish: Makes the answer of the outputs; called in the thread that ran
            them. It may raise `RestError`.
        size: Rows, the size of axis 0; 0 if the inputs have none in common.
        mates: Only tasks of equal `mates` may run together; None for alone.
        deadline: When nobody waits for it any longer, `time.monotonic()`.
        future: The answer, or a `RestError`. It can be cancelled while it
            waits.
        started: When it began to wait, `time.monotonic()`.
    """

    inputs: Tensors
    finish: Callable[[Tensors], bytes]
    size: int
    mates: Hashable | None
    deadline: float
    future: Future = field(default_factory=Future)
    started: float = field(default_factory=time.monotonic)

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self.deadline


def common_rows(inputs: Tensors) -> int | None:
    """Returns the size of axis 0 that all inputs share; None if there is none.

    Args:
        inputs: Any arrays.
    """
    sizes = {
        array.shape[0] if array.ndim else None for array in inputs.values()
    }
    return sizes.pop() if len(sizes) == 1 else None


def checked_rows(inputs: Tensors) -> int:
    """Returns the size of axis 0, as TF Serving's batching demands it.

    Args:
        inputs: Any arrays.

    Raises:
        RestError: INVALID_ARGUMENT if an input has no axis 0, or another size.

    Source:
        batching/batching_util.h.
    """
    if any(array.ndim == 0 for array in inputs.values()):
        raise invalid_argument(
            "Batching Run() input tensors must have at least one dimension"
        )
    rows = common_rows(inputs)
    if rows is None:
        raise invalid_argument(
            "Batching Run() input tensors must have equal 0th-dimension size"
        )
    return rows
