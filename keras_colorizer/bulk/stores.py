"""Object stores, and whatever else pyarrow has a file system for."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from urllib.parse import urlsplit
from uuid import uuid4

from keras_colorizer.bulk.folders import shown
from keras_colorizer.errors import ConfigError, first_line

# Where a file shows only once all of it is there, nothing need be renamed.
WHOLE_AT_ONCE = ("s3", "gcs", "abfs")


@dataclass(frozen=True)
class StoreFolder:
    """A folder of an object store.

    Attributes:
        uri: With all that the store has to be told, such as
            `s3://bucket/scans?region=eu-west-1`.
    """

    uri: str

    @classmethod
    def open(cls, uri: str) -> "StoreFolder":
        """Finds the store.

        Raises:
            ConfigError: If there is none for this URI, or pyarrow is missing.
        """
        _file_system(uri)
        return cls(uri)

    @cached_property
    def address(self) -> str:
        """The URI without passwords and options."""
        return shown(self.uri)

    def label(self, name: str) -> str:
        return f"{self.address}/{name}" if name else self.address

    def place(self, name: str) -> str:
        split = urlsplit(self.label(name))
        is_local = split.scheme == "file"
        return os.path.realpath(split.path) if is_local else self.label(name)

    def existing(self) -> Callable[[str], bool]:
        # One request for a thousand names, not one for each.
        listed = lru_cache(maxsize=2)(lambda folder: {*self.names(folder)})

        def exists(name):
            folder, _, base = name.rpartition("/")
            return base in listed(folder)

        return exists

    def has(self, name: str) -> bool:
        files, path = self._located(name)
        return files.get_file_info(path).is_file

    def source(self, name: str) -> bytes:
        with self.reader(name) as file:
            return file.read()

    @contextmanager
    def staged(self, name: str) -> Iterator[Path]:
        with TemporaryDirectory() as folder:
            path = Path(folder, name.rpartition("/")[2])
            yield path
            self._upload(path, name)

    def _upload(self, path, name):
        files, target = self._located(name)
        at_once = files.type_name in WHOLE_AT_ONCE
        folder, _, base = target.rpartition("/")
        written = target if at_once else f"{folder}/.{uuid4().hex}.{base}"
        if not at_once:
            files.create_dir(folder)
        with path.open("rb") as file, files.open_output_stream(written) as out:
            out.upload(file)
        if not at_once:
            files.move(written, target)

    @contextmanager
    def reader(self, name: str) -> Iterator[BinaryIO]:
        files, path = self._located(name)
        # Pyarrow's own files have no lines.
        with BufferedReader(files.open_input_file(path)) as file:
            yield file

    def names(self, folder: str) -> list[str]:
        return self.listed(folder)[0]

    def listed(self, folder: str) -> tuple[list[str], list[str]]:
        """Returns the names of a subfolder's files, and of its folders.

        Both are sorted, and empty if the subfolder is missing. No more than
        one folder is held in memory at a time.
        """
        from pyarrow import fs

        files, path = self._located(folder)
        selector = fs.FileSelector(path, allow_not_found=True)
        found = files.get_file_info(selector)
        return (
            sorted(info.base_name for info in found if info.is_file),
            sorted(
                info.base_name
                for info in found
                if info.type == fs.FileType.Directory
            ),
        )

    def remove(self, name: str) -> None:
        files, path = self._located(name)
        files.delete_file(path)

    def _located(self, name):
        files, path = _file_system(self.uri)
        return files, f"{path}/{name}".rstrip("/")


@lru_cache
def _file_system(uri):
    try:
        from pyarrow import fs
    except ImportError:
        raise ConfigError(
            f'`{shown(uri)}` needs pyarrow: pip install "keras_colorizer[ray]".'
        ) from None
    try:
        return fs.FileSystem.from_uri(uri)
    except (ValueError, OSError) as error:
        reason = first_line(error).replace(uri, shown(uri))
        raise ConfigError(f"`{shown(uri)}` cannot be used: {reason}") from None
