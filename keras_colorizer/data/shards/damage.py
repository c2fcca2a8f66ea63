"""Which shard is damaged, once training has met one."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from keras_colorizer.data.shards.manifest import (
    REPAIR,
    Manifest,
    is_prepared,
)
from keras_colorizer.data.shards.storage import join, sha256_of
from keras_colorizer.errors import DataError

# What TensorFlow raises for records that are damaged, gone, or cut off.
ERRORS = (
    tf.errors.DataLossError,
    tf.errors.NotFoundError,
    tf.errors.InvalidArgumentError,
)


@contextmanager
def damage_named(data: str | None) -> Iterator[None]:
    """Says which shard is damaged, when TensorFlow finds that one is.

    Its error names no file; so all are compared with their checksums.

    Args:
        data: What is trained on; if no shards, nothing is done.

    Raises:
        DataError: In place of TensorFlow's error, if a shard is damaged.
    """
    try:
        yield
    except ERRORS:
        if is_prepared(data):
            check_contents(str(data))
        raise


def check_contents(folder: str) -> None:
    """Compares all shards with the manifest, byte for byte.

    Args:
        folder: Where `prepare` wrote.

    Raises:
        DataError: If a shard is missing or damaged; names the first one.
    """
    manifest = Manifest.load(folder)
    if manifest is None:
        raise DataError(f"`{folder}` holds no manifest.json any more.")
    manifest.check(folder)
    for shard in manifest.shards:
        path = join(folder, shard.file)
        if sha256_of(path) != shard.sha256:
            raise DataError(f"The shard `{path}` is damaged: {REPAIR}")
