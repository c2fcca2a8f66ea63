"""From photos to a folder of small photos, on all cores."""

import dataclasses
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

from rich.progress import Progress

from keras_colorizer.data.near_duplicates import DifferentPhotos, Likeness
from keras_colorizer.data.small_folder import Manifest, SmallPhotoSettings
from keras_colorizer.data.small_photo import make_small_photo
from keras_colorizer.data.sources import TFDS_PREFIX, SourcePhoto, stream_photos
from keras_colorizer.data.survey import ColorlessPhotoError
from keras_colorizer.errors import ColorizerError, ConfigError, PhotoError

REASONS = UNREADABLE, GREY, NEAR = "unreadable", "colorless", "near-duplicate"
BATCH, CHUNK = 1024, 8  # Photos given to all processes, and to one, at once.
TEMPORARY = f".{'[0-9a-f]' * 32}*"  # As `whole_file` names them.


def prepare_photos(
    data: str,
    output: str,
    settings: SmallPhotoSettings,
    *,
    workers: int,
    progress: Progress,
) -> tuple[Manifest, list[str]]:
    """Fills a folder with small JPEGs, in subfolders as the photos are.

    Photos that are there are not made anew, but all are compared in the same
    order. So the same photos and settings give the same files, whatever the
    number of workers and however often it was stopped.

    Args:
        data: A folder, a glob, or `tfds:NAME`.
        output: Folder to write to: new, empty, or begun with the same photos
            and settings.
        settings: How small photos are made.
        workers: Processes that read photos; they end with this one, even if
            it is killed. With 1, this one does the work.
        progress: Where to show how far it is.

    Returns:
        The folder's manifest, and a sentence for each photo that cannot be
        read.

    Raises:
        DataError: If there are no photos.
        ConfigError: If the folder is not fit to write to.
        OSError: If a small photo cannot be written.
        ColorizerError: If a worker process was killed.
    """
    found, sources = stream_photos(data)
    begun = _open_folder(output, data, settings)
    task = progress.add_task("Preparing", total=found)
    counts: Counter[str | None] = Counter()
    failures, taken = [], DifferentPhotos()
    with _pool(workers) as pool:
        for source, target, photo in _made(pool, sources, output, settings):
            reason = None
            if isinstance(photo, ColorlessPhotoError):
                reason = GREY
            elif isinstance(photo, PhotoError):
                reason = UNREADABLE
                failures.append(_named(source, str(photo)))
            elif not (settings.keep_near_duplicates or taken.add(photo)):
                reason = NEAR
                target.unlink()
            counts[reason] += 1
            progress.advance(task)
    left_out = {reason: counts[reason] for reason in REASONS}
    manifest = dataclasses.replace(
        begun, found=found, taken=counts[None], left_out=left_out
    )
    manifest.save(Path(output))
    return manifest, failures


def _open_folder(
    output: str, data: str, settings: SmallPhotoSettings
) -> Manifest:
    """Claims a folder, and clears away what a killed call left half-written."""
    source = data if data.startswith(TFDS_PREFIX) else os.path.abspath(data)
    if "://" in output or Path(os.path.abspath(output)).is_relative_to(source):
        raise ConfigError(
            f"-o {output} must be a folder of this machine, and not inside "
            "that of the photos."
        )
    folder, begun = Path(output), Manifest(source, settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_same(folder, Manifest.load(folder), begun)
        begun.save(folder)
        for half_written in folder.rglob(TEMPORARY):
            half_written.unlink()
    except OSError as error:
        raise ConfigError(
            f"-o {output} cannot be written: {error.strerror}."
        ) from None
    return begun


def _check_same(
    folder: Path, earlier: Manifest | None, begun: Manifest
) -> None:
    if earlier is None:
        if any(path.name[0] != "." for path in folder.iterdir()):
            raise ConfigError(
                f"`{folder}` holds other files: choose another one with -o."
            )
        return
    old, new = (
        {"the photos": x.source, **dataclasses.asdict(x.settings)}
        for x in (earlier, begun)
    )
    for name, value in old.items():
        if value != new[name]:
            raise ConfigError(
                f"`{folder}` was begun with {name.replace('_', ' ')} {value}, "
                f"not {new[name]}: choose another folder with -o."
            )


@contextmanager
def _pool(workers: int) -> Iterator[Executor]:
    pool: Executor = ThreadPoolExecutor(1)
    if workers > 1:
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, spawn, initializer=_start)
    try:
        yield pool
    except BrokenProcessPool:
        raise ColorizerError(
            "A worker process was killed, most often because memory ran out: "
            "run the command again with fewer --workers; it goes on where it "
            "stopped."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Left to the parent.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)


def _made(
    pool: Executor,
    sources: Iterator[SourcePhoto],
    output: str,
    settings: SmallPhotoSettings,
) -> Iterator[tuple[SourcePhoto, Path, Likeness | PhotoError]]:
    make = partial(make_small_photo, settings=settings)
    while batch := list(islice(sources, BATCH)):
        contents = [source.content for source in batch]
        targets = [_target(Path(output, source.relative)) for source in batch]
        made = pool.map(make, contents, targets, chunksize=CHUNK)
        yield from zip(batch, targets, made, strict=True)


def _target(path: Path) -> Path:
    if path.suffix.lower() in (".jpg", ".jpeg"):
        return path
    return path.with_name(f"{path.name}.jpg")


def _named(source: SourcePhoto, reason: str) -> str:
    """Readers of bytes cannot name the photo."""
    return reason if source.name in reason else f"{source.name}: {reason}"
