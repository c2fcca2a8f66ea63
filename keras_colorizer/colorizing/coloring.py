"""One photo, from file to file: the unit of work."""

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from keras_colorizer.errors import (
    ArtifactError,
    ColorizerError,
    PhotoError,
    ServingError,
)
from keras_colorizer.hints import read_hints
from keras_colorizer.photos import read_photo, write_photo
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


@dataclass(frozen=True)
class Outcome:
    """The end of a task; the reason is a sentence if there is no result."""

    photo: str
    reason: str | None = None
    was_color: bool = False
    hinted: bool = False


@dataclass
class ColorizingResult:
    """The results of a run over many photos.

    Attributes:
        done: Number of photos colored.
        skipped: Number of photos left out, since their result existed.
        failed: The reason, a sentence, by photo.
        in_color: Photos colored although they were in color already.
        hinted: Number of photos colored with hints.
    """

    done: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    in_color: list[str] = field(default_factory=list)
    hinted: int = 0

    def add(self, outcome: Outcome) -> None:
        """Counts the end of a task."""
        if outcome.reason is not None:
            self.failed[outcome.photo] = outcome.reason
            return
        self.done += 1
        self.hinted += outcome.hinted
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
    path, result = Path(task.photo), Path(task.result)
    if task.is_done() and not settings.overwrite:
        return Outcome(task.photo)
    try:
        hints = read_hints(task.hints) if task.hints else []
        photo = read_photo(path, max_pixels=settings.max_pixels)
        colored = colorizer.colorize_photo(
            photo, saturation=settings.saturation, hints=hints
        )
        write_photo(colored, result)
    except PhotoError as error:
        return Outcome(task.photo, str(error))
    except (ServingError, ArtifactError) as error:
        return Outcome(task.photo, f"`{path}`: {error}")
    except MemoryError:
        return Outcome(task.photo, f"`{path}` does not fit into memory.")
    return Outcome(
        task.photo, was_color=bool(photo.is_colored), hinted=bool(hints)
    )
