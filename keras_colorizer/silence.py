"""Quiet, where C++ code talks and cannot be told not to."""

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
    """Silences what C++ code prints: TensorFlow's, when imported, and LiteRT's.

    It writes to the file descriptor, in part before a log level can be set.
    Blocks may overlap in threads.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter():
    global _depth, _saved
    with _lock:
        _depth += 1
        if _depth == 1:
            sys.stderr.flush()
            _saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)


def _leave():
    global _depth
    with _lock:
        _depth -= 1
        if _depth == 0:
            os.dup2(_saved, 2)
            os.close(_saved)
