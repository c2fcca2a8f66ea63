"""`keras-colorizer prepare`."""

import os
import shlex
import time
from dataclasses import dataclass
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape

from keras_colorizer.cli.running import FAILED, told_when_stopped
from keras_colorizer.data.small_folder import SmallPhotoSettings
from keras_colorizer.errors import ConfigError, DataError


@dataclass(frozen=True)
class Prepare:
    """Make a folder of small JPEGs to train on, in the same subfolders.

    Training then decodes no more pixels than it needs, and without Python:
    `train.py --data SMALL_PHOTOS`. Photos that are unreadable, without color,
    or look like another one are left out; manifest.json counts them.

    Stopped at any time, even by `kill -9`, the same command goes on where it
    stopped. Photos that were added meanwhile are taken, too.

    Attributes:
        data: Photos: a folder (searched recursively; its subfolders are the
            groups of --balance), a glob in quotes, or tfds:NAME for a
            TensorFlow Datasets set.
        output: Folder for the small photos: new, or begun by the same command.
        settings: How they are made.
        workers: Threads that read photos; by default as many as cores. Each
            takes what the largest photo needs.
    """

    data: Annotated[
        tyro.conf.Positional[str],
        tyro.conf.arg(metavar="FOLDER|GLOB|tfds:NAME"),
    ]
    output: Annotated[str, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")]
    settings: Annotated[SmallPhotoSettings, tyro.conf.arg(name="")] = (
        SmallPhotoSettings()
    )
    workers: int = os.cpu_count() or 1


def prepare(options: Prepare) -> int:
    """Makes what the command line names, and returns the exit code.

    Raises:
        ColorizerError: If there are no photos, or nowhere to write them.
    """
    if options.workers < 1:
        raise ConfigError(
            f"--workers must be at least 1. Received: {options.workers}"
        )
    console = Console(stderr=True)
    start = time.perf_counter()
    from keras_colorizer.data.preparation import prepare_photos

    with told_when_stopped(
        f"small photos made so far stay in `{options.output}`; the same "
        "command goes on there."
    ):
        manifest, failures = prepare_photos(
            options.data,
            options.output,
            options.settings,
            workers=options.workers,
            console=console,
        )
    for failure in failures:
        text = f"[bold red]Failed:[/] {escape(failure)}"
        console.print(text, highlight=False, soft_wrap=True)
    _report(options, manifest, time.perf_counter() - start)
    return FAILED if failures else 0


def _report(options: Prepare, manifest: dict[str, Any], seconds: float) -> None:
    counts = manifest["left_out"].items()
    named = [f"{count:,} {reason}" for reason, count in counts if count]
    left_out = f"Left out: {', '.join(named) or 'none'}."
    if manifest["taken"] == 0:
        raise DataError(f"Not one photo of {options.data} is fit. {left_out}")
    print(
        f"{manifest['taken']:,} of {manifest['found']:,} photos are in "
        f"{options.output}, after {seconds:,.0f} s. {left_out}"
    )
    print(f"Train with: python train.py --data {shlex.quote(options.output)}")
