"""`python -m keras_colorizer evaluate`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from keras_colorizer.cli.running import FAILED
from keras_colorizer.errors import ConfigError
from keras_colorizer.files import whole_folder
from keras_colorizer.photos import MAX_PIXELS, find_photos
from keras_colorizer.pretrained import DEFAULT
from keras_colorizer.silence import silent_stderr

REPORT_SUFFIXES = (".html", ".htm")


@dataclass(frozen=True)
class Evaluate:
    """Measure how near colorized photos come to their true colors.

    Every photo is colorized from its lightness, at its own size, and compared
    with itself; the row "left grey" says what doing nothing scores. Photos
    that cannot be read are named at the end; all others count.

    Attributes:
        data: Color photos that the model has not seen: a folder (searched
            recursively), or a glob in quotes.
        model: What to judge, as for colorize; several are judged on the same
            photos. By default the pretrained `small`, which comes with the
            package.
        report: Write a page with pictures, charts and definitions, and a .json
            file with all figures beside it.
        save_images: Write all photos as PNG into a new folder, for other
            tools: colorized into a subfolder for each model, and true.
        max_pixels: Refuse larger photos before decoding them. Memory grows by
            about 100 bytes a pixel.
    """

    data: Annotated[str, tyro.conf.arg(metavar="FOLDER|GLOB")]
    model: Annotated[
        tuple[tuple[Path, ...], ...], tyro.conf.UseAppendAction
    ] = ()
    report: Path | None = None
    save_images: Path | None = None
    max_pixels: int = MAX_PIXELS


def evaluate(options: Evaluate) -> int:
    """Judges what the command line names, and returns the exit code.

    Raises:
        ColorizerError: If there is nothing to judge, or no photo to judge it
            with.
    """
    _check(options)
    photos = find_photos([options.data])
    console = Console(stderr=True)
    with silent_stderr():
        from keras_colorizer.evaluation.evaluate import evaluate_models
    colorizers = _load_colorizers(options)
    progress = track(
        photos, "Judging", console=console, disable=not console.is_terminal
    )
    with _image_folder(options.save_images, colorizers) as images:
        report = evaluate_models(
            colorizers, progress, max_pixels=options.max_pixels, images=images
        )
    Console().print(report)
    if options.report is not None:
        report.write(options.report)
        print(f"The page: {options.report}")
    _print_notes(console, report)
    return FAILED if report.unreadable else 0


def _check(options):
    if options.max_pixels < 1:
        raise ConfigError(
            f"--max-pixels must be at least 1. Received: {options.max_pixels}"
        )
    for model in chain(*options.model):
        if not model.exists():
            raise ConfigError(f"--model: there is no `{model}`.")
    if options.report is not None:
        _check_report(options.report)
    if options.save_images is not None:
        _check_image_folder(options.save_images, options.data)


def _check_report(path):
    """Finds out before the work, not after it."""
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


def _check_image_folder(folder, data):
    if folder.exists() and not _is_empty_folder(folder):
        raise ConfigError(
            f"--save-images: `{folder}` holds files already: name a new folder."
        )
    if Path(data).resolve() in folder.resolve().parents:
        raise ConfigError(
            f"--save-images: `{folder}` lies in `{data}`, where its pictures "
            "would be judged the next time: name a folder elsewhere."
        )


def _is_empty_folder(path):
    return path.is_dir() and not any(path.iterdir())


def _load_colorizers(options):
    with silent_stderr():
        from keras_colorizer.evaluation.images import row_names
        from keras_colorizer.inference.colorizer import Colorizer

        if not options.model:
            return {DEFAULT: Colorizer.from_preset(DEFAULT)}
        models = row_names(chain(*options.model))
        return {name: Colorizer.load(path) for name, path in models.items()}


@contextmanager
def _image_folder(path: Path | None, models) -> Iterator:
    """Yields where to write pictures, if anywhere; it is whole or not there."""
    if path is None:
        yield None
        return
    from keras_colorizer.evaluation.images import ImageFolder

    if path.exists():
        path.rmdir()  # It is empty, but Windows renames nothing onto it.
    with whole_folder(path) as temporary:
        yield ImageFolder(temporary, models)
    print(f"The pictures: {path}")


def _print_notes(console, report):
    if not report.has_intervals:
        console.print("One photo is too few for intervals: they are left out.")
    if report.colorless:
        names = ", ".join(report.colorless[:5])
        more = ", ..." if len(report.colorless) > 5 else ""
        console.print(
            f"{len(report.colorless)} without color, which count, too: "
            f"{escape(names)}{more}",
            highlight=False,
        )
    for failure in report.unreadable:
        console.print(
            f"[bold red]Failed:[/] {escape(failure)}",
            highlight=False,
            soft_wrap=True,
        )
