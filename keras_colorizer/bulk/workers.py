"""A process of its own that colors photos, and may die without harm."""

import logging
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.resource_tracker import ensure_running
from pathlib import Path

from keras_colorizer.bulk.batch import (
    Settings,
    colorize_batch,
    load_colorizer,
)
from keras_colorizer.bulk.records import Record, Task
from keras_colorizer.errors import ColorizerError

STOP_SECONDS = 5.0


class Worker:
    """A new process with a colorizer.

    Args:
        model: As for `Colorizer.load`; it is loaded once.
        settings: For all photos.

    Attributes:
        connection: Becomes ready when `take` will not wait.
        task: What it works on, or None.
    """

    def __init__(self, model: Path, settings: Settings):
        self.task: Task | None = None
        self.connection, theirs = multiprocessing.get_context("spawn").Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(theirs, model, settings), daemon=True
        )
        with interrupts_held():
            self._process.start()
        theirs.close()

    def give(self, task: Task) -> None:
        """Gives it a task, when it has none."""
        self.task = task
        # That it died is told by `take`.
        with suppress(OSError):
            self.connection.send(task)

    def take(self) -> Record:
        """Waits for the record of the task.

        Raises:
            EOFError: If the process has died.
            ColorizerError: If the model cannot be loaded.
        """
        try:
            answer = self.connection.recv()
        except OSError as error:
            raise EOFError(str(error)) from None
        if isinstance(answer, ColorizerError):
            raise answer
        self.task = None
        return answer

    def why_it_died(self) -> str:
        """Returns a word or two on how the process ended."""
        self._process.join(STOP_SECONDS)
        code = self._process.exitcode
        if code is not None and code < 0:
            return signal.Signals(-code).name
        return f"exit code {code}"

    def stop(self) -> None:
        """Ends the process, whatever it is at."""
        self.connection.close()
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(connection, model, settings):
    # What is half written is cleared away before it ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # There are as many processes as cores: a thread each is enough.
    os.environ["OMP_NUM_THREADS"] = "1"
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    # The other end is gone when all is done, or when its process was killed.
    with suppress(EOFError, OSError):
        try:
            colorizer = load_colorizer(model)
        except ColorizerError as error:
            connection.send(error)
            return
        while True:
            for record in colorize_batch(
                colorizer, [connection.recv()], settings
            ):
                connection.send(record)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Keeps Ctrl-C from processes that start here; only their parent stops."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows.
        yield
        return
    # With the first process Python starts a tracker, which lets Ctrl-C through.
    ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
