"""Stages of a pipeline, each in a thread of its own."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")

AHEAD = 2  # Items that a stage has ready for the next.


def run_ahead(items: Generator[Item, None, None]) -> Iterator[Item]:
    """Yields items, drawn in a thread while those before are worked on.

    Args:
        items: Raises here what it raises; closed at the end.
    """
    end = object()
    with ThreadPoolExecutor(1) as pool:
        drawn = deque(pool.submit(next, items, end) for _ in range(AHEAD))
        try:
            while (item := drawn.popleft().result()) is not end:
                drawn.append(pool.submit(next, items, end))
                yield item  # type: ignore[misc]  # It is not `end`.
        finally:
            pool.shutdown(cancel_futures=True)
            items.close()
