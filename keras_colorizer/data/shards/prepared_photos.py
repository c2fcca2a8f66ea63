"""The photos of prepared shards, as training sees photos."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import overload

import numpy as np
import psutil

from keras_colorizer.data.shards.manifest import Manifest
from keras_colorizer.data.shards.shard_files import ShardFiles
from keras_colorizer.data.shards.shard_index import ShardIndex
from keras_colorizer.data.shards.shard_writer import index_name
from keras_colorizer.data.shards.storage import join
from keras_colorizer.data.survey import Survey, SurveyedPhoto
from keras_colorizer.errors import ConfigError, DataError

READERS = 16  # Indexes read at once.


class PreparedPhotos(Sequence[SurveyedPhoto]):
    """Photos in the order of their digests; parts of it share the files.

    Args:
        files: Where they are.
        numbers: `(n,)` integers, which of the records they are.
    """

    def __init__(self, files: ShardFiles, numbers: np.ndarray):
        self.files = files
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> SurveyedPhoto: ...

    @overload
    def __getitem__(self, index: slice) -> "PreparedPhotos": ...

    def __getitem__(self, index):
        if isinstance(index, slice):
            return PreparedPhotos(self.files, self.numbers[index])
        return self.files.photo(int(self.numbers[index]))

    @property
    def groups(self) -> list[str]:
        """The group of every photo."""
        names = self.files.group_names
        return [names[i] for i in self.files.groups[self.numbers]]


def survey_shards(
    folder: str,
    *,
    square: int,
    keep_colorless: bool = False,
    cache: str = "auto",
    quiet: bool = True,
) -> Survey:
    """Finds the photos of a prepared folder, without looking at them.

    Args:
        folder: Where `prepare` wrote; anything that `tf.io.gfile` reaches.
        square: Side in pixels of the squares to train on.
        keep_colorless: Whether grey and toned photos are fit, too.
        cache: `on` reads all files into memory at once, `off` reads each
            photo when it is drawn, and `auto` does the former if they take at
            most half of the free memory.
        quiet: Show no progress bar.

    Raises:
        DataError: If a shard is missing, cut or damaged, or prepared photos
            are too small to train on.
    """
    manifest = Manifest.load(folder)
    if manifest is None:
        raise DataError(
            f"`{folder}` holds no manifest.json: name a folder that `prepare` "
            "has written."
        )
    manifest.check(folder)
    _check_size(folder, manifest, square)
    files = ShardFiles(folder, manifest, _indexes(folder, manifest))
    size = sum(shard.bytes for shard in manifest.shards)
    is_held = cache == "on" or (
        cache == "auto" and size <= psutil.virtual_memory().available / 2
    )
    if is_held:
        files.hold(quiet=quiet)
    return _survey(files, keep_colorless, size, is_held=is_held)


def _check_size(folder, manifest, square):
    stored = manifest.settings.short_side
    if stored < square:
        raise ConfigError(
            f"`{folder}` holds photos of {stored} pixels, too small for squares"
            f" of {square}: choose a smaller --image-size or --preset, or "
            f"prepare them with --short-side {round(square * 9 / 8)}."
        )


def _indexes(folder, manifest) -> list[ShardIndex]:
    numbers = range(len(manifest.shards))
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(partial(_index, folder, manifest), numbers))


def _index(folder, manifest, number):
    path = join(folder, index_name(number))
    index = ShardIndex.load(path)
    shard = manifest.shards[number]
    if index is None or index.sha256 != shard.sha256:
        raise DataError(
            f"`{path}`, the index of the shard `{shard.file}`, is missing or "
            "belongs to another one: copy it again, or run `prepare` with the "
            "same photos and settings."
        )
    return index


def _survey(files, keep_colorless, size, *, is_held):
    order = np.argsort(files.digests, kind="stable")
    fit = order if keep_colorless else order[~files.colorless[order]]
    left_out = np.setdiff1d(order, fit)
    return Survey(
        photos=PreparedPhotos(files, fit),
        colorless=[files.photo(int(n)).source.name for n in left_out],
        is_cached=is_held,
        decoded_bytes=size,
    )
