"""Which photo becomes which file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from colorizer_client.coloring import WRITABLE_SUFFIXES
from colorizer_client.errors import CommandLineError
from colorizer_client.listing import FoundPhoto, find_photos

# What cannot hold a photo in full color, such as GIF, becomes this.
FALLBACK_SUFFIX = ".png"


@dataclass(frozen=True)
class Task:
    """One photo and the file that its result goes to."""

    photo: Path
    target: Path


def plan(patterns: Sequence[str], output: Path) -> tuple[list[Task], list[str]]:
    """Pairs photos with targets; also returns why some cannot have one.

    Args:
        patterns: Photos, folders and patterns, as for `find_photos`.
        output: A folder, in which the tree of the named folders is kept, or
            for a single photo a file.

    Raises:
        CommandLineError: If there is nothing to color, or no place for it.
    """
    found = find_photos(patterns)
    if _names_a_file(output):
        return [_single_task(found, output)], []
    tasks: dict[Path, Task] = {}
    failures = []
    for photo in _without_results(found, patterns, output):
        target = _writable(output / photo.relative)
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


def _single_task(found: list[FoundPhoto], target):
    if len(found) > 1:
        raise CommandLineError(
            f"-o {target} names one file, but there are {len(found)} photos: "
            "name a folder."
        )
    if target.resolve() == found[0].path.resolve():
        raise CommandLineError(f"-o {target} would replace the photo itself.")
    return Task(found[0].path, target)


def _without_results(found: list[FoundPhoto], patterns, output):
    """Leaves out earlier results, in a folder that is being colored."""
    folder = output.resolve()
    kept = [
        photo
        for photo in found
        if folder not in photo.path.resolve().parents
        or str(photo.path) in patterns
    ]
    if not kept:
        raise CommandLineError(
            f"All photos lie in the output folder `{output}`: choose another "
            "one with -o."
        )
    return kept


def _names_a_file(output):
    return output.suffix.lower() in WRITABLE_SUFFIXES and not output.is_dir()


def _writable(path):
    if path.suffix.lower() in WRITABLE_SUFFIXES:
        return path
    return path.with_suffix(FALLBACK_SUFFIX)
