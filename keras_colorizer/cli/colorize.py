"""`python -m keras_colorizer colorize`."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.progress import track

from keras_colorizer.bulk.batch import Settings
from keras_colorizer.bulk.engines import Engine
from keras_colorizer.bulk.folders import (
    Folder,
    check_writable,
    is_uri,
    open_folder,
)
from keras_colorizer.bulk.manifest import Manifest
from keras_colorizer.bulk.plan import Plan
from keras_colorizer.bulk.records import Record
from keras_colorizer.bulk.sources import Sources
from keras_colorizer.chroma.saturation import check_saturation
from keras_colorizer.cli.colorize_report import Report
from keras_colorizer.errors import ConfigError
from keras_colorizer.photos import MAX_PIXELS, WRITABLE_SUFFIXES
from keras_colorizer.pretrained import DEFAULT, TFLITE, pretrained_file

# Up to so many photos are counted before the first one is colored.
COUNTED = 100_000


@dataclass(frozen=True)
class Colorize:
    """Color black-and-white photos.

    Results keep the photo's size, name, metadata and own lightness; only the
    colors are new. Photos that fail are named at the end; all others are
    written.

    Attributes:
        photos: Photos, folders (searched recursively), globs in quotes, or
            URIs of object stores such as s3://bucket/scans.
        output: Where to write: a folder or its URI, in which the tree of the
            named folders is kept, or for a single photo a file, whose suffix
            chooses the format (.jpg, .png, .tif, .webp, .bmp).
        model: A .tflite file, which starts fastest, or the folder of a
            training run, a .keras file, or the folder of a SavedModel. By
            default the pretrained `small`, which comes with the package.
        saturation: Factor on the colors: 0 is grey, 1 is as predicted. auto
            makes pale photos about as colorful as natural ones are: timid
            colors up to twice as strong, and wrong ones as well.
        overwrite: Color photos whose result exists already once more; without
            it they are skipped.
        max_pixels: Refuse larger photos before decoding them. Memory grows by
            about 25 bytes a pixel.
        engine: local colors in processes of this machine; ray on a cluster of
            many, for millions of photos (pip install "keras_colorizer[ray]").
        workers: How many processes, or actors on the cluster. By default one
            for each core, but no more than memory holds or the photos keep
            busy.
        address: The Ray cluster, such as 10.0.0.1:6379, ray://head:10001 or
            auto; by default the one that RAY_ADDRESS names, or else one that
            is started on this machine.
        manifest: A folder or its URI for manifest.jsonl, a line with size and
            checksum for each result, and dead_letters.jsonl, a line with the
            reason for each photo that failed. With ray it is by default the
            output folder.
    """

    photos: tyro.conf.Positional[tuple[str, ...]]
    output: Annotated[str, tyro.conf.arg(aliases=["-o"])] = "colorized"
    model: Path | None = None
    saturation: float | Literal["auto"] = 1.0
    overwrite: bool = False
    max_pixels: int = MAX_PIXELS
    engine: Literal["local", "ray"] = "local"
    workers: int | None = None
    address: str | None = None
    manifest: str | None = None


def colorize(options: Colorize) -> int:
    """Colors what the command line names, and returns the exit code.

    Raises:
        ColorizerError: If there is nothing to color, or nothing to color it
            with.
    """
    _check(options)
    engine = Engine(options.engine, options.workers, _address(options))
    model = options.model or pretrained_file(DEFAULT, TFLITE)
    engine.check(model)
    sources = Sources(options.photos)
    output, file = _output(options)
    records_folder = _records_folder(options, output)
    console = Console(stderr=True)
    report = Report(console, letters=records_folder)
    with _manifest(records_folder) as manifest:
        plan = Plan(
            sources,
            output=output,
            file=file,
            recorded=None if manifest is None else manifest.outputs,
            overwrite=options.overwrite,
        )
        settings = Settings(
            tuple(sources.roots),
            output,
            options.saturation,
            options.max_pixels,
        )
        for record in _records(plan, engine, model, settings, console):
            report.add(record)
            if manifest is not None:
                manifest.add(record)
    return report.finish(skipped=plan.skipped, output=options.output)


def _check(options):
    check_saturation(options.saturation)
    if options.max_pixels < 1:
        raise ConfigError(
            f"--max-pixels must be at least 1. Received: {options.max_pixels}"
        )
    if options.model is not None and not options.model.exists():
        raise ConfigError(f"--model: there is no `{options.model}`.")
    if not options.photos:
        raise ConfigError("Name at least one photo, folder or glob.")


def _address(options):
    if options.engine == "ray" and options.address is None:
        return os.environ.get("RAY_ADDRESS")
    return options.address


def _output(options) -> tuple[Folder, str | None]:
    """The folder to write to, and the name of the file if it is but one."""
    name = options.output.rstrip("/")
    is_folder = not is_uri(name) and Path(name).is_dir()
    if is_folder or not name.lower().endswith(WRITABLE_SUFFIXES):
        return open_folder(name or "/"), None
    folder, _, file = name.rpartition("/")
    return open_folder(folder or "."), file


def _records_folder(options, output) -> Folder | None:
    if options.manifest is not None:
        return open_folder(options.manifest)
    return output if options.engine == "ray" else None


def _manifest(folder) -> AbstractContextManager[Manifest | None]:
    return nullcontext() if folder is None else Manifest(folder)


def _records(plan, engine, model, settings, console) -> Iterator[Record]:
    """Yields what becomes of each photo, with a progress bar."""
    tasks = iter(plan)
    head = list(islice(tasks, COUNTED))
    if head:
        if is_uri(settings.output.label("")):
            check_writable(settings.output)
        yield from track(
            engine.color(
                chain(head, tasks),
                count=len(head),
                model=model,
                settings=settings,
            ),
            "Coloring",
            # Of more it is not known how many there are.
            total=len(head) if len(head) < COUNTED else None,
            console=console,
            disable=not console.is_terminal,
        )
    yield from plan.failures
