"""Threads that run the batches of all signatures, in turn."""

import math
import threading
from collections.abc import Callable

from keras_colorizer.serving.batching.parameters import BatchingParameters
from keras_colorizer.serving.batching.queue import Batch, BatchQueue
from keras_colorizer.serving.batching.task import Task
from keras_colorizer.serving.rest.status import Code, RestError


class Lane:
    """The queue of one signature, with what runs its batches.

    Args:
        parameters: Of the queue.
        run: Runs a batch; it leaves no future of its tasks undone, and raises
            nothing.
    """

    def __init__(
        self, parameters: BatchingParameters, run: Callable[[Batch], None]
    ):
        self.queue = BatchQueue(parameters)
        self.run = run


class BatchScheduler:
    """A fixed number of threads that take turns between lanes.

    Args:
        n_threads: How many batches run at once.
    """

    def __init__(self, n_threads: int):
        self._changed = threading.Condition()
        self._busy: list[Lane] = []  # With batches; the next in turn is first.
        self._is_stopped = False
        self._threads = [
            threading.Thread(target=self._work, name="batches", daemon=True)
            for _ in range(n_threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, lane: Lane, task: Task) -> None:
        """Lets a task wait; its future will be done, or cancelled.

        Raises:
            RestError: UNAVAILABLE if too many wait, or the server stops.
        """
        with self._changed:
            if self._is_stopped:
                raise RestError(Code.UNAVAILABLE, "The server is stopping")
            lane.queue.add(task)
            if lane not in self._busy:
                self._busy.append(lane)
            self._changed.notify()

    def stop(self, *, timeout: float) -> None:
        """Runs what waits, then ends the threads.

        Args:
            timeout: The longest to wait for each, in seconds.
        """
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout)

    def _work(self):
        while True:
            taken = self._take()
            if taken is None:
                return
            lane, batch = taken
            lane.run(batch)

    def _take(self):
        """Waits for a batch that is due; None once there will be none."""
        with self._changed:
            while True:
                for lane in self._busy:
                    batch = lane.queue.pop()
                    if batch is not None:
                        self._end_turn(lane)
                        return lane, batch
                if self._is_stopped and not self._busy:
                    return None
                self._changed.wait(self._seconds_until_due())

    def _end_turn(self, lane):
        self._busy.remove(lane)
        if len(lane.queue):
            self._busy.append(lane)

    def _seconds_until_due(self):
        due = [lane.queue.seconds_until_due() for lane in self._busy]
        soonest = min(due, default=math.inf)
        return None if math.isinf(soonest) else soonest
