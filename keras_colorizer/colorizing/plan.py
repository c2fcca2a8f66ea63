"""The plan of a run: the photos to color, and the files of their results."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from keras_colorizer.colorizing.coloring import (
    ColorizingResult,
    FilmColorizer,
    Outcome,
    Task,
)
from keras_colorizer.errors import ConfigError
from keras_colorizer.files import display_name
from keras_colorizer.photos import (
    FILM_SUFFIXES,
    HINTS_SUFFIX,
    PHOTO_SUFFIXES,
    WRITABLE_SUFFIXES,
    FoundPhoto,
    list_photos,
)

# GIF, which cannot hold a photo in full color, becomes this, and all formats
# that are read alone.
FALLBACK_SUFFIX = ".png"


def plan_run(
    sources: Sequence[str],
    output: str,
    *,
    overwrite: bool,
    hints: str | Literal[False] | None = None,
    films: FilmColorizer | None = None,
) -> tuple[list[Task], ColorizingResult]:
    """Finds photos and names their results after them.

    The same arguments, those of `colorize_photos`, always give the same
    names, so that a run that was stopped goes on where it was.

    Returns:
        The photos to color, and a result that counts all others.

    Raises:
        ColorizerError: If there is nothing to color.
    """
    tasks: list[Task] = []
    named: set[str] = set()
    _check_paths(sources, output)
    film_suffixes = FILM_SUFFIXES if films else ()
    listing = list_photos(sources, suffixes=(*PHOTO_SUFFIXES, *film_suffixes))
    others = ColorizingResult(
        unlisted=listing.unreadable, notes=listing.notes()
    )
    pairs = _pairs(listing.photos, sources, output, films)
    for task in _with_hints(list(pairs), hints):
        if reason := _clash(task, named):
            others.add(Outcome(task.photo, reason))
        elif task.is_done() and not overwrite:
            others.skipped += 1
        else:
            tasks.append(task)
        named.add(task.result)
    return tasks, others


def _check_paths(sources: Sequence[str], output: str) -> None:
    for name in (*sources, output):
        if "://" in name:
            raise ConfigError(
                f"`{name}` is no path: mount the store as a folder, or see "
                "docs/colorizing_millions.md."
            )


def _pairs(
    found: list[FoundPhoto],
    sources: Sequence[str],
    output: str,
    films: FilmColorizer | None,
) -> Iterator[Task]:
    """Yields each photo with the name of its result."""
    film_suffixes = FILM_SUFFIXES if films else ()
    is_file = output.lower().endswith((*WRITABLE_SUFFIXES, *film_suffixes))
    if is_file and not os.path.isdir(output):
        yield _single(found, output)
        return
    for photo in _without_results(found, sources, output):
        relative = photo.relative
        if films and is_film(str(relative)):
            suffix = films.result_suffix(relative.suffix.lower())
            if suffix != relative.suffix.lower():
                relative = relative.with_suffix(suffix)
        elif not relative.name.lower().endswith(WRITABLE_SUFFIXES):
            relative = relative.with_suffix(FALLBACK_SUFFIX)
        yield Task(str(photo.path), os.path.join(output, relative))


def _with_hints(
    tasks: list[Task], hints: str | Literal[False] | None
) -> list[Task]:
    if hints is False:
        return tasks
    if hints is None:
        return [_with_own_hints(task) for task in tasks]
    if len(tasks) > 1:
        raise ConfigError(
            f"The hints of `{hints}` are for one photo, but there are "
            f"{len(tasks)}: lay PHOTO{HINTS_SUFFIX} beside each."
        )
    if is_film(tasks[0].photo):
        raise ConfigError("Films take no hints: leave --hints out.")
    if not os.path.exists(hints):
        raise ConfigError(f"There is no hint file `{hints}`.")
    return [replace(task, hints=hints) for task in tasks]


def _with_own_hints(task: Task) -> Task:
    beside = task.photo + HINTS_SUFFIX
    if os.path.exists(beside) and not is_film(task.photo):
        return replace(task, hints=beside)
    return task


def is_film(path: str) -> bool:
    """Whether a file is a film, by its name."""
    return path.lower().endswith(FILM_SUFFIXES)


def _single(found: list[FoundPhoto], output: str) -> Task:
    photo = found[0].path
    if len(found) > 1:
        raise ConfigError(
            f"-o {output} names one file, but there are {len(found)} photos: "
            "name a folder."
        )
    if os.path.realpath(photo) == os.path.realpath(output):
        raise ConfigError(f"-o {output} would replace the photo itself.")
    return Task(str(photo), output)


def _without_results(
    found: list[FoundPhoto], sources: Sequence[str], output: str
) -> Iterable[FoundPhoto]:
    """Leaves out earlier results, in a folder that is being colored."""
    folder = os.path.join(os.path.realpath(output), "")
    named = set(map(Path, sources))
    kept = [
        photo
        for photo in found
        if photo.path in named
        or not os.path.realpath(photo.path).startswith(folder)
    ]
    if not kept:
        raise ConfigError(
            f"All photos lie in the output folder `{output}`: choose another "
            "one with -o."
        )
    return kept


def _clash(task: Task, named: set[str]) -> str | None:
    """The reason why a photo can have no result of its own."""
    photo, result = display_name(task.photo), display_name(task.result)
    if os.path.realpath(task.photo) == os.path.realpath(task.result):
        return (
            f"`{photo}` would be replaced by its own result: choose "
            "another folder with -o."
        )
    if task.result in named:
        return (
            f"`{photo}` and a photo before it would both become "
            f"`{result}`: color them one after the other, into two "
            "folders."
        )
    return None
