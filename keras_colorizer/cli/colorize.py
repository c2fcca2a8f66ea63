"""`python -m keras_colorizer colorize`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from keras_colorizer.chroma.saturation import check_saturation
from keras_colorizer.cli.running import FAILED
from keras_colorizer.errors import ConfigError, PhotoError
from keras_colorizer.photos import (
    MAX_PIXELS,
    WRITABLE_SUFFIXES,
    find_photos,
    read_photo,
    write_photo,
)
from keras_colorizer.pretrained import DEFAULT
from keras_colorizer.silence import silent_stderr

# What cannot hold a photo in full color, such as GIF, becomes this.
FALLBACK_SUFFIX = ".png"


@dataclass(frozen=True)
class Colorize:
    """Color black-and-white photos.

    Results keep the photo's size, name, metadata and own lightness; only the
    colors are new. Photos that fail are named at the end; all others are
    written.

    Attributes:
        photos: Photos, folders (searched recursively) or globs in quotes.
        output: Where to write: a folder, in which the tree of the named
            folders is kept, or for a single photo a file, whose suffix
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
    """

    photos: tyro.conf.Positional[tuple[str, ...]]
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("colorized")
    model: Path | None = None
    saturation: float | Literal["auto"] = 1.0
    overwrite: bool = False
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True)
class Task:
    """One photo and the file that its result goes to."""

    photo: Path
    target: Path


def colorize(options: Colorize) -> int:
    """Colors what the command line names, and returns the exit code.

    Raises:
        ColorizerError: If there is nothing to color, or nothing to color it
            with.
    """
    _check(options)
    tasks, failures = _plan(options)
    todo = [t for t in tasks if options.overwrite or not t.target.exists()]
    already_colored, written = [], 0
    console = Console(stderr=True)
    if todo:
        colorizer = _load_colorizer(options.model)
    for task in track(
        todo, "Coloring", console=console, disable=not console.is_terminal
    ):
        try:
            photo = read_photo(task.photo, max_pixels=options.max_pixels)
            if photo.is_colored:
                already_colored.append(task.photo)
            result = colorizer.colorize_photo(
                photo, saturation=options.saturation
            )
            write_photo(result, task.target)
            written += 1
        except PhotoError as error:
            failures.append(str(error))
        except MemoryError:
            failures.append(f"`{task.photo}` does not fit into memory.")
    _report(console, len(tasks) - len(todo), already_colored, failures)
    print(f"{written} of {len(todo)} colored, in {options.output}")
    return FAILED if failures else 0


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


def _plan(options) -> tuple[list[Task], list[str]]:
    """Pairs photos with targets; also returns why some cannot have one."""
    found = find_photos(options.photos)
    if _names_a_file(options.output):
        return [_single_task(found, options.output)], []
    tasks: dict[Path, Task] = {}
    failures = []
    for photo in _without_results(found, options):
        target = _writable(options.output / photo.relative)
        if target.resolve() == photo.path.resolve():
            failures.append(
                f"`{photo.path}` would be replaced by its own result: choose "
                "another folder with -o."
            )
        elif target in tasks:
            failures.append(
                f"`{photo.path}` and `{tasks[target].photo}` would both become "
                f"`{target}`: color them one after the other, into two folders."
            )
        else:
            tasks[target] = Task(photo.path, target)
    return list(tasks.values()), failures


def _single_task(found, target):
    if len(found) > 1:
        raise ConfigError(
            f"-o {target} names one file, but there are {len(found)} photos: "
            "name a folder."
        )
    if target.resolve() == found[0].path.resolve():
        raise ConfigError(f"-o {target} would replace the photo itself.")
    return Task(found[0].path, target)


def _without_results(found, options):
    """Leaves out earlier results, in a folder that is being colored."""
    folder = options.output.resolve()
    kept = [
        photo
        for photo in found
        if folder not in photo.path.resolve().parents
        or str(photo.path) in options.photos
    ]
    if not kept:
        raise ConfigError(
            f"All photos lie in the output folder `{options.output}`: choose "
            "another one with -o."
        )
    return kept


def _names_a_file(output):
    return output.suffix.lower() in WRITABLE_SUFFIXES and not output.is_dir()


def _writable(path):
    if path.suffix.lower() in WRITABLE_SUFFIXES:
        return path
    return path.with_suffix(FALLBACK_SUFFIX)


def _load_colorizer(model):
    with silent_stderr():
        from keras_colorizer.inference.colorizer import Colorizer

        if model is None:
            return Colorizer.from_preset(DEFAULT)
        return Colorizer.load(model)


def _report(console, skipped, already_colored, failures):
    if skipped:
        console.print(
            f"{skipped} skipped: their results exist (--overwrite colors them "
            "again)."
        )
    if already_colored:
        names = ", ".join(str(path) for path in already_colored[:5])
        more = ", ..." if len(already_colored) > 5 else ""
        console.print(
            f"{len(already_colored)} in color already, colored anew from their "
            f"lightness: {escape(names)}{more}",
            highlight=False,
        )
    for failure in failures:
        console.print(
            f"[bold red]Failed:[/] {escape(failure)}",
            highlight=False,
            soft_wrap=True,
        )
