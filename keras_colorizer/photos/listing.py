"""Photos of files, folders and patterns."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from keras_colorizer.errors import DataError
from keras_colorizer.photos.writing import WRITABLE_SUFFIXES

PHOTO_SUFFIXES = (*WRITABLE_SUFFIXES, ".gif")
WILDCARD = re.compile(r"[*?[]")


@dataclass(frozen=True, order=True)
class FoundPhoto:
    """A photo, and its place below the folder that was named.

    Attributes:
        path: The file.
        relative: Below the folder that was named, so that results can keep
            the tree; the bare name of a file that was named itself.
    """

    path: Path
    relative: Path


def find_photos(patterns: Sequence[str | Path]) -> list[FoundPhoto]:
    """Finds the photos that files, folders and patterns name.

    A file is taken whatever its suffix; in folders, at any depth, and among
    the matches of a pattern, those with one of `PHOTO_SUFFIXES`. Hidden names
    are left out, and links to folders are not followed.

    Args:
        patterns: Such as "scan.jpg", "scans", "scans/19*" or
            "scans/**/*.jpg". A name that exists is never taken for a pattern.

    Returns:
        Each photo once, in the order of the patterns, sorted within each.

    Raises:
        DataError: If a pattern names nothing, or holds no photo.
    """
    found: dict[str, FoundPhoto] = {}
    for pattern in patterns:
        for photo in sorted(_matches(Path(pattern))):
            found.setdefault(os.path.realpath(photo.path), photo)
    return list(found.values())


def _matches(pattern: Path) -> list[FoundPhoto]:
    try:
        if pattern.is_file():
            return [FoundPhoto(pattern, Path(pattern.name))]
        base, matches = _expanded(pattern)
        photos = [path for match in matches for path in _photos(match)]
    except OSError as error:
        raise DataError(
            f"`{error.filename}` cannot be listed: {error.strerror}."
        ) from error
    if not matches:
        raise DataError(
            f"Nothing matches `{pattern}`: name a photo, a folder or a pattern"
            ' such as "scans/**/*.jpg".'
        )
    if not photos:
        raise DataError(
            f"`{pattern}` holds no photo: looked for"
            f" {', '.join(PHOTO_SUFFIXES)}."
        )
    return [FoundPhoto(path, path.relative_to(base)) for path in photos]


def _expanded(pattern: Path) -> tuple[Path, list[Path]]:
    """The part before the first wildcard, and all that the pattern matches."""
    base = Path(pattern.anchor)
    rest = list(pattern.relative_to(base).parts)
    while rest and (not WILDCARD.search(rest[0]) or (base / rest[0]).exists()):
        base /= rest.pop(0)
    if not rest:
        return base, [base] if base.is_dir() else []
    try:
        matches = list(base.glob("/".join(rest)))
    except ValueError:  # "**" beside other characters, before Python 3.13.
        return base, []
    return base, [path for path in matches if not _is_left_out(path, base)]


def _photos(match: Path) -> list[Path]:
    """The file itself or, for a folder, the files in it."""
    if not match.is_dir():
        return [match] if _is_photo(match) else []
    paths = []
    for folder, subfolders, names in os.walk(match, onerror=_raise):
        subfolders[:] = [name for name in subfolders if name[0] != "."]
        paths += [Path(folder, name) for name in names if name[0] != "."]
    return [path for path in paths if _is_photo(path)]


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_SUFFIXES and path.is_file()


def _is_left_out(path: Path, base: Path) -> bool:
    is_hidden = any(part[0] == "." for part in path.relative_to(base).parts)
    return is_hidden or (path.is_symlink() and path.is_dir())


def _raise(error: OSError) -> NoReturn:
    raise error
