"""What came of a preparation: counts, and who was left out and why."""

import csv
import dataclasses
import io
from collections import Counter
from contextlib import ExitStack
from itertools import islice

import tensorflow as tf

from keras_colorizer.data.shards.manifest import (
    KINDS,
    UNREADABLE,
    Manifest,
    Shard,
)
from keras_colorizer.data.shards.shard_index import ShardIndex
from keras_colorizer.data.shards.shard_writer import shard_name
from keras_colorizer.data.shards.storage import join, whole_remote_file
from keras_colorizer.errors import DataError
from keras_colorizer.files import disk_errors

LEFT_OUT = "left_out.csv"


class Summary:
    """Adds up the indexes of all shards.

    Args:
        begun: The manifest that the preparation began with.
    """

    def __init__(self, begun: Manifest):
        self._begun = begun
        self._shards: list[Shard] = []
        self._groups: Counter = Counter()
        self._left_out: Counter = Counter()
        self._found = 0

    def add(self, index: ShardIndex) -> None:
        """Takes the next shard in."""
        shard = Shard(
            file=shard_name(len(self._shards)),
            photos=index.count,
            bytes=int(index.size),
            sha256=str(index.sha256),
        )
        self._shards.append(shard)
        self._groups.update(map(str, index.groups))
        self._left_out.update(map(str, index.left_out[:, 1]))
        self._found = int(index.end)

    def save(self, folder: str) -> Manifest:
        """Writes the complete manifest.

        Raises:
            DataError: If not one photo is stored.
        """
        manifest = dataclasses.replace(
            self._begun,
            found=self._found,
            photos=sum(self._groups.values()),
            groups=dict(sorted(self._groups.items())),
            left_out={kind: self._left_out[kind] for kind in KINDS},
            shards=tuple(self._shards),
            is_complete=True,
        )
        if manifest.photos == 0:
            raise DataError(
                f"Not one photo of `{manifest.source}` can be stored "
                f"({described(manifest.left_out)}): "
                f"`{join(folder, LEFT_OUT)}` says why."
            )
        manifest.save(folder)
        return manifest


def described(left_out: dict[str, int]) -> str:
    """Returns counts by kind in words: "2 unreadable, 1 duplicate"."""
    named = [f"{count:,} {kind}" for kind, count in left_out.items() if count]
    return ", ".join(named) or "none"


class LeftOutList:
    """`left_out.csv`: name, kind and reason of every photo left out.

    Whole on success, or not there.

    Args:
        folder: Where to write it.
    """

    def __init__(self, folder: str):
        self._path = join(folder, LEFT_OUT)
        self._stack = ExitStack()

    def __enter__(self) -> "LeftOutList":
        with ExitStack() as stack:
            temporary = stack.enter_context(whole_remote_file(self._path))
            self._file = stack.enter_context(tf.io.gfile.GFile(temporary, "wb"))
            self._stack = stack.pop_all()
        self._write([("photo", "kind", "reason")])
        return self

    def __exit__(self, *error) -> None:
        self._stack.__exit__(*error)

    def add(self, index: ShardIndex) -> None:
        """Appends those of the next shard."""
        self._write(index.left_out.tolist())

    def _write(self, rows):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        encoded = text.getvalue().encode("utf-8", "surrogateescape")
        with disk_errors():
            self._file.write(encoded)


def first_unreadable(folder: str, *, limit: int) -> list[tuple[str, str]]:
    """Reads names and reasons of the first photos that could not be read.

    Args:
        folder: A complete preparation.
        limit: How many at most.
    """
    with tf.io.gfile.GFile(join(folder, LEFT_OUT), "rb") as file:
        text = file.read().decode("utf-8", "surrogateescape")
    rows = csv.reader(io.StringIO(text))
    named = ((n, reason) for n, kind, reason in rows if kind == UNREADABLE)
    return list(islice(named, limit))
