"""The whole of `prepare`: photos to shards, from where it stopped.

Shards follow each other: which photos one holds depends on those before it,
because none may look like an earlier one. What a finished shard says of its
photos is therefore read again, its photos are not.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import tensorflow as tf
from rich.progress import Progress

from keras_colorizer.data.shards.manifest import Manifest
from keras_colorizer.data.shards.reduction import reduce_photo
from keras_colorizer.data.shards.settings import ShardSettings
from keras_colorizer.data.shards.shard_index import ShardIndex
from keras_colorizer.data.shards.shard_writer import (
    index_name,
    new_shard,
    shard_name,
    write_index,
)
from keras_colorizer.data.shards.sieve import Sieve, is_colorless
from keras_colorizer.data.shards.storage import (
    clear_unfinished,
    join,
    remove,
    size_of,
)
from keras_colorizer.data.shards.summary import LeftOutList, Summary
from keras_colorizer.data.shards.workers import Workers, workers
from keras_colorizer.data.sources import PhotoStream, stream_photos
from keras_colorizer.errors import ConfigError, DataError, first_line


def prepare_photos(
    data: str,
    output: str,
    settings: ShardSettings,
    *,
    worker_count: int,
    progress: Progress,
) -> Manifest:
    """Stores photos in shards; goes on where an earlier call was stopped.

    The same photos and settings give the same shards, byte for byte, whatever
    the number of workers and however often it was stopped.

    Args:
        data: A folder, a glob, or `tfds:NAME`.
        output: Folder to write to; anything that `tf.io.gfile` reaches.
        settings: How the photos are stored.
        worker_count: Processes that read photos.
        progress: Where to show how far it is.

    Raises:
        DataError: If there are no photos, or none fit to be stored.
        ConfigError: If the folder holds something else, or cannot be written.
    """
    stream = stream_photos(data)
    begun = Manifest(data, stream.fingerprint, settings)
    _open_folder(output, begun)
    task = progress.add_task("Preparing", total=stream.count)
    with workers(worker_count) as pool, LeftOutList(output) as left_out:
        summary = Summary(begun)
        for index in _Preparation(stream, output, settings, pool).finish():
            summary.add(index)
            left_out.add(index)
            progress.update(task, completed=int(index.end))
    return summary.save(output)


def _open_folder(output, begun):
    """Claims the folder, if it is empty or was begun with the same settings."""
    with _unwritable_named(output):
        tf.io.gfile.makedirs(output)
    earlier = Manifest.load(output)
    if earlier is not None:
        _check_same(output, earlier, begun)
    with _unwritable_named(output):
        if earlier is None:
            begun.save(output)
        clear_unfinished(output)


@contextmanager
def _unwritable_named(output):
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        raise ConfigError(
            f"-o {output} cannot be written: {first_line(error)}."
        ) from None


def _check_same(output, earlier, begun):
    elsewhere = "choose another folder with -o, or delete this one."
    for field in dataclasses.fields(ShardSettings):
        old = getattr(earlier.settings, field.name)
        new = getattr(begun.settings, field.name)
        if old != new:
            flag = f"--{field.name.replace('_', '-')}"
            raise ConfigError(
                f"`{output}` was begun with {flag} {old} and cannot go on with "
                f"{flag} {new}: {elsewhere}"
            )
    if earlier.fingerprint != begun.fingerprint:
        raise ConfigError(
            f"`{output}` was begun with other photos than `{begun.source}` "
            f"holds now: {elsewhere}"
        )


class _Preparation:
    """Goes through all shards in order; makes those that are not there."""

    def __init__(self, stream: PhotoStream, output, settings, pool: Workers):
        self._number = 0
        self._stream = stream
        self._output = output
        self._settings = settings
        self._pool = pool
        self._sieve = Sieve(settings)
        self._reduced: Iterator | None = None
        self._end = 0

    def finish(self) -> Iterator[ShardIndex]:
        """Yields the index of every shard once it is there."""
        while self._end < self._stream.count:
            index = self._finished()
            if index is None:
                index = self._made()
            else:
                self._sieve.remember(index)
                self._reduced = None  # They were ahead of it.
            self._end = int(index.end)
            self._number += 1
            yield index

    def _finished(self):
        try:
            index = ShardIndex.load(self._path(index_name))
        except DataError:
            return None
        if index is None or size_of(self._path(shard_name)) != index.size:
            return None
        return index

    def _made(self):
        remove(self._path(index_name))
        with new_shard(self._output, self._number) as writer:
            end = self._fill(writer)
        return write_index(self._output, self._number, writer, end=end)

    def _fill(self, writer):
        if self._reduced is None:
            self._reduced = self._pool.map(
                partial(reduce_photo, settings=self._settings),
                self._stream.starting_at(self._end),
            )
        end = self._end
        for source, photo in self._reduced:
            end += 1
            grey = is_colorless(photo)
            reason = self._sieve.reason_to_leave_out(
                source.name, photo, grey=grey
            )
            if reason is not None:
                writer.leave_out(source.name, *reason)
                continue
            writer.add(source, photo, colorless=grey)
            if writer.count == self._settings.photos_per_shard:
                return end
        return self._stream.count

    def _path(self, name):
        return join(self._output, name(self._number))
