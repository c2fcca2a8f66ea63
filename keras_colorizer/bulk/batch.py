"""A batch of photos: read, colored, written and recorded, one by one."""

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from keras_colorizer.bulk.folders import Folder, is_uri
from keras_colorizer.bulk.records import Record, Task
from keras_colorizer.errors import (
    PhotoError,
    UnreadablePhotoError,
    UnwritablePhotoError,
    first_line,
)
from keras_colorizer.photos import read_photo, write_photo
from keras_colorizer.silence import silent_stderr

if TYPE_CHECKING:  # The command line waits for the runtime no sooner than due.
    from keras_colorizer.inference.colorizer import Colorizer


@dataclass(frozen=True)
class Settings:
    """How photos are colored, and between which folders.

    Attributes:
        roots: The folders to read from.
        output: The folder to write to.
        saturation: As for `Colorizer.colorize`.
        max_pixels: Larger photos are refused.
    """

    roots: tuple[Folder, ...]
    output: Folder
    saturation: float | Literal["auto"]
    max_pixels: int


def colorize_batch(
    colorizer: "Colorizer", tasks: Iterable[Task], settings: Settings
) -> Iterator[Record]:
    """Colors photos, one after the other, whatever happens to some of them.

    Args:
        colorizer: Colors them.
        tasks: What to do. A result that is there already is only recorded.
        settings: For all of them.

    Yields:
        A record for each task, in order, when its result is written; or the
        reason why there is none.
    """
    for task in tasks:
        try:
            yield _recorded(colorizer, task, settings)
        except PhotoError as error:
            yield failure(task, settings, str(error))
        except MemoryError:
            label = settings.roots[task.root].label(task.photo)
            reason = f"`{label}` does not fit into memory."
            yield failure(task, settings, reason)


def load_colorizer(model: Path) -> "Colorizer":
    """Loads a colorizer, and silently the runtime that its file is for.

    Args:
        model: As for `Colorizer.load`.

    Raises:
        ArtifactError: If it is none, or damaged.
    """
    with silent_stderr():
        from keras_colorizer.inference.colorizer import Colorizer

        return Colorizer.load(model)


def failure(task: Task, settings: Settings, reason: str) -> Record:
    """Returns the record of a photo that has no result.

    Args:
        task: What was to be done.
        settings: The same as for `colorize_batch`.
        reason: A sentence.
    """
    return Record(_input(task, settings), task.output, reason=reason)


def _recorded(colorizer, task, settings):
    if task.is_there:
        return Record(
            _input(task, settings), task.output, **_stored(task, settings)
        )
    start = time.perf_counter()
    photo = _read(task, settings)
    result = colorizer.colorize_photo(photo, saturation=settings.saturation)
    stored = _written(result, task, settings)
    return Record(
        _input(task, settings),
        task.output,
        **stored,
        seconds=round(time.perf_counter() - start, 3),
        was_color=bool(photo.is_colored),
    )


def _input(task, settings):
    label = settings.roots[task.root].label(task.photo)
    return label if is_uri(label) else os.path.abspath(label)


def _read(task, settings):
    root = settings.roots[task.root]
    label = root.label(task.photo)
    try:
        source = root.source(task.photo)
    except OSError as error:
        raise UnreadablePhotoError(
            f"`{label}` cannot be read: {first_line(error)}."
        ) from None
    try:
        return read_photo(source, max_pixels=settings.max_pixels)
    except PhotoError as error:
        if isinstance(source, Path):
            raise
        # Bytes have no name of their own.
        raise type(error)(
            str(error).replace("The photo", f"`{label}`", 1)
        ) from None


def _written(result, task, settings):
    label = settings.output.label(task.output)
    try:
        with settings.output.staged(task.output) as path:
            try:
                write_photo(result, path)
            except UnwritablePhotoError as error:
                reason = str(error).replace(str(path), label)
                raise UnwritablePhotoError(reason) from None
            return _described(path.read_bytes())
    except OSError as error:
        raise UnwritablePhotoError(
            f"`{label}` cannot be written: "
            f"{error.strerror or first_line(error)}."
        ) from None


def _stored(task, settings):
    try:
        with settings.output.reader(task.output) as file:
            return _described(file.read())
    except OSError as error:
        raise UnreadablePhotoError(
            f"`{settings.output.label(task.output)}` cannot be read: "
            f"{first_line(error)}."
        ) from None


def _described(content):
    return {
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
