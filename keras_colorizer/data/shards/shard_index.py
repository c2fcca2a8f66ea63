"""What lies where in a shard, and what was left out beside it: an .npz file.

It is written last: a shard that has one is finished.
"""

import zipfile
from dataclasses import dataclass, fields
from io import BytesIO

import numpy as np

from keras_colorizer.data.shards.likeness import SIDE
from keras_colorizer.data.shards.storage import read_file, write_file
from keras_colorizer.errors import DataError


@dataclass(frozen=True)
class ShardIndex:
    """Arrays with a row for each of the n photos of a shard, in its order.

    Attributes:
        offsets: `(n,)` int64, where its record starts, in bytes.
        shapes: `(n, 2)` int32, height and width in pixels.
        digests: `(n,)` text, hash of the source's file.
        names: `(n,)` text.
        groups: `(n,)` text.
        colorless: `(n,)` bool.
        hashes: `(n,)` uint64, `difference_hash`.
        thumbnails: `(n, 8, 8, 3)` uint8.
        left_out: `(m, 3)` text, name, kind and reason of the photos that
            were looked at meanwhile and not stored.
        end: `()` int64, number of the first photo that comes after it.
        size: `()` int64, bytes of the shard.
        sha256: `()` text, its checksum.
    """

    offsets: np.ndarray
    shapes: np.ndarray
    digests: np.ndarray
    names: np.ndarray
    groups: np.ndarray
    colorless: np.ndarray
    hashes: np.ndarray
    thumbnails: np.ndarray
    left_out: np.ndarray
    end: np.ndarray
    size: np.ndarray
    sha256: np.ndarray

    @property
    def count(self) -> int:
        """Photos in the shard."""
        return len(self.offsets)

    def save(self, path: str) -> None:
        """Writes the file; equal indexes give equal bytes.

        Raises:
            OSError: If it cannot be written.
        """
        buffer = BytesIO()
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        np.savez_compressed(buffer, **arrays)
        write_file(path, buffer.getvalue())

    @classmethod
    def load(cls, path: str) -> "ShardIndex | None":
        """Reads what `save` wrote; None if there is no such file.

        Raises:
            DataError: If it is damaged.
        """
        content = read_file(path)
        if content is None:
            return None
        try:
            with np.load(BytesIO(content)) as arrays:
                return cls(**{f.name: arrays[f.name] for f in fields(cls)})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            raise DataError(
                f"`{path}` is damaged: delete it, and run `prepare` again with "
                "the same photos and settings; only its shard is made anew."
            ) from None


def empty_columns() -> dict[str, list]:
    """Returns lists to append the rows of an index to, by their name."""
    rows = ("offsets", "shapes", "digests", "names", "groups", "colorless")
    return {name: [] for name in (*rows, "hashes", "thumbnails", "left_out")}


def index_of(
    columns: dict[str, list], *, end: int, size: int, sha256: str
) -> ShardIndex:
    """Makes an index of filled lists, of attributes' names and meanings."""
    return ShardIndex(
        offsets=np.array(columns["offsets"], np.int64),
        shapes=np.array(columns["shapes"], np.int32).reshape(-1, 2),
        digests=np.array(columns["digests"], str),
        names=np.array(columns["names"], str),
        groups=np.array(columns["groups"], str),
        colorless=np.array(columns["colorless"], bool),
        hashes=np.array(columns["hashes"], np.uint64),
        thumbnails=np.array(columns["thumbnails"], np.uint8).reshape(
            -1, SIDE, SIDE, 3
        ),
        left_out=np.array(columns["left_out"], str).reshape(-1, 3),
        end=np.array(end, np.int64),
        size=np.array(size, np.int64),
        sha256=np.array(sha256),
    )
