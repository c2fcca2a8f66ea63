"""What every command shares: exit codes, and errors in a sentence.

Exit code 0: all done; 1: something failed, and was named; 2: the command line
is wrong; 130: stopped by Ctrl-C.
"""

import logging
import signal
import warnings
from collections.abc import Callable

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
        print_error(str(error))
        return WRONG_COMMAND_LINE
    except ColorizerError as error:
        print_error(str(error))
        return FAILED
    except OSError as error:
        where = f"`{error.filename}`: " if error.filename else ""
        print_error(f"{where}{error.strerror or error}.")
        return FAILED
    except MemoryError:
        print_error("Memory ran out.")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def print_error(message: str) -> None:
    """Prints an error to stderr, as all commands do."""
    _print("red", "Error", message)


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
