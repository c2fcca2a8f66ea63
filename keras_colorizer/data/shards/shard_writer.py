"""Photos into a TFRecord file, and its index beside it."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from keras_colorizer.data.shards.reduction import ReducedPhoto
from keras_colorizer.data.shards.shard_index import (
    ShardIndex,
    empty_columns,
    index_of,
)
from keras_colorizer.data.shards.storage import (
    join,
    sha256_of,
    size_of,
    whole_remote_file,
)
from keras_colorizer.data.sources import SourcePhoto
from keras_colorizer.files import disk_errors

# A length of 8 bytes and its checksum before a record, one of it after it.
RECORD_OVERHEAD = 16


def shard_name(number: int) -> str:
    """Returns the file name of a shard."""
    return f"shard-{number:05}.tfrecord"


def index_name(number: int) -> str:
    """Returns the file name of a shard's index."""
    return f"shard-{number:05}.npz"


class ShardWriter:
    """Writes one shard, photo by photo; see `new_shard`.

    Attributes:
        count: Photos written.
    """

    def __init__(self, records: tf.io.TFRecordWriter):
        self.count = 0
        self.columns = empty_columns()
        self._records = records
        self._offset = 0

    def add(
        self, source: SourcePhoto, photo: ReducedPhoto, *, colorless: bool
    ) -> None:
        """Writes a photo.

        Raises:
            OSError: If it cannot be written.
        """
        record = _record(source, photo)
        with disk_errors():
            self._records.write(record)
        row = {
            "offsets": self._offset,
            "shapes": photo.shape,
            "digests": photo.digest,
            "names": source.name,
            "groups": source.group,
            "colorless": colorless,
            "hashes": photo.hash,
            "thumbnails": photo.thumbnail,
        }
        for name, value in row.items():
            self.columns[name].append(value)
        self._offset += len(record) + RECORD_OVERHEAD
        self.count += 1

    def leave_out(self, name: str, kind: str, reason: str) -> None:
        """Writes down that a photo is not stored, and why."""
        self.columns["left_out"].append((name, kind, reason))


@contextmanager
def new_shard(folder: str, number: int) -> Iterator[ShardWriter]:
    """Yields a writer; the shard gets its name on success, without an index.

    Raises:
        OSError: If it cannot be written.
    """
    with whole_remote_file(join(folder, shard_name(number))) as temporary:
        with disk_errors():
            records = tf.io.TFRecordWriter(temporary)
        try:
            yield ShardWriter(records)
        finally:
            with disk_errors():
                records.close()


def write_index(
    folder: str, number: int, writer: ShardWriter, *, end: int
) -> ShardIndex:
    """Finishes a shard that has got its name.

    Args:
        folder: Where it lies.
        number: The shard's.
        writer: What wrote it.
        end: Number of the first photo that comes after it.

    Raises:
        OSError: If the index cannot be written.
    """
    path = join(folder, shard_name(number))
    index = index_of(
        writer.columns, end=end, size=size_of(path), sha256=sha256_of(path)
    )
    index.save(join(folder, index_name(number)))
    return index


def _record(source, photo):
    """Equal photos give equal bytes, hence `deterministic`."""
    name, group = (
        text.encode("utf-8", "surrogateescape")
        for text in (source.name, source.group)
    )
    features = {
        "image": photo.jpeg,
        "name": name,
        "group": group,
        "digest": photo.digest.encode(),
    }
    example = tf.train.Example(
        features=tf.train.Features(
            feature={
                key: tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=[value])
                )
                for key, value in features.items()
            }
        )
    )
    return example.SerializeToString(deterministic=True)
