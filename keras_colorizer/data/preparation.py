"""From photos of any format to a folder of the small JPEGs to train on."""

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache, partial
from io import BytesIO
from itertools import islice
from operator import length_hint
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from rich.console import Console
from rich.progress import track

from keras_colorizer.config import absolute_source
from keras_colorizer.data.near_duplicates import DifferentPhotos, Likeness
from keras_colorizer.data.small_folder import (
    FORMAT,
    SmallPhotoSettings,
    read_manifest,
    write_manifest,
)
from keras_colorizer.data.sources import SourcePhoto, stream_photos
from keras_colorizer.data.survey import ColorlessPhotoError, has_color
from keras_colorizer.errors import ConfigError, PhotoError
from keras_colorizer.files import UNFINISHED, remove_unfinished, whole_file
from keras_colorizer.photos import read_rgb

REASONS = UNREADABLE, GREY, NEAR = "unreadable", "colorless", "near-duplicate"
TAKEN = "taken"
BATCH = 256  # Photos waiting at once: Ctrl-C, too, waits for them.
LONGEST_SIDE = 65_500  # Of a JPEG, in pixels.


def prepare_photos(
    data: str,
    output: str,
    settings: SmallPhotoSettings,
    *,
    workers: int,
    console: Console,
) -> tuple[dict[str, Any], list[str]]:
    """Fills a folder with small JPEGs, in subfolders as the photos are.

    Photos that are there are not made anew, but all are compared in the same
    order. So the same photos and settings give the same files, whatever the
    number of workers and however often it was stopped.

    Args:
        data: A folder, a glob, or `tfds:NAME`.
        output: Folder to write to: new, empty, or begun with the same photos
            and settings.
        settings: How small photos are made.
        workers: Threads that read photos.
        console: Where to show how far it is.

    Returns:
        The folder's manifest, and a sentence for each photo that cannot be
        read.

    Raises:
        DataError: If there are no photos.
        ConfigError: If the folder is not fit to write to.
        OSError: If a small photo cannot be written.
    """
    sources, folder = stream_photos(data), Path(output)
    manifest = _open_folder(folder, data, settings)
    counts: Counter[str] = Counter()
    failures, different = [], DifferentPhotos()
    with ThreadPoolExecutor(workers) as pool:
        make = partial(_make_small_photo, folder, settings)
        for source, photo in track(
            _made(pool, sources, make),
            description="Preparing",
            total=length_hint(sources) or None,
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ):
            fate = _fate(photo, different, settings)
            counts[fate] += 1
            if fate == UNREADABLE:
                failures.append(f"{source.name}: {photo}")
            elif fate == NEAR:
                _target(folder, source).unlink()
    manifest |= {"found": counts.total(), "taken": counts.pop(TAKEN, 0)}
    manifest["left_out"] = {reason: counts[reason] for reason in REASONS}
    write_manifest(folder, manifest)
    return manifest, failures


def _fate(
    photo: Likeness | PhotoError,
    different: DifferentPhotos,
    settings: SmallPhotoSettings,
) -> str:
    if isinstance(photo, PhotoError):
        is_grey = isinstance(photo, ColorlessPhotoError)
        return GREY if is_grey else UNREADABLE
    is_taken = settings.keep_near_duplicates or different.add(photo)
    return TAKEN if is_taken else NEAR


def _open_folder(
    folder: Path, data: str, settings: SmallPhotoSettings
) -> dict[str, Any]:
    """Claims a folder, and clears away what a killed call left half-written."""
    source = absolute_source(data)
    is_inside = Path(os.path.abspath(folder)).is_relative_to(source)
    if is_inside or ":/" in str(folder):
        raise ConfigError(
            f"-o {folder} must be a folder of this machine, and not inside "
            "that of the photos."
        )
    begun = {
        "format": FORMAT,
        "source": source,
        "settings": dataclasses.asdict(settings),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_same(folder, begun)
        remove_unfinished(folder.rglob(UNFINISHED))
        manifest = begun | {"found": 0, "taken": 0, "left_out": {}}
        write_manifest(folder, manifest)
    except OSError as error:
        raise ConfigError(
            f"-o {folder} cannot be written: {error.strerror}."
        ) from None
    return manifest


def _check_same(folder: Path, begun: dict[str, Any]) -> None:
    earlier = read_manifest(folder)
    if earlier is None and any(folder.glob("[!.]*")):
        raise ConfigError(
            f"`{folder}` holds other files: choose another one with -o."
        )
    if earlier and not begun.items() <= earlier.items():
        raise ConfigError(
            f"`{folder}` was begun with other photos or settings, "
            f"{earlier['source']} and {earlier['settings']}: choose another "
            "one with -o."
        )


def _made(
    pool: Executor,
    sources: Iterable[SourcePhoto],
    make: Callable[[SourcePhoto], Likeness | PhotoError],
) -> Iterator[tuple[SourcePhoto, Likeness | PhotoError]]:
    waiting = iter(sources)
    while batch := list(islice(waiting, BATCH)):
        yield from zip(batch, pool.map(make, batch), strict=True)


def _target(folder: Path, source: SourcePhoto) -> Path:
    path = folder / source.relative
    if path.suffix.lower() in (".jpg", ".jpeg"):
        return path
    return path.with_name(f"{path.name}.jpg")


def _make_small_photo(
    folder: Path, settings: SmallPhotoSettings, source: SourcePhoto
) -> Likeness | PhotoError:
    """Writes a small JPEG, unless it is there, and returns its look."""
    target = _target(folder, source)
    try:
        with Image.open(target) as done:
            return Likeness.of(done.convert("RGB"))
    except OSError:
        pass  # Not there yet, or damaged since.
    try:
        jpeg = _reduced(source.read(), settings)
        photo = Image.open(BytesIO(jpeg)).convert("RGB")
        if not (settings.keep_colorless or has_color(np.asarray(photo))):
            return ColorlessPhotoError()
    except PhotoError as error:
        return error
    with whole_file(target) as temporary:
        temporary.write_bytes(jpeg)
    return Likeness.of(photo)


def _reduced(content: bytes, settings: SmallPhotoSettings) -> bytes:
    side, limit = settings.short_side, settings.max_pixels
    rgb = read_rgb(content, short_side=side, max_pixels=limit)
    photo, buffer = Image.fromarray(rgb), BytesIO()
    # To the exact size: `read_rgb` gives less than twice as much.
    scale = side / min(photo.size)
    size = round(photo.width * scale), round(photo.height * scale)
    if max(size) > LONGEST_SIDE:
        raise PhotoError("The photo is too long and narrow for a JPEG.")
    photo.resize(size, Image.Resampling.BICUBIC).save(
        buffer, "JPEG", qtables=_tables(settings.quality), subsampling=0
    )
    return buffer.getvalue()


@cache
def _tables(quality: int) -> list[list[int]]:
    """The JPEG standard's table for lightness, for color as well.

    Its own for color blurs what is to be learned.
    """
    buffer = BytesIO()
    Image.new("L", (8, 8)).save(buffer, "JPEG", quality=quality)
    return [JpegImageFile(BytesIO(buffer.getvalue())).quantization[0]]
