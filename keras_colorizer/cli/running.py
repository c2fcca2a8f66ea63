"""Exit codes and error messages of all commands.

Exit code 0: all done; 1: something failed, and was named; 2: the command line
is wrong, or wants an extra that is not installed; 130: stopped by Ctrl-C.
"""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import NoneType
from typing import Any, TypeVar, get_args

import tyro
from rich.console import Console
from rich.markup import escape
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
)

import keras_colorizer
from keras_colorizer.errors import (
    ColorizerError,
    ColorizerWarning,
    ConfigError,
    DataError,
    MissingExtraError,
    extras_named,
)
from keras_colorizer.files import display_name

FAILED, WRONG_COMMAND_LINE, INTERRUPTED = 1, 2, 130

Options = TypeVar("Options")
OPTION_TYPES = ConstructorRegistry()


class Terminal(Console):
    """A console whose closed end does not end the work."""

    def on_broken_pipe(self) -> None:
        """Says no more."""
        self.quiet = True


def run_command(command: Callable[[], int | None]) -> int:
    """Runs a command and returns its exit code; no error shows a traceback.

    A request to terminate is treated as Ctrl-C, so that work is saved. Ctrl-C
    works in the background, too, where shells have it ignored.

    Args:
        command: Does the work; may return an exit code.
    """
    _open_streams()
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    _show_own_warnings_only()
    code = _run(command)
    try:
        sys.stdout.flush()
    except OSError as error:  # Whoever read it has gone, or a disk is full.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            print_error(f"stdout: {error.strerror}.")
            return code or FAILED
    return code


def _run(command: Callable[[], int | None]) -> int:
    try:
        with extras_named():
            return command() or 0
    except (ConfigError, DataError, MissingExtraError) as error:
        print_error(str(error))
        return WRONG_COMMAND_LINE
    except ColorizerError as error:
        print_error(str(error))
        return FAILED
    except BrokenPipeError:
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


def parse(
    options: type[Options],
    arguments: Sequence[str],
    *,
    prog: str,
    **settings: Any,
) -> Options:
    """Parses a command line.

    `--version` as the last word prints the version.

    Args:
        options: A dataclass.
        arguments: The words after the command.
        prog: The command, for messages.
        **settings: For `tyro.cli`; by default, flags have no negated form.

    Raises:
        SystemExit: If that is all there is to do, or the line is wrong.
    """
    if arguments and arguments[-1] == "--version":
        print(f"keras-colorizer {keras_colorizer.__version__}")
        raise SystemExit(0)
    settings.setdefault("config", (tyro.conf.FlagCreatePairsOff,))
    with OPTION_TYPES:
        return tyro.cli(options, args=arguments, prog=prog, **settings)


@OPTION_TYPES.primitive_rule
def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
    """Shows `T | None` as T, which nobody types as None."""
    kinds = [kind for kind in get_args(info.type) if kind is not NoneType]
    if len(kinds) != 1 or NoneType not in get_args(info.type):
        return None
    plain = PrimitiveTypeInfo.make(kinds[0], info.markers)
    spec = ConstructorRegistry.get_primitive_spec(plain)
    if not isinstance(spec, PrimitiveConstructorSpec):
        return None
    return replace(
        spec,
        is_instance=lambda value: value is None or spec.is_instance(value),
        str_from_instance=lambda value: (
            ["none"] if value is None else spec.str_from_instance(value)
        ),
    )


@contextmanager
def told_when_stopped(state: str) -> Iterator[None]:
    """Says on Ctrl-C in which state the work is left."""
    try:
        yield
    except KeyboardInterrupt:
        _print("yellow", "Stopped", state)
        raise


def say(text: str) -> None:
    """Prints to stdout, which may be closed by now."""
    with suppress(BrokenPipeError):
        print(text, flush=True)


def print_error(message: str) -> None:
    """Prints an error to stderr, as all commands do."""
    _print("red", "Error", message)


def _open_streams() -> None:
    """Makes stdout and stderr take any text, also where they are closed.

    Else the next file that is opened would get their number, and what
    libraries print.
    """
    while (null := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(null)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _show_own_warnings_only() -> None:
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", ColorizerWarning)
    warnings.showwarning = lambda message, *_: _print(
        "yellow", "Note", str(message)
    )
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def _print(style: str, kind: str, message: str) -> None:
    text = "".join(
        letter if letter == "\n" else display_name(letter) for letter in message
    )
    Terminal(stderr=True).print(
        f"[bold {style}]{kind}:[/] {escape(text)}",
        highlight=False,
        soft_wrap=True,
    )
