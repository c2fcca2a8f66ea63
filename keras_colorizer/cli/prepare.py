"""`python -m keras_colorizer prepare`."""

import os
import shlex
import time
from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from keras_colorizer.cli.running import FAILED
from keras_colorizer.data.shards.settings import ShardSettings
from keras_colorizer.errors import ConfigError
from keras_colorizer.silence import silent_stderr

NAMED = 20  # Unreadable photos; a file lists all of them.


@dataclass(frozen=True)
class Prepare:
    """Store photos for training, small and in a few large files.

    Training then opens a few files instead of one for each photo, and decodes
    no more pixels than it needs: `train.py --data SHARDS`. Photos that are
    unreadable, without color, or look like an earlier one are left out.

    Stopped at any time, even by `kill -9`, the same command goes on after the
    last finished shard. The same photos and settings give the same files, byte
    for byte. Beside the shards: manifest.json (counts, checksums, settings)
    and left_out.csv (which photos are not stored, and why).

    Attributes:
        data: Photos: a folder (searched recursively; its subfolders are the
            groups of --balance), a glob in quotes, or tfds:NAME for a
            TensorFlow Datasets set.
        output: Folder for the shards, new or begun by the same command. Also
            gs:// and whatever else TensorFlow can write to.
        settings: How the photos are stored.
        workers: Processes that read photos; by default as many as cores. Each
            takes 100 MB and what the largest photo needs.
        dry_run: Read 64 photos, say how large and how long the whole would
            be, and write nothing.
    """

    data: Annotated[
        tyro.conf.Positional[str],
        tyro.conf.arg(metavar="FOLDER|GLOB|tfds:NAME"),
    ]
    output: Annotated[str, tyro.conf.arg(aliases=["-o"])]
    settings: Annotated[ShardSettings, tyro.conf.arg(name="")] = ShardSettings()
    workers: int = os.cpu_count() or 1
    dry_run: bool = False


def prepare(options: Prepare) -> int:
    """Stores what the command line names, and returns the exit code.

    Raises:
        ColorizerError: If there is nothing to store, or nowhere to store it.
    """
    if options.workers < 1:
        raise ConfigError(
            f"--workers must be at least 1. Received: {options.workers}"
        )
    console = Console(stderr=True)
    with silent_stderr():
        from keras_colorizer.data.shards.estimate import estimate
        from keras_colorizer.data.shards.preparation import prepare_photos
    if options.dry_run:
        with silent_stderr():
            print(estimate(options.data, options.settings))
        return 0
    start = time.perf_counter()
    with _progress(console) as progress:
        manifest = prepare_photos(
            options.data,
            options.output,
            options.settings,
            worker_count=options.workers,
            progress=progress,
        )
    _report(console, options, manifest, time.perf_counter() - start)
    return FAILED if manifest.left_out["unreadable"] else 0


def _progress(console):
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def _report(console, options, manifest, seconds):
    from keras_colorizer.data.shards.summary import described, first_unreadable

    for name, reason in first_unreadable(options.output, limit=NAMED):
        console.print(
            f"[bold red]Failed:[/] {escape(name)}: {escape(reason)}",
            highlight=False,
            soft_wrap=True,
        )
    if (more := manifest.left_out["unreadable"] - NAMED) > 0:
        console.print(f"... and {more:,} more: see left_out.csv.")
    size = sum(shard.bytes for shard in manifest.shards)
    print(
        f"{manifest.photos:,} of {manifest.found:,} photos stored in "
        f"{options.output}: {len(manifest.shards):,} shards, "
        f"{size / 1e6:,.1f} MB, {seconds:,.0f} s. "
        f"Left out: {described(manifest.left_out)}."
    )
    print(f"Train with: python train.py --data {shlex.quote(options.output)}")
