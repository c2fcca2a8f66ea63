"""What every command shares: exit codes, errors in a sentence, a quiet start.

Exit code 0: all done; 1: something failed, and was named; 2: the command line
is wrong; 130: stopped by Ctrl-C.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from keras_colorizer.errors import ColorizerError, ConfigError, DataError

FAILED, WRONG_COMMAND_LINE, INTERRUPTED = 1, 2, 130


def run_command(command: Callable[[], int | None]) -> int:
    """Runs a command and returns its exit code; no error shows a traceback.

    A request to terminate is treated as Ctrl-C, so that work is saved.

    Args:
        command: Does the work; may return an exit code.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return command() or 0
    except (ConfigError, DataError) as error:
        _complain(error)
        return WRONG_COMMAND_LINE
    except ColorizerError as error:
        _complain(error)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _complain(error):
    Console(stderr=True).print(
        f"[bold red]Error:[/] {escape(str(error))}",
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
