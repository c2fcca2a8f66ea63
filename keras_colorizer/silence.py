"""Silences TensorFlow's and LiteRT's C++ logs."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# There is one stderr for all threads: the first that silences it saves it, the
# last one restores it.
_lock = threading.Lock()
_depth = 0
_saved = -1


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Silences the file descriptor of stderr, which C++ code writes to.

    TensorFlow does so while it is imported, before a log level can be set.
    Blocks may overlap in threads.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _depth, _saved
    with _lock:
        _depth += 1
        if _depth == 1:
            sys.stderr.flush()
            _saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 2)
            os.close(null)


def _leave() -> None:
    global _depth
    with _lock:
        _depth -= 1
        if _depth == 0:
            os.dup2(_saved, 2)
            os.close(_saved)
