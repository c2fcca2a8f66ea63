"""Records of shards by number, as TensorFlow reads them.

Records lie in their shards in no order that matters: an index says where each
one starts, so that any photo can be drawn at any step, as from a folder.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from rich.progress import track

from keras_colorizer.data.shards.manifest import REPAIR, Manifest
from keras_colorizer.data.shards.shard_index import ShardIndex
from keras_colorizer.data.shards.storage import join
from keras_colorizer.data.sources import SourcePhoto
from keras_colorizer.data.survey import SurveyedPhoto
from keras_colorizer.errors import DataError, first_line

FEATURES = {"image": tf.io.FixedLenFeature((), tf.string)}
BUFFER = 2**23  # Bytes of a shard read at once.
READERS = 8  # Shards read at once: a network answers late, but many.


class ShardFiles:
    """All records of a prepared folder, numbered through its shards.

    Takes about 200 bytes a photo.

    Args:
        folder: Where the shards are.
        manifest: What they are.
        indexes: What is in each.

    Attributes:
        short_side: Pixels of the shorter side of every photo.
        digests: `(n,)` of 16 bytes, hash of the source's file.
        shapes: `(n, 2)` int32, height and width in pixels.
        colorless: `(n,)` bool.
        groups: `(n,)` int32, which of `group_names`.
        group_names: First subfolders.
    """

    def __init__(
        self, folder: str, manifest: Manifest, indexes: list[ShardIndex]
    ):
        self.short_side = manifest.settings.short_side
        self._paths = [join(folder, shard.file) for shard in manifest.shards]
        counts = [index.count for index in indexes]
        self._firsts = np.cumsum([0, *counts])
        self._shards = np.repeat(np.arange(len(counts), dtype="i4"), counts)
        self._offsets = _joined(indexes, "offsets")
        self.digests = _joined(indexes, "digests").astype("S16")
        self.shapes = _joined(indexes, "shapes")
        self.colorless = _joined(indexes, "colorless")
        self.group_names = sorted(manifest.groups)
        self.groups = np.searchsorted(
            self.group_names, _joined(indexes, "groups")
        ).astype("i4")
        self._names = [str(name) for i in indexes for name in i.names]
        self._held: tf.Variable | None = None

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self._offsets)

    def photo(self, number: int) -> SurveyedPhoto:
        """Describes a record."""
        source = SourcePhoto(
            self._names[number],
            Path(self._paths[self._shards[number]]),
            self.group_names[self.groups[number]],
        )
        height, width = self.shapes[number].tolist()
        return SurveyedPhoto(
            source,
            digest=self.digests[number].decode(),
            shape=(height, width),
            is_colorless=bool(self.colorless[number]),
            pixels=None,
        )

    def hold(self, *, quiet: bool) -> None:
        """Reads all files into memory, each in one go, and checks every byte.

        Args:
            quiet: Show no progress bar.

        Raises:
            DataError: If a shard is damaged; names it.
        """
        with tf.device("CPU"):  # Where `tf.data` reads it.
            held = tf.Variable(tf.fill([self.count], ""), trainable=False)
        with ThreadPoolExecutor(READERS) as pool:
            for shard, images in enumerate(
                track(
                    pool.map(self._images, range(len(self._paths))),
                    description="Reading the shards",
                    total=len(self._paths),
                    transient=True,
                    disable=quiet,
                )
            ):
                numbers = tf.range(self._firsts[shard], self._firsts[shard + 1])
                held.scatter_update(tf.IndexedSlices(images, numbers))
        self._held = held

    def _images(self, shard):
        path = self._paths[shard]
        count = self._firsts[shard + 1] - self._firsts[shard]
        if count == 0:
            return tf.constant([], tf.string)
        try:
            records = tf.data.TFRecordDataset(path, buffer_size=BUFFER)
            whole = records.batch(count, drop_remainder=True)
            images = tf.io.parse_example(whole.get_single_element(), FEATURES)
        except (tf.errors.OpError, ValueError) as error:
            raise DataError(_damaged(path, first_line(error))) from None
        return images["image"]

    def image(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Returns a function for `tf.data`: a record's number to its JPEG.

        One that is damaged stops the stream with an error of TensorFlow's,
        which `damage_named` makes a sentence of.
        """
        if self._held is not None:
            held = self._held
            return lambda number: tf.gather(held, number)
        paths = tf.constant(self._paths)
        shards, offsets = tf.constant(self._shards), tf.constant(self._offsets)

        def read(number):
            path, offset = paths[shards[number]], offsets[number]
            record = _record_at(path, offset)
            example = tf.io.parse_single_example(record, FEATURES)
            return example["image"]

        return read


def _joined(indexes, name):
    return np.concatenate([getattr(index, name) for index in indexes])


def _record_at(path, offset):
    """Reads one record, checked by its own checksum."""
    variant = tf.raw_ops.TFRecordDatasetV2(
        filenames=path[None],
        compression_type="",
        buffer_size=tf.constant(0, tf.int64),  # No more than the record.
        byte_offsets=offset[None],
    )
    text = tf.TensorSpec((), tf.string)
    records = tf.data.experimental.from_variant(variant, text)
    return records.take(1).get_single_element()


def _damaged(path, reason):
    return f"The shard `{path}` is damaged ({reason}): {REPAIR}"
