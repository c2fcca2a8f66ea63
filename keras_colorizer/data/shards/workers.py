"""Work on all cores, with results in the order of the work."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from keras_colorizer.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 16  # Items that go to a process at once.
AHEAD = 3  # Chunks that wait for each process: what bounds the memory.


@contextmanager
def workers(count: int) -> Iterator["Workers"]:
    """Yields processes that end with this one, even if it is killed.

    Args:
        count: How many; with 1, this process works itself.
    """
    if count == 1:
        yield Workers(None, 1)
        return
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, spawn, initializer=_start)
    try:
        yield Workers(pool, count)
    finally:
        pool.shutdown(cancel_futures=True)


class Workers:
    """See `workers`."""

    def __init__(self, pool: ProcessPoolExecutor | None, count: int):
        self._pool = pool
        self._count = count

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Yields items with their results, in order, a few computed ahead.

        Args:
            function: Can be pickled, as can its argument and result.
            items: May be endless.

        Raises:
            DataError: If a process was killed.
        """
        if self._pool is None:
            for item in items:
                yield item, function(item)
            return
        try:
            yield from _mapped(self._pool, self._count, function, iter(items))
        except BrokenProcessPool:
            raise DataError(
                "A worker process was killed, most often because memory ran "
                "out: run the command again with fewer --workers; it goes on "
                "after the last finished shard."
            ) from None


def _mapped(pool, count, function, items):
    running: deque = deque()
    try:
        while True:
            while len(running) < AHEAD * count:
                chunk = list(islice(items, CHUNK))
                if not chunk:
                    break
                running.append((chunk, pool.submit(_each, function, chunk)))
            if not running:
                return
            chunk, future = running.popleft()
            yield from zip(chunk, future.result(), strict=True)
    finally:
        for _, future in running:
            future.cancel()


def _each(function, chunk):
    return [function(item) for item in chunk]


def _start():
    """Leaves Ctrl-C to the parent, and ends when the parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
