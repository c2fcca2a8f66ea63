"""Atomic writes of files and folders."""

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from keras_colorizer.errors import first_line

# ".weights.h5" is 11. More is no suffix, but a name with a full stop in it.
LONGEST_SUFFIXES = 12
UNFINISHED = f".{'?' * 32}-unfinished*"
ABANDONED = 24 * 3600  # Seconds; nothing rests for a day while it is written.


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` that takes its name on success.

    Readers never see half a file: the rename is atomic on one file system.
    The temporary name keeps the suffixes, because writers choose the format
    by them, and starts with a dot, because listings of photos skip those.

    Args:
        path: The file to write. Its folder is made when missing.

    Raises:
        OSError: If the folder or the file cannot be written; it names the
            file. Nothing is left behind, but of a killed process, and an older
            file of this name stays as it was.
    """
    suffixes = "".join(path.suffixes[-2:])[-LONGEST_SUFFIXES:]
    temporary = _temporary_path(path, suffixes)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.errno and error.filename in (None, str(temporary)):
            with suppress(AttributeError):  # Those of PyAV keep their own.
                error.filename, error.filename2 = str(path), None
        raise
    finally:
        temporary.unlink(missing_ok=True)


def in_memory(save: Callable[[Any], None], suffix: str) -> BytesIO:
    """Returns what Keras saves as a file of this suffix.

    When a disk is full, HDF5 raises its error twice or crashes the process.
    """

    class Content(BytesIO):
        def __str__(self) -> str:
            return suffix  # Keras takes it for the end of a name.

    save(content := Content())
    return content


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields a new temporary folder that takes the name on success.

    Args:
        path: The folder to make; must not exist yet.

    Raises:
        OSError: If it cannot be made, or exists and is not empty.
    """
    temporary = _temporary_path(path)
    temporary.mkdir()
    try:
        yield temporary
        os.rename(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary_path(path: Path, suffixes: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path.parent)
    return path.with_name(f".{uuid.uuid4().hex}-unfinished{suffixes}")


@cache  # Of a process: it takes long in a folder of a million files.
def _remove_abandoned(folder: Path) -> None:
    remove_unfinished(folder.glob(UNFINISHED), seconds=ABANDONED)


def remove_unfinished(paths: Iterable[Path], *, seconds: float = 0) -> None:
    """Removes what killed processes left, once it has rested for `seconds`."""
    for path in list(paths):
        with suppress(OSError):  # Another process has removed it.
            if time.time() - path.stat().st_mtime < seconds:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


@contextmanager
def disk_errors() -> Iterator[None]:
    """Makes errors of TensorFlow's writers, such as of a full disk, OSErrors.

    To be put around these writers alone: it takes every error for theirs.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(first_line(error)) from None


@contextmanager
def without_wildcards(folder: Path) -> Iterator[Path]:
    """Yields a path to a folder in which TensorFlow finds no wildcards.

    TensorFlow looks for the variables of a SavedModel by a pattern: in
    `exp[1]/` it finds none.
    """
    if not set("*?[\\") & set(folder.absolute().as_posix()):
        yield folder  # Windows lets few users make links.
        return
    with tempfile.TemporaryDirectory() as parent:
        link = Path(parent) / "folder"
        link.symlink_to(folder.absolute(), target_is_directory=True)
        yield link


def display_name(path: str | os.PathLike) -> str:
    r"""Returns a path as terminals and pages can show it.

    Control characters, and bytes that are not UTF-8, become `\x1b` and the
    like.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape").decode()
        for character in text
    )
