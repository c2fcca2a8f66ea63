"""Photos by name, on this machine and in object stores."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_colorizer.bulk.folders import (
    Folder,
    LocalFolder,
    is_uri,
    open_folder,
    shown,
)
from keras_colorizer.errors import DataError, first_line
from keras_colorizer.photos import PHOTO_SUFFIXES, find_photos

# A question mark begins the options of a URI.
WILDCARD = re.compile(r"[*[]")


@dataclass(frozen=True)
class Source:
    """A photo that was found.

    Attributes:
        root: Which of `Sources.roots` it is read from.
        name: Its name below that root.
        relative: Below the folder that was named; results keep this tree.
    """

    root: int
    name: str
    relative: str


class Sources:
    """The photos that files, folders, patterns and URIs name.

    Local ones are found as `find_photos` does. In stores, the same holds, but
    for the wildcard `?`; they are listed folder by folder, while they are
    iterated over.

    Args:
        patterns: Such as "scans", "scans/**/*.jpg" or "s3://bucket/scans".

    Attributes:
        patterns: As given.
        roots: The folders to read from.
    """

    def __init__(self, patterns: Sequence[str]):
        self.patterns = patterns
        self.roots: list[Folder] = [LocalFolder(Path())]
        self._local = [name for name in patterns if not is_uri(name)]
        self._uris = [name for name in patterns if is_uri(name)]
        self._wanted = [self._opened(uri) for uri in self._uris]

    def __iter__(self) -> Iterator[Source]:
        """Yields each photo.

        Raises:
            DataError: If something named is no photo and holds none.
        """
        if self._local:
            for photo in find_photos(self._local):
                yield Source(0, str(photo.path), photo.relative.as_posix())
        for root, wanted in enumerate(self._wanted, start=1):
            for name in self._in_store(root, wanted):
                yield Source(root, name, name)

    def label(self, source: Source) -> str:
        """Returns what messages call a photo."""
        return self.roots[source.root].label(source.name)

    def place(self, source: Source) -> str:
        """Returns the one true name of a photo."""
        return self.roots[source.root].place(source.name)

    def _opened(self, uri):
        """Adds the root of a URI; returns a name in it, or a pattern."""
        address, _, options = uri.partition("?")
        scheme, _, path = address.partition("://")
        parts = path.rstrip("/").split("/")
        wild = [i for i, part in enumerate(parts) if WILDCARD.search(part)]
        fixed = min(wild, default=len(parts))
        folder = open_folder(_joined(scheme, parts[:fixed], options))
        if wild or not self._is_file(folder):
            self.roots.append(folder)
            return re.compile(_regular("/".join(parts[fixed:])))
        self.roots.append(open_folder(_joined(scheme, parts[:-1], options)))
        return parts[-1]

    def _is_file(self, folder):
        try:
            return folder.has("")
        except OSError as error:
            raise DataError(
                f"`{folder.label('')}` cannot be reached: {first_line(error)}."
            ) from None

    def _in_store(self, root, wanted):
        if isinstance(wanted, str):
            yield wanted
            return
        found, uri = False, shown(self._uris[root - 1])
        try:
            for name in _walk(self.roots[root], ""):
                if wanted.fullmatch(name):
                    found = True
                    yield name
        except OSError as error:
            raise DataError(
                f"`{uri}` cannot be listed: {first_line(error)}."
            ) from None
        if not found:
            raise DataError(
                f"`{uri}` holds no photo: looked for"
                f" {', '.join(PHOTO_SUFFIXES)}."
            )


def _joined(scheme, parts, options):
    return f"{scheme}://{'/'.join(parts)}" + (f"?{options}" if options else "")


def _walk(store, below):
    files, folders = store.listed(below)
    for name in files:
        if name[0] != "." and name.lower().endswith(PHOTO_SUFFIXES):
            yield below + name
    for folder in folders:
        if folder[0] != ".":
            yield from _walk(store, f"{below}{folder}/")


def _regular(pattern):
    """A regular expression for a pattern, and for all below what it names."""
    if not pattern:
        return ".*"
    tokens = re.split(r"(\*\*/|\*\*|\*|\[[^]]+\])", pattern)
    return "".join(map(_meaning, tokens)) + "(?:/.*)?"


def _meaning(token):
    if token.startswith("["):
        return token.replace("[!", "[^")
    wild = {"**/": "(?:.+/)?", "**": ".*", "*": "[^/]*"}
    return wild.get(token) or re.escape(token)
