"""Worker processes of this machine, each of which may die without harm."""

import logging
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.resource_tracker import ensure_running
from typing import cast

from keras_colorizer.colorizing.coloring import (
    Outcome,
    PhotoColorizer,
    Settings,
    Task,
)
from keras_colorizer.errors import ColorizerError

Workers = dict[Connection, SpawnProcess]


def color_in_processes(
    tasks: Sequence[Task], settings: Settings, *, count: int
) -> Iterator[Outcome | ColorizerError]:
    """Colors photos in several processes; one that dies is replaced.

    Yields:
        One answer for each task whose process did not die.
    """
    waiting = iter(tasks)
    workers: Workers = {}
    busy: set[Connection] = set()
    try:
        while True:
            idle = [worker for worker in workers if worker not in busy]
            for task in islice(waiting, count - len(busy)):
                worker = idle.pop() if idle else _start(workers, settings)
                busy.add(worker)
                with suppress(OSError):  # It has died, as `recv` will say.
                    worker.send(task)
            if not busy:
                return
            for worker in cast(list[Connection], wait(list(busy))):
                busy.discard(worker)
                try:
                    yield worker.recv()
                except (EOFError, OSError):
                    _stop(worker, workers)
    finally:
        for worker in list(workers):
            _stop(worker, workers)


def _start(workers: Workers, settings: Settings) -> Connection:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_work, args=(theirs, settings), daemon=True
    )
    # Ctrl-C is for this process. The tracker, started first, unblocks it.
    ensure_running()
    if hasattr(signal, "pthread_sigmask"):  # Not on Windows.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    process.start()
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    theirs.close()
    workers[ours] = process
    return ours


def _stop(worker: Connection, workers: Workers) -> None:
    process = workers.pop(worker)
    worker.close()
    process.terminate()
    process.join(timeout=5)
    process.kill()
    process.join()


def _work(connection: Connection, settings: Settings) -> None:
    """Colors what comes, until the other end closes or its process dies."""
    # Half-written files are removed before this process ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # One thread each: there are as many processes as cores.
    os.environ["OMP_NUM_THREADS"] = "1"
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    work = PhotoColorizer(settings)
    with suppress(EOFError, OSError):
        while True:
            connection.send(work(connection.recv()))
    # Nothing is half written, and what is freed now cannot be interrupted.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
