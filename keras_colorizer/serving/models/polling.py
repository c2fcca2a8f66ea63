"""What is done again and again beside serving."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)


class Poller:
    """Calls functions in a thread of its own, each in its own period.

    An error of one call does not end the next ones; it is logged, but not
    again as long as it stays the same.

    Args:
        tasks: Pairs of a function and its period in seconds; one of 0 or less
            is never called.
    """

    def __init__(self, tasks: Sequence[tuple[Callable[[], None], float]]):
        self._tasks = [task for task in tasks if task[1] > 0]
        self._problems: dict[Callable[[], None], str] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="polling", daemon=True
        )

    def start(self) -> None:
        """Begins; the first calls are one period from now."""
        if self._tasks:
            self._thread.start()

    def stop(self, *, timeout: float) -> None:
        """Begins no other call, and waits for one that runs.

        Args:
            timeout: The longest to wait, in seconds.
        """
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self):
        due = {task: time.monotonic() + task[1] for task in self._tasks}
        while True:
            task = min(due, key=lambda task: due[task])
            if self._stopped.wait(max(0.0, due[task] - time.monotonic())):
                return
            self._call(task[0])
            due[task] = time.monotonic() + task[1]

    def _call(self, function):
        problem = ""
        try:
            function()
        except Exception as error:
            problem = str(error)
            if problem != self._problems.get(function):
                log.error("%s", problem)
        self._problems[function] = problem
