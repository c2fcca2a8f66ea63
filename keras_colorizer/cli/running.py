"""What every command shares: exit codes, errors in a sentence, a quiet start.

Exit code 0: all done; 1: something failed, and was named; 2: the command line
is wrong; 130: stopped by Ctrl-C.
"""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from keras_colorizer.errors import (
    ColorizerError,
    ColorizerWarning,
    ConfigError,
    DataError,
)

FAILED, WRONG_COMMAND_LINE, INTERRUPTED = 1, 2, 130


def run_command(command: Callable[[], int | None]) -> int:
    """Runs a command and returns its exit code; no error shows a traceback.

    A request to terminate is treated as Ctrl-C, so that work is saved. Ctrl-C
    works in the background, too, where shells have it ignored.

    Args:
        command: Does the work; may return an exit code.
    """
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    _show_own_warnings_only()
    try:
        return command() or 0
    except (ConfigError, DataError) as error:
        _print("red", "Error", error)
        return WRONG_COMMAND_LINE
    except ColorizerError as error:
        _print("red", "Error", error)
        return FAILED
    except OSError as error:
        where = f"`{error.filename}`: " if error.filename else ""
        _print("red", "Error", f"{where}{error.strerror or error}.")
        return FAILED
    except MemoryError:
        _print("red", "Error", "Memory ran out.")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _show_own_warnings_only():
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", ColorizerWarning)
    warnings.showwarning = lambda message, *_: _print("yellow", "Note", message)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def _print(style, kind, message):
    Console(stderr=True).print(
        f"[bold {style}]{kind}:[/] {escape(str(message))}",
        highlight=False,
        soft_wrap=True,
    )


@contextmanager
def silent_start() -> Iterator[None]:
    """Silences what TensorFlow's C++ code prints while it is imported.

    It writes to the file descriptor before any log level can be set.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
