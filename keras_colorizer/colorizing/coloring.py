"""One photo, from file to file: the unit of work."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from keras_colorizer.errors import (
    ArtifactError,
    ColorizerError,
    PhotoError,
    ServingError,
)
from keras_colorizer.files import display_name
from keras_colorizer.hints import Hint, read_hints
from keras_colorizer.photos import (
    Photo,
    read_photo,
    write_pages,
    write_photo,
)
from keras_colorizer.silence import silent_stderr

if TYPE_CHECKING:  # Planning does not wait for LiteRT.
    from keras_colorizer.inference.colorizer import Colorizer


@dataclass(frozen=True)
class Task:
    """The paths of a photo, of its result and, if it has one, its hint file."""

    photo: str
    result: str
    hints: str = ""

    def is_done(self) -> bool:
        """Whether there is a result, made after the last change of hints."""
        try:
            made = os.stat(self.result).st_mtime_ns
            return not self.hints or made > os.stat(self.hints).st_mtime_ns
        except OSError:
            return os.path.exists(self.result)


@dataclass(frozen=True)
class Settings:
    """The arguments of `colorize_photos` that hold for every photo."""

    model: str
    saturation: float | Literal["auto"]
    max_pixels: int
    overwrite: bool
    pages: bool = False


@dataclass(frozen=True)
class Outcome:
    """The end of a task; the reason is a sentence if there is no result.

    A note is a sentence about what the result does not show.
    """

    photo: str
    reason: str | None = None
    was_color: bool = False
    hinted: bool = False
    note: str | None = None


class FilmColorizer(Protocol):
    """Colors films one by one."""

    def result_suffix(self, suffix: str) -> str:
        """Returns the suffix of the result for that of a film."""
        ...

    def __call__(self, task: Task) -> Outcome:
        """Returns the end of a task."""
        ...


@dataclass
class ColorizingResult:
    """The results of a run over many photos.

    Attributes:
        done: Number of photos colored.
        skipped: Number of photos left out, since their result existed.
        failed: The reason, a sentence, by photo.
        in_color: Photos colored although they were in color already.
        hinted: Number of photos colored with hints.
        unlisted: Sentences about folders that cannot be listed.
        notes: Sentences about what was left out, of files and folders.
    """

    done: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    in_color: list[str] = field(default_factory=list)
    hinted: int = 0
    unlisted: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Counts the end of a task."""
        if outcome.reason is not None:
            self.failed[outcome.photo] = outcome.reason
            return
        self.done += 1
        self.hinted += outcome.hinted
        if outcome.note:
            self.notes.append(outcome.note)
        if outcome.was_color:
            self.in_color.append(outcome.photo)


class PhotoColorizer:
    """Colors photos one by one, with a model that the first one loads."""

    def __init__(self, settings: Settings):
        self._settings = settings

    def __call__(self, task: Task) -> Outcome | ColorizerError:
        """Returns the end of a task, or the error that ends all of them."""
        try:
            return colorize_task(self._colorizer, task, self._settings)
        except ColorizerError as error:
            return error

    @cached_property
    def _colorizer(self) -> "Colorizer":
        with silent_stderr():
            from keras_colorizer.inference.colorizer import Colorizer

            return Colorizer.load(self._settings.model)


def colorize_task(
    colorizer: "Colorizer", task: Task, settings: Settings
) -> Outcome:
    """Colors one photo; its own failure is an outcome, not an error.

    A result that exists is kept unless `settings.overwrite`: a task that is
    repeated, since its worker was killed, may have been finished already.

    Raises:
        ColorizerError: If the model itself does not work.
    """
    if task.is_done() and not settings.overwrite:
        return Outcome(task.photo)
    name = display_name(task.photo)
    try:
        hints = read_hints(task.hints) if task.hints else []
        photo = read_photo(task.photo, max_pixels=settings.max_pixels)
        pages = _colored_pages(colorizer, photo, task, settings, hints)
        if settings.pages and photo.pages > 1 and _are_tiffs(photo, task):
            write_pages(pages, Path(task.result))
        else:
            write_photo(next(pages), Path(task.result))
    except PhotoError as error:
        return Outcome(task.photo, str(error))
    except (ServingError, ArtifactError) as error:
        return Outcome(task.photo, f"`{name}`: {error}")
    except MemoryError:
        return Outcome(task.photo, f"`{name}` does not fit into memory.")
    note = _note(photo, task, settings)
    return Outcome(task.photo, None, bool(photo.is_colored), bool(hints), note)


def _colored_pages(
    colorizer: "Colorizer",
    first: Photo,
    task: Task,
    settings: Settings,
    hints: Sequence[Hint],
) -> Iterator[Photo]:
    for page in range(first.pages):
        photo = first
        if page:
            photo = read_photo(
                task.photo, max_pixels=settings.max_pixels, page=page
            )
        yield colorizer.colorize_photo(
            photo, saturation=settings.saturation, hints=hints
        )


def _are_tiffs(photo: Photo, task: Task) -> bool:
    return photo.format == "TIFF" and task.result.lower().endswith(
        (".tif", ".tiff")
    )


def _note(photo: Photo, task: Task, settings: Settings) -> str | None:
    name = display_name(task.photo)
    if photo.is_cut_off:
        return f"`{name}` lacks its end, but no pixel: it may be a bad copy."
    if photo.pages == 1:
        return None
    if not _are_tiffs(photo, task):
        return f"`{name}` holds {photo.pages} pictures: the first was taken."
    if settings.pages:
        return None
    return (
        f"`{name}` holds {photo.pages} pages: the first was taken (--pages"
        " colors all)."
    )
