"""Many photos at a time, and a stop that leaves whole files only."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from colorizer_client.client import ColorizerClient
from colorizer_client.coloring import write_whole
from colorizer_client.errors import ClientError, UnreachableError
from colorizer_client.planning import Task


@dataclass(frozen=True)
class Outcome:
    """What became of a photo.

    Attributes:
        failure: Why it has no result; None if it has.
        is_reduced: Whether its result has fewer pixels than it.
        server_is_gone: Whether asking for others is in vain.
    """

    failure: str | None = None
    is_reduced: bool = False
    server_is_gone: bool = False


def color_all(
    client: ColorizerClient,
    tasks: Sequence[Task],
    *,
    concurrency: int,
    full_resolution: bool,
) -> Iterator[Outcome]:
    """Colors photos, several at a time, and writes their results.

    When the caller stops before the end, a result that is being written
    becomes whole, and no other one is begun.

    Args:
        client: What to ask.
        tasks: What to color.
        concurrency: How many photos are in work at a time.
        full_resolution: As for `ColorizerClient.colorize`.

    Yields:
        One outcome for each task, in the order in which they come.
    """
    door = _Door()

    def work(task):
        return _color(client, task, door, full_resolution)

    try:
        yield from _as_done(work, tasks, threads=concurrency)
    finally:
        door.close()


def _color(client, task, door, full_resolution):
    try:
        colored = client.colorize(task.photo, full_resolution=full_resolution)
        file = colored.encoded(task.target)
        with door:
            write_whole(file, task.target)
        return Outcome(is_reduced=colored.is_reduced)
    except UnreachableError as error:
        return Outcome(str(error), server_is_gone=_is_gone(client))
    except ClientError as error:
        return Outcome(str(error))
    except MemoryError:
        return Outcome(f"`{task.photo}` does not fit into memory.")


def _is_gone(client):
    """Whether it was the server, not what this one photo did to it."""
    try:
        client.check(retries=0)
    except UnreachableError:
        return True
    except ClientError:
        return False
    return False


class _Door:
    """Lets one thread at a time through, until it is closed."""

    def __init__(self):
        self._lock = Lock()
        self._is_closed = False

    def __enter__(self):
        self._lock.acquire()
        if self._is_closed:
            self._lock.release()
            raise _ClosedError

    def __exit__(self, *_):
        self._lock.release()

    def close(self):
        """Waits for the thread inside, and lets none in any more."""
        with self._lock:
            self._is_closed = True


class _ClosedError(Exception):
    """Ends a thread whose result nobody waits for."""


def _as_done(work: Callable[[Task], Outcome], tasks, *, threads):
    """Yields what `work` returns, and raises what it raises.

    In daemon threads, other than those of an executor: a program that is told
    to stop ends without waiting for answers.
    """
    todo: SimpleQueue[Task] = SimpleQueue()
    done: SimpleQueue[Outcome | BaseException] = SimpleQueue()
    for task in tasks:
        todo.put(task)
    for _ in range(min(threads, len(tasks))):
        Thread(target=_work_off, args=(work, todo, done), daemon=True).start()
    for _ in tasks:
        outcome = done.get()
        if isinstance(outcome, BaseException):
            raise outcome
        yield outcome


def _work_off(work, todo, done):
    try:
        while True:
            done.put(work(todo.get_nowait()))
    except Empty:
        return
    except BaseException as error:  # Else the caller waits forever.
        done.put(error)
