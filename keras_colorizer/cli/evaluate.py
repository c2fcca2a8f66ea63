"""`keras-colorizer evaluate`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.markup import escape
from rich.progress import track

from keras_colorizer.cli.running import (
    FAILED,
    Terminal,
    say,
    told_when_stopped,
)
from keras_colorizer.errors import ConfigError
from keras_colorizer.files import display_name
from keras_colorizer.photos import list_photos
from keras_colorizer.pretrained import DEFAULT
from keras_colorizer.silence import silent_stderr

if TYPE_CHECKING:
    from keras_colorizer.inference.colorizer import Colorizer

REPORT_SUFFIXES = (".html", ".htm")


@dataclass(frozen=True)
class Evaluate:
    """Measure how near colorized photos come to their true colors.

    Every photo is colorized from its lightness, at its own size, and compared
    with itself; the row "left grey" has the scores of the photo without color.
    Photos that cannot be read are named at the end; all others count.

    Attributes:
        data: Color photos that the model has not seen: a folder (searched
            recursively), or a glob in quotes.
        model: The model, as for colorize; several are judged on the same
            photos. By default the pretrained `small`, which comes with the
            package.
        curve: Score at equal colorfulness, too: predictions are scaled to
            three shares of the true photos', 60, 75 and 90 %. Bold and muted
            models can be compared by these rows alone.
        report: Write a page with pictures, charts and definitions, and a .json
            file with all figures beside it.
    """

    data: Annotated[str, tyro.conf.arg(metavar="FOLDER|GLOB")]
    model: Annotated[
        tuple[str, ...],
        tyro.conf.arg(
            metavar="PATH|URL ...", help_behavior_hint=f"(default: {DEFAULT})"
        ),
    ] = ()
    curve: bool = False
    report: Path | None = None


def evaluate(options: Evaluate) -> int:
    """Judges models on photos, and returns the exit code.

    Raises:
        ColorizerError: If there is no model, or no photo.
    """
    _check(options)
    listing = list_photos([options.data])
    console = Terminal(stderr=True)
    progress = partial(track, console=console, disable=not console.is_terminal)
    with silent_stderr():
        from keras_colorizer.evaluation.evaluate import evaluate_models
    with told_when_stopped("no photo was changed, and no report written."):
        report = evaluate_models(
            _load_colorizers(options.model),
            listing.photos,
            unreadable=listing.unreadable,
            curve=options.curve,
            progress=progress,
        )
    if options.report is not None:
        report.write(options.report)
    Terminal().print(report)
    if options.report is not None:
        say(f"The page: {display_name(options.report)}")
    failures = [f"[bold red]Failed:[/] {escape(x)}" for x in report.unreadable]
    for line in (*map(escape, listing.notes()), *failures):
        console.print(line, highlight=False, soft_wrap=True)
    return FAILED if report.unreadable else 0


def _check(options: Evaluate) -> None:
    """Refuses before the work rather than after it."""
    for model in options.model:
        if "://" not in model and not Path(model).exists():
            raise ConfigError(f"--model: there is no `{model}`.")
    path = options.report
    if path is None:
        return
    if path.suffix.lower() not in REPORT_SUFFIXES or path.is_dir():
        raise ConfigError(
            f"--report {path} must name a file that ends in .html."
        )
    nearest = next(folder for folder in path.parents if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise ConfigError(
            f"--report {path} cannot be written: `{nearest}` is no folder, or "
            "not yours to write into."
        )


def _load_colorizers(models: Sequence[str]) -> "dict[str, Colorizer]":
    with silent_stderr():
        from keras_colorizer.inference.colorizer import Colorizer

        if not models:
            return {DEFAULT: Colorizer.from_preset(DEFAULT)}
        return {model: Colorizer.load(model) for model in models}
