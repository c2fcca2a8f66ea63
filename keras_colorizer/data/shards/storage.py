"""Files wherever `tf.io.gfile` reaches: whole, or not there."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from keras_colorizer.errors import DataError, first_line
from keras_colorizer.files import disk_errors

BLOCK = 2**22  # Bytes read at once.
UNFINISHED = ".unfinished"


def is_remote(path: str) -> bool:
    """Whether reading there takes a network's time."""
    return "://" in path and not path.startswith("file://")


def join(folder: str, name: str) -> str:
    """Returns the path of a file in a folder, wherever that is."""
    return f"{folder.rstrip('/')}/{name}" if folder else name


@contextmanager
def whole_remote_file(path: str) -> Iterator[str]:
    """Yields a temporary path beside `path` that takes its name on success.

    Args:
        path: Anything that `tf.io.gfile` can write.

    Raises:
        OSError: If it cannot be written. Nothing is left behind.
    """
    folder, _, name = path.rpartition("/")
    temporary = join(folder, f".{uuid.uuid4().hex}.{name}{UNFINISHED}")
    try:
        yield temporary
        with disk_errors():
            tf.io.gfile.rename(temporary, path, overwrite=True)
    finally:
        remove(temporary)


def write_file(path: str, content: bytes) -> None:
    """Writes a file, whole or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    with (
        whole_remote_file(path) as temporary,
        disk_errors(),
        tf.io.gfile.GFile(temporary, "wb") as file,
    ):
        file.write(content)


def read_file(path: str) -> bytes | None:
    """Returns a file's bytes, or None if there is none.

    Raises:
        DataError: If it is there and cannot be read.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            return file.read()
    except tf.errors.NotFoundError:
        return None
    except tf.errors.OpError as error:
        raise DataError(
            f"`{path}` cannot be read: {first_line(error)}."
        ) from None


def size_of(path: str) -> int:
    """Returns a file's size in bytes, -1 if there is none."""
    try:
        return tf.io.gfile.stat(path).length
    except tf.errors.OpError:
        return -1


def sha256_of(path: str) -> str:
    """Returns the checksum of what really lies there, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with tf.io.gfile.GFile(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def remove(path: str) -> None:
    """Removes a file, if it is there."""
    if tf.io.gfile.exists(path):
        tf.io.gfile.remove(path)


def clear_unfinished(folder: str) -> None:
    """Removes what a killed process left half-written in a folder."""
    for name in tf.io.gfile.listdir(folder):
        if name.startswith(".") and name.endswith(UNFINISHED):
            remove(join(folder, name))
