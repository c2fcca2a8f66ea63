"""`keras-colorizer colorize`."""

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.markup import escape
from rich.progress import Progress

from keras_colorizer.cli.films import FilmCommand, FilmOptions
from keras_colorizer.cli.running import FAILED, INTERRUPTED, Terminal, say
from keras_colorizer.colorizing.coloring import ColorizingResult
from keras_colorizer.colorizing.colorize import colorize_photos
from keras_colorizer.errors import ConfigError
from keras_colorizer.files import display_name
from keras_colorizer.photos import MAX_PIXELS
from keras_colorizer.pretrained import DEFAULT, look

NAMED_IN_COLOR = 5
NOTES = 20


@dataclass(frozen=True)
class Colorize:
    """Color black-and-white photos and films.

    Results keep the photo's size, name, metadata and own lightness; only the
    colors are new. Photos that fail are named at the end; all others are
    written. Formats that cannot be written become PNG.

    Attributes:
        photos: Photos, films, folders (searched recursively) or globs in
            quotes.
        output: Where to write: a folder, in which the tree of the named
            folders is kept, or for a single photo a file, whose suffix
            chooses the format (.jpg, .png, .tif, .webp, .bmp; .mp4, .mkv, .mov
            and .webm for a film).
        model: A .tflite file, which starts fastest, or the folder of a
            training run, a .keras file, or the folder of a SavedModel, or the
            address of a served one, such as
            http://localhost:8501/v1/models/colorizer. By default the
            pretrained `small`, which comes with the package.
        look: Of the pretrained network. calm is nearest to the truth on
            average; vivid is about half as colorful again, where it is right
            and where it is wrong.
        saturation: Factor on the colors: 0 is grey, 1 is as predicted. auto
            makes pale photos about as colorful as natural ones are: timid
            colors up to twice as strong, and wrong ones as well.
        hints: A file of places and their colors for a single photo, see
            docs/hints.md. Without it, PHOTO.hints.json beside a photo is used
            where there is one; when it is newer than the photo's result, the
            photo is colored again.
        no_hints: Use no PHOTO.hints.json.
        pages: Color all pages of a TIFF, into one TIFF, instead of the first.
        overwrite: Color photos whose result exists already once more; without
            it they are skipped.
        max_pixels: Refuse larger photos before decoding them. Memory grows by
            about 25 bytes a pixel.
        engine: processes colors many photos in a process for each core; ray
            on all machines of the cluster that RAY_ADDRESS names, which needs
            pip install "keras-colorizer[ray]".
        films: For films among them (pip install "keras-colorizer[video]").
    """

    photos: Annotated[
        tyro.conf.Positional[tuple[str, ...]],
        tyro.conf.arg(
            metavar="PHOTO|FOLDER|GLOB|FILM ...",
            help_behavior_hint="(required)",
        ),
    ]
    output: Annotated[
        str, tyro.conf.arg(aliases=["-o"], metavar="FOLDER|FILE")
    ] = "colorized"
    model: Annotated[str | None, tyro.conf.arg(metavar="PATH|URL")] = None
    look: Literal["calm", "vivid"] = "calm"
    saturation: float | Literal["auto"] = 1.0
    hints: Annotated[str | None, tyro.conf.arg(metavar="FILE")] = None
    no_hints: bool = False
    pages: bool = False
    overwrite: bool = False
    max_pixels: int = MAX_PIXELS
    engine: Literal["processes", "ray"] = "processes"
    films: Annotated[FilmOptions, tyro.conf.arg(name="")] = FilmOptions()


def colorize(options: Colorize) -> int:
    """Colors what the command line names, and returns the exit code.

    Ctrl-C, too, ends with a summary: each result is whole or not there.

    Raises:
        ColorizerError: If there is nothing to color, or nothing to color it
            with.
    """
    _check(options)
    display = _Display()
    code = 0
    try:
        # Ray tells of dead workers on stdout, where only the summary belongs.
        with redirect_stdout(sys.stderr), display.bar:
            colorize_photos(
                options.photos,
                options.output,
                model=options.model,
                saturation=_saturation(options),
                hints=False if options.no_hints else options.hints,
                max_pixels=options.max_pixels,
                engine=options.engine,
                overwrite=options.overwrite,
                pages=options.pages,
                films=_films(options, display.bar),
                progress=display,
            )
    except KeyboardInterrupt:
        code = INTERRUPTED
    display.print_details()
    say(f"{display.summary()}, in {display_name(options.output)}")
    failed = display.result.failed or display.result.unlisted
    return code or (FAILED if failed else 0)


def _saturation(options: Colorize) -> float | Literal["auto"]:
    # What auto raises to does not depend on the look.
    if options.look == "calm" or options.saturation == "auto":
        return options.saturation
    return options.saturation * look(f"{DEFAULT}_{options.look}")[1]


def _films(options: Colorize, bar: Progress) -> FilmCommand:
    return FilmCommand(
        options.films,
        model=options.model,
        saturation=_saturation(options),
        bar=bar,
    )


def _check(options: Colorize) -> None:
    if not options.photos:
        raise ConfigError("Name at least one photo, folder or glob.")
    if options.max_pixels < 1:
        raise ConfigError(
            f"--max-pixels must be at least 1. Received: {options.max_pixels}"
        )
    if options.hints is not None and options.no_hints:
        raise ConfigError("--hints and --no-hints contradict each other.")
    model = options.model
    if model and options.look != "calm":
        raise ConfigError(
            "--look is for the pretrained network: with --model, use "
            "--saturation."
        )
    if model and "://" not in model and not Path(model).exists():
        raise ConfigError(f"--model: there is no `{model}`.")


class _Display:
    """A progress bar, where stderr is a terminal, and words at the end."""

    def __init__(self) -> None:
        self.result, self.left = ColorizingResult(), 0
        self._console = Terminal(stderr=True)
        self.bar = Progress(
            console=self._console, disable=not self._console.is_terminal
        )
        self._line = self.bar.add_task("Coloring", total=None)

    def __call__(self, result: ColorizingResult, left: int) -> None:
        """Shows a result so far, and the number of photos left."""
        self.result, self.left = result, left
        tried = result.done + len(result.failed)
        self.bar.update(self._line, completed=tried, total=tried + left)

    def print_details(self) -> None:
        """Prints all that is more than a number of colored photos."""
        result = self.result
        if result.skipped:
            self._print(
                f"{result.skipped} skipped: their results exist (--overwrite "
                "colors them again)."
            )
        if result.in_color:
            names = list(map(display_name, result.in_color[:NAMED_IN_COLOR]))
            more = ", ..." if len(result.in_color) > len(names) else ""
            self._print(
                f"{len(result.in_color)} in color already, colored anew from "
                f"their lightness: {escape(', '.join(names))}{more}"
            )
        for note in result.notes[:NOTES]:
            self._print(escape(note))
        if len(result.notes) > NOTES:
            self._print(f"... and {len(result.notes) - NOTES} more notes.")
        for reason in (*result.unlisted, *result.failed.values()):
            self._print(f"[bold red]Failed:[/] {escape(reason)}")
        if self.left:
            self._print(
                f"Stopped, {self.left} are left: the same command goes on."
            )

    def summary(self) -> str:
        """Returns the number of colored photos, out of those to color."""
        done, failed = self.result.done, len(self.result.failed)
        hinted = self.result.hinted
        words = f", {hinted} with hints" if hinted else ""
        return f"{done} of {done + failed + self.left} colored{words}"

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)
