"""The command line: `python client.py PHOTO|FOLDER|GLOB... -o OUT`.

Exit code 0: all done; 1: something failed, and was named; 2: the command line
is wrong; 130: stopped by Ctrl-C.
"""

import signal
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from PIL import Image
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from colorizer_client.client import (
    MAX_PIXELS,
    MODEL_NAME,
    RETRIES,
    TIMEOUT,
    URL,
    ColorizerClient,
)
from colorizer_client.errors import ClientError, CommandLineError
from colorizer_client.planning import plan
from colorizer_client.working import color_all

FAILED, WRONG_COMMAND_LINE, INTERRUPTED = 1, 2, 130
FIRST_RETRIES = 3  # A few seconds: there may be no server at all.


@dataclass(frozen=True)
class Options:
    """Color black-and-white photos by a server.

    Results keep the photo's size, name, EXIF and own lightness; only the
    colors are new. Photos that fail are named at the end; all others are
    written.

    Attributes:
        photos: Photos, folders (searched recursively) or globs in quotes.
        output: Where to write: a folder, in which the tree of the named
            folders is kept, or for a single photo a file, whose suffix
            chooses the format (.jpg, .png, .tif, .webp, .bmp).
        url: The server: TF Serving, or `python -m keras_colorizer serve`.
        model_name: What the server calls the model.
        max_pixels: What the server takes of a photo. Larger ones are reduced
            to this.
        full_resolution: Larger photos keep their size all the same: only
            their chroma comes from the server.
        concurrency: How many photos are in work at a time.
        timeout: Seconds to wait for a word of the server.
        retries: How often to ask again when the server has no time or does
            not answer. The pauses grow to 16 seconds; 8 take about a minute.
        overwrite: Color photos whose result exists already once more; without
            it they are skipped.
    """

    photos: tyro.conf.Positional[tuple[str, ...]]
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("colorized")
    url: str = URL
    model_name: str = MODEL_NAME
    max_pixels: int = MAX_PIXELS
    full_resolution: bool = False
    concurrency: int = 4
    timeout: float = TIMEOUT
    retries: int = RETRIES
    overwrite: bool = False


def main() -> int:
    """Parses the command line, colors, and returns the exit code."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    console = Console(stderr=True)
    try:
        options = tyro.cli(
            Options, prog="client.py", config=(tyro.conf.FlagCreatePairsOff,)
        )
        return color(options, console)
    except CommandLineError as error:
        _print(console, "Error", error)
        return WRONG_COMMAND_LINE
    except ClientError as error:
        _print(console, "Error", error)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def color(options: Options, console: Console) -> int:
    """Colors what the command line names, and returns the exit code.

    Raises:
        ClientError: If there is nothing to color, or nothing to color it with.
    """
    if not options.photos:
        raise CommandLineError("Name at least one photo, folder or glob.")
    if options.concurrency < 1:
        raise CommandLineError(
            f"--concurrency must be at least 1. Received: {options.concurrency}"
        )
    with _client(options) as client:
        tasks, failures = plan(options.photos, options.output)
        todo = [t for t in tasks if options.overwrite or not t.target.exists()]
        written = reduced = 0
        if todo:
            client.check(retries=min(FIRST_RETRIES, options.retries))
        for outcome in _outcomes(client, todo, options, console):
            reduced += outcome.is_reduced
            written += outcome.failure is None
            if outcome.failure is not None:
                failures.append(outcome.failure)
            if outcome.server_is_gone:
                failures.append(_gone(todo, written))
                break
    _report(console, len(tasks) - len(todo), reduced, options, failures)
    print(f"{written} of {len(todo)} colored, in {options.output}")
    return FAILED if failures else 0


def _client(options):
    return ColorizerClient(
        options.url,
        model_name=options.model_name,
        timeout=options.timeout,
        retries=options.retries,
        max_pixels=options.max_pixels,
    )


def _outcomes(client, todo, options, console):
    outcomes = color_all(
        client,
        todo,
        concurrency=options.concurrency,
        full_resolution=options.full_resolution,
    )
    return track(
        outcomes,
        "Coloring",
        total=len(todo),
        console=console,
        disable=not console.is_terminal,
    )


def _gone(todo, written):
    return (
        f"the server is gone: {len(todo) - written} photos are left; the same"
        " command goes on with them."
    )


def _report(console, skipped, reduced, options, failures):
    if skipped:
        console.print(
            f"{skipped} skipped: their results exist (--overwrite colors them "
            "again)."
        )
    if reduced:
        console.print(
            f"{reduced} reduced to {options.max_pixels:,} pixels "
            "(--full-resolution keeps their size).",
            highlight=False,
        )
    for failure in failures:
        _print(console, "Failed", failure)


def _print(console, kind, message):
    console.print(
        f"[bold red]{kind}:[/] {escape(str(message))}",
        highlight=False,
        soft_wrap=True,
    )
