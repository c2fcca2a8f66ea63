"""Photos of files, folders and patterns."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import starmap
from pathlib import Path

from keras_colorizer.errors import DataError
from keras_colorizer.files import display_name
from keras_colorizer.photos.formats import (
    MISSING_SUFFIXES,
    PHOTO_SUFFIXES,
    PIP,
)

FILM_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg"),
    *(".vob", ".ts", ".m2ts", ".mts", ".wmv", ".flv", ".ogv", ".3gp", ".mxf"),
    ".dv",
)
RECURSIVE = "**"
WILDCARD = re.compile(r"[*?[]")
# Thumbnails and deleted photos of photo managers, servers and systems; other
# hidden folders are left out without a word. In small letters.
LEFT_FOLDERS = (
    "@eadir",
    "#recycle",
    "@recycle",
    "$recycle.bin",
    ".thumbnails",
)
NAMED = 5
HINTS_SUFFIX = ".hints.json"  # After a photo's name; used, not left out.


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


@dataclass
class Listing:
    """Photos, and all that was no photo or could not be listed.

    Attributes:
        suffixes: Of what is looked for.
        photos: Each once, in the order of the patterns, sorted within each.
        unreadable: Sentences about folders that cannot be listed.
        left_files: Files that are no photos.
        left_folders: Folders of thumbnails, and waste bins.
    """

    suffixes: Sequence[str] = PHOTO_SUFFIXES
    photos: list[FoundPhoto] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    left_files: set[Path] = field(default_factory=set)
    left_folders: set[Path] = field(default_factory=set)

    def notes(self) -> list[str]:
        """Sentences about what was left out."""
        notes = []
        if files := self.left_files:
            counts = Counter(path.suffix.lower() for path in files)
            kinds = sorted(counts.items(), key=lambda kind: (-kind[1], kind))
            notes.append(
                f"{_plural(len(files), 'file')} left out:"
                f" {', '.join(starmap(_kind, kinds))}."
            )
        if folders := sorted(self.left_folders):
            names = ", ".join(map(display_name, folders[:NAMED]))
            more = ", ..." if len(folders) > NAMED else ""
            notes.append(
                f"{_plural(len(folders), 'folder')} left out: {names}{more}."
            )
        return notes

    def fail(self, error: OSError) -> None:
        """Names a folder that cannot be listed."""
        name = display_name(error.filename)
        sentence = f"`{name}` cannot be listed: {error.strerror}."
        if sentence not in self.unreadable:
            self.unreadable.append(sentence)


def find_photos(patterns: Sequence[str | Path]) -> list[FoundPhoto]:
    """Finds photos as `list_photos` does, for callers that need them all.

    Raises:
        DataError: As `list_photos`, and if a folder cannot be listed.
    """
    listing = list_photos(patterns)
    if listing.unreadable:
        raise DataError(listing.unreadable[0])
    return listing.photos


def list_photos(
    patterns: Sequence[str | Path],
    *,
    suffixes: Sequence[str] = PHOTO_SUFFIXES,
) -> Listing:
    """Finds the photos that files, folders and patterns name.

    A file is taken whatever its suffix; in folders, at any depth, and among
    the matches of a pattern, those with one of `suffixes`. Hidden names,
    thumbnails and waste bins are left out, and links to folders are not
    followed.

    Args:
        patterns: Such as "scan.jpg", "scans", "scans/19*" or
            "scans/**/*.jpg". A name that exists is never taken for a pattern.
        suffixes: In lower case, such as `PHOTO_SUFFIXES` for photos.

    Raises:
        DataError: If a pattern names nothing, or holds no photo.
    """
    listing = Listing(suffixes)
    found: dict[str, FoundPhoto] = {}
    for pattern in patterns:
        for photo in sorted(_matches(Path(pattern), listing)):
            found.setdefault(os.path.realpath(photo.path), photo)
    if not found and listing.unreadable:
        raise DataError(listing.unreadable[0])
    listing.photos = list(found.values())
    return listing


def _matches(pattern: Path, listing: Listing) -> list[FoundPhoto]:
    before = len(listing.unreadable), len(listing.left_files)
    try:
        if pattern.is_file():
            return [FoundPhoto(pattern, Path(pattern.name))]
        base, rest = _split(pattern)
        is_folder = base.is_dir()
    except OSError as error:
        listing.fail(error)
        return []
    photos = list(_photos(base, rest, listing)) if is_folder else []
    if not photos and len(listing.unreadable) == before[0]:
        is_empty = is_folder and not rest or len(listing.left_files) > before[1]
        raise _nothing_found(display_name(pattern), listing, is_empty)
    return [FoundPhoto(path, path.relative_to(base)) for path in photos]


def _nothing_found(name: str, listing: Listing, is_empty: bool) -> DataError:
    if is_empty:
        return DataError(
            f"`{name}` holds no photo: looked for {', '.join(PHOTO_SUFFIXES)}."
            f" {' '.join(listing.notes())}".rstrip()
        )
    return DataError(
        f"Nothing matches `{name}`: name a photo, a film, a folder or a pattern"
        ' such as "scans/**/*.jpg".'
    )


def _split(pattern: Path) -> tuple[Path, list[str]]:
    """The part before the first wildcard, and the rest."""
    base = Path(pattern.anchor)
    rest = list(pattern.relative_to(base).parts)
    while rest and (not WILDCARD.search(rest[0]) or (base / rest[0]).exists()):
        base /= rest.pop(0)
    return base, rest


def _photos(
    base: Path, rest: Sequence[str], listing: Listing
) -> Iterator[Path]:
    """Yields the photos below a folder that the rest of a pattern matches.

    `Path.glob` would pass folders over that cannot be listed.
    """
    for path in _files(base, rest, listing):
        try:
            is_file = path.is_file()
        except OSError as error:  # Its folder can be listed, but not entered.
            error.filename = path.parent
            listing.fail(error)
            continue
        if is_file and path.suffix.lower() in listing.suffixes:
            yield path
        elif is_file and not path.name.endswith(HINTS_SUFFIX):
            listing.left_files.add(path)


def _files(base: Path, rest: Sequence[str], listing: Listing) -> Iterator[Path]:
    for place, folders, names in os.walk(base, onerror=listing.fail):
        parts = Path(place).relative_to(base).parts
        entered = [
            name
            for name in folders
            if RECURSIVE in rest
            or len(parts) + 1 < len(rest)
            or _is_match((*parts, name), rest)
        ]
        folders[:] = [name for name in entered if not _is_left(name)]
        listing.left_folders.update(
            Path(place, name)
            for name in entered
            if name.lower() in LEFT_FOLDERS
        )
        for name in names:
            if name[0] != "." and _is_match((*parts, name), rest):
                yield Path(place, name)


def _is_match(parts: Sequence[str], rest: Sequence[str]) -> bool:
    """Whether a pattern matches a path, or a folder that it lies in."""
    if not rest:
        return True
    if rest[0] == RECURSIVE:
        tails = (parts[start:] for start in range(len(parts) + 1))
        return any(_is_match(tail, rest[1:]) for tail in tails)
    is_first = bool(parts) and fnmatchcase(parts[0], rest[0])
    return is_first and _is_match(parts[1:], rest[1:])


def _is_left(folder: str) -> bool:
    return folder[0] == "." or folder.lower() in LEFT_FOLDERS


def _kind(suffix: str, count: int) -> str:
    extra = f" ({PIP})" if suffix in MISSING_SUFFIXES else ""
    return f"{count} {display_name(suffix) or 'without a suffix'}{extra}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count > 1 else ''}"
