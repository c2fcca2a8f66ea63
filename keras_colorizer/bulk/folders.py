"""Where photos are read from, and results and their records are written to."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import urlsplit

from keras_colorizer.errors import ConfigError, first_line
from keras_colorizer.files import whole_file

PROBE = ".writable"


class Folder(Protocol):
    """A folder, of whatever kind; names are relative to it, with `/`.

    Whatever cannot be read or written is an `OSError`.
    """

    def label(self, name: str) -> str:
        """Returns what messages call a file, or the folder itself for ""."""
        ...

    def place(self, name: str) -> str:
        """Returns the one true name of a file, to be compared."""
        ...

    def has(self, name: str) -> bool:
        """Returns whether there is such a file."""
        ...

    def existing(self) -> Callable[[str], bool]:
        """Returns `has` for many names; it may remember whole subfolders."""
        ...

    def source(self, name: str) -> Path | bytes:
        """Returns what `read_photo` takes for a photo."""
        ...

    def staged(self, name: str) -> AbstractContextManager[Path]:
        """Yields a local path; what is written there is stored on success.

        Readers see the whole new file or the one before.
        """
        ...

    def reader(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Opens a file."""
        ...

    def names(self, folder: str) -> list[str]:
        """Returns the files of a subfolder, sorted; none if it is missing."""
        ...

    def remove(self, name: str) -> None:
        """Removes a file."""
        ...


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine.

    Attributes:
        path: Where it is; made when it is first written to.
    """

    path: Path

    def label(self, name: str) -> str:
        return str(self.path / name)

    def place(self, name: str) -> str:
        return os.path.realpath(self.path / name)

    def has(self, name: str) -> bool:
        return (self.path / name).exists()

    def existing(self) -> Callable[[str], bool]:
        return self.has

    def source(self, name: str) -> Path:
        return self.path / name

    def staged(self, name: str) -> AbstractContextManager[Path]:
        return whole_file(self.path / name)

    @contextmanager
    def reader(self, name: str) -> Iterator[BinaryIO]:
        with (self.path / name).open("rb") as file:
            yield file

    def names(self, folder: str) -> list[str]:
        path = self.path / folder
        if not path.is_dir():
            return []
        return sorted(p.name for p in path.iterdir() if p.is_file())

    def remove(self, name: str) -> None:
        path = self.path / name
        path.unlink(missing_ok=True)
        if path.parent != self.path:
            with suppress(OSError):  # Not empty: others still need it.
                path.parent.rmdir()


def is_uri(name: str) -> bool:
    """Returns whether a name is one of an object store, or a `file://`."""
    return "://" in name


def shown(name: str) -> str:
    """Returns a name for messages: of a URI no password and no options."""
    if not is_uri(name):
        return name
    address = urlsplit(name)
    host = address.netloc.rpartition("@")[2]
    return f"{address.scheme}://{host}{address.path.rstrip('/')}"


def open_folder(name: str) -> Folder:
    """Returns a folder by its path or its URI, such as `s3://bucket/scans`.

    Raises:
        ConfigError: If the URI is of no store that can be read.
    """
    if not is_uri(name):
        return LocalFolder(Path(name))
    from keras_colorizer.bulk.stores import StoreFolder

    return StoreFolder.open(name)


def check_writable(folder: Folder) -> None:
    """Writes a file and removes it.

    Raises:
        ConfigError: If that fails.
    """
    try:
        with folder.staged(PROBE) as path:
            path.write_bytes(b"")
        folder.remove(PROBE)
    except OSError as error:
        raise ConfigError(
            f"`{folder.label('')}` cannot be written to: "
            f"{error.strerror or first_line(error)}."
        ) from None
