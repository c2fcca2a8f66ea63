"""Films in the command `colorize`."""

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.markup import escape
from rich.progress import Progress

from keras_colorizer.colorizing.coloring import Outcome, Task
from keras_colorizer.errors import (
    ConfigError,
    FilmError,
    MissingExtraError,
    ServingError,
    extras_named,
)
from keras_colorizer.files import display_name
from keras_colorizer.pretrained import DEFAULT, TFLITE, pretrained_file

if TYPE_CHECKING:  # Photos do not wait for what films need.
    from keras_colorizer.inference.colorizer import Colorizer

# Formats that films are written in; others become Matroska, which holds all.
WRITABLE = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
HELD = {".webm": ("vp9", "av1")}
PRORES = (".mov", ".mkv")


@dataclass(frozen=True)
class FilmOptions:
    """Films.

    Attributes:
        codec: Of colored films; all look about as good.
        start: Color films from there on, as 83 (seconds), 1:23 or 0:01:23, to
            try it.
        end: Color films up to there.
        two_pass: Let colors come from the frames that follow, too: steadier
            at the beginning of a shot, and slower.
    """

    codec: Literal["h264", "h265", "vp9", "av1", "prores"] = "h264"
    start: Annotated[str, tyro.conf.arg(metavar="TIME")] = "0"
    end: Annotated[str | None, tyro.conf.arg(metavar="TIME")] = None
    two_pass: bool = False


class FilmCommand:
    """Colors films one by one, with a model that the first one loads.

    Args:
        options: As typed.
        model: As for `Colorizer.load`; by default the pretrained `small`.
        saturation: As for `Colorizer.colorize`.
        bar: Shows the progress of each film.

    Raises:
        ConfigError: If `start` or `end` is no time.
    """

    def __init__(
        self,
        options: FilmOptions,
        *,
        model: str | None,
        saturation: float | Literal["auto"],
        bar: Progress,
    ):
        self._options, self._saturation, self._bar = options, saturation, bar
        self._model = model or pretrained_file(DEFAULT, TFLITE)
        self._start = _seconds("start", options.start)
        self._end = _seconds("end", options.end) if options.end else None

    def result_suffix(self, suffix: str) -> str:
        """Returns the suffix of a result for that of a film."""
        codec = self._options.codec
        if codec == "prores":
            return suffix if suffix in PRORES else ".mov"
        held = codec in HELD.get(suffix, (codec,))
        return suffix if suffix in WRITABLE and held else ".mkv"

    def __call__(self, task: Task) -> Outcome:
        """Colors a film; its own failure is an outcome, not an error.

        Raises:
            ColorizerError: If the model does not work.
        """
        show = _FilmBar(self._bar, display_name(Path(task.photo).name))
        try:
            return Outcome(task.photo, self._problem(task, show))
        except FilmError as error:
            return Outcome(task.photo, str(error))
        except (MissingExtraError, ServingError) as error:
            return Outcome(task.photo, f"`{display_name(task.photo)}`: {error}")
        finally:
            show.end()

    def _problem(self, task: Task, show: "_FilmBar") -> str | None:
        with extras_named():
            from keras_colorizer.video.film import colorize_film
        return colorize_film(
            self._colorizer,
            task.photo,
            task.result,
            saturation=self._saturation,
            codec=self._options.codec,
            start=self._start,
            end=self._end,
            two_pass=self._options.two_pass,
            progress=show,
        )

    @cached_property
    def _colorizer(self) -> "Colorizer":
        from keras_colorizer.inference.colorizer import Colorizer

        return Colorizer.load(self._model)


class _FilmBar:
    """A film's line of the progress bar, with its frames a second."""

    def __init__(self, bar: Progress, name: str):
        self._bar, self._name = bar, name
        self._start = time.monotonic()
        self._line = bar.add_task(escape(name), total=None)

    def __call__(self, done: int, count: int) -> None:
        speed = done / max(time.monotonic() - self._start, 1e-3)
        self._bar.update(
            self._line,
            completed=done,
            total=count,
            description=escape(f"{self._name}, {speed:.1f} frames/s"),
        )

    def end(self) -> None:
        self._bar.remove_task(self._line)


def _seconds(name: str, text: str) -> float:
    """Reads a time such as 83, 83.5, 1:23 or 0:01:23."""
    try:
        seconds = 0.0
        for part in text.split(":"):
            seconds = 60 * seconds + float(part)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ConfigError(
            f"--{name} must be a time such as 83, 1:23 or 0:01:23. "
            f"Received: {text}"
        )
    return seconds
