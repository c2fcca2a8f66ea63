"""The batches of one signature that wait for a thread."""

import math
import time
from collections import deque
from collections.abc import Hashable

from keras_colorizer.serving.batching.parameters import BatchingParameters
from keras_colorizer.serving.batching.task import Task
from keras_colorizer.serving.rest.status import Code, RestError


class Batch:
    """Tasks that run together.

    Args:
        mates: Of each of them.

    Attributes:
        tasks: In the order they came.
        size: Their rows.
        started: When the first came, `time.monotonic()`.
        is_closed: Whether no other may join.
    """

    def __init__(self, mates: Hashable | None):
        self.mates = mates
        self.is_closed = mates is None
        self.tasks: list[Task] = []
        self.size = 0
        self.started = time.monotonic()

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits for it still."""
        return not all(task.future.cancelled() for task in self.tasks)

    def add(self, task: Task) -> None:
        """Appends a task."""
        self.tasks.append(task)
        self.size += task.size


class BatchQueue:
    """A bounded line of batches; the caller locks it.

    Args:
        parameters: How large batches may be, how many wait, and how long.

    Source:
        TensorFlow's kernels/batching_util/shared_batch_scheduler.h.
    """

    def __init__(self, parameters: BatchingParameters):
        self._parameters = parameters
        self._patience = parameters.batch_timeout_micros / 1e6
        self._batches: deque[Batch] = deque()

    def __len__(self) -> int:
        return len(self._batches)

    def add(self, task: Task) -> None:
        """Puts a task into an open batch, or begins one.

        Raises:
            RestError: UNAVAILABLE if that would be one too many.
        """
        batch = self._open_batch(task)
        if batch is None:
            self._make_room()
            batch = Batch(task.mates)
            self._batches.append(batch)
        batch.add(task)
        if batch.size >= self._parameters.rows_at_once:
            batch.is_closed = True

    def pop(self) -> Batch | None:
        """Removes the first batch that is full, or has waited long enough."""
        for index, batch in enumerate(self._batches):
            if batch.is_closed or self._has_waited(batch):
                del self._batches[index]
                return batch
        return None

    def seconds_until_due(self) -> float:
        """Returns when `pop` will have one; infinity if it is empty."""
        if not self._batches:
            return math.inf
        if any(batch.is_closed for batch in self._batches):
            return 0.0
        started = min(batch.started for batch in self._batches)
        return max(0.0, started + self._patience - time.monotonic())

    def _open_batch(self, task):
        for batch in self._batches:
            if batch.is_closed or batch.mates != task.mates:
                continue
            if batch.size + task.size <= self._parameters.rows_at_once:
                return batch
            batch.is_closed = True
        return None

    def _make_room(self):
        """Drops what nobody waits for any longer, if it has to."""
        limit = self._parameters.max_enqueued_batches
        if len(self._batches) >= limit:
            kept = [batch for batch in self._batches if batch.is_wanted]
            self._batches = deque(kept)
        if len(self._batches) >= limit:
            raise RestError(
                Code.UNAVAILABLE,
                "The batch scheduling queue to which this task was submitted "
                "is full",
            )

    def _has_waited(self, batch):
        return time.monotonic() - batch.started >= self._patience
