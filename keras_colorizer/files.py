"""Atomic writes of files and folders."""

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_colorizer.errors import first_line

# ".weights.h5" is 11. More is no suffix, but a name with a full stop in it.
LONGEST_SUFFIXES = 12
ABANDONED = 24 * 3600  # Seconds; no folder takes a day to write.


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` that takes its name on success.

    Readers never see half a file: the rename is atomic on one file system.
    The temporary name keeps the suffixes, because writers choose the format
    by them, and starts with a dot, because listings of photos skip those.

    Args:
        path: The file to write. Its folder is made when missing.

    Raises:
        OSError: If the folder or the file cannot be written. Nothing is left
            behind, and an older file of this name stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    suffixes = "".join(path.suffixes[-2:])[-LONGEST_SUFFIXES:]
    temporary = path.with_name(f".{uuid.uuid4().hex}{suffixes}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields a new temporary folder that takes the name on success.

    The temporary folder is hidden; the one of a killed process is removed by
    the next that writes beside it a day later.

    Args:
        path: The folder to make; must not exist yet.

    Raises:
        OSError: If it cannot be made, or exists and is not empty.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for half in path.parent.glob(".*.unfinished"):
        if time.time() - half.stat().st_mtime > ABANDONED:
            shutil.rmtree(half, ignore_errors=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.unfinished")
    temporary.mkdir()
    try:
        yield temporary
        os.rename(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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
