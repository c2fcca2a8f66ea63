"""What the gallery shows, as `photos.csv` lists it."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import skimage.data
from PIL import Image

from keras_colorizer.errors import ConfigError
from keras_colorizer.photos import read_rgb

KINDS = ("good", "bad", "old")
SKIMAGE = "skimage:"


@dataclass(frozen=True)
class Entry:
    """A photo to show; the columns of the list.

    Attributes:
        file: Its name in the folders, or "skimage:" and a name in
            `skimage.data`.
        title: What it shows.
        author: Who took it.
        link: Where it was published.
        licence: Under which it was.
        kind: One of `KINDS`; of an old one there is no true photo.
        remark: What one sees in the result, a sentence.
    """

    file: str
    title: str
    author: str
    link: str
    licence: str
    kind: str
    remark: str


def read_entries(path: Path) -> list[Entry]:
    """Reads the list.

    Raises:
        ConfigError: If a row lacks a column, or its kind is unknown.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return [_entry(row) for row in list(csv.reader(file))[1:] if row]


def _entry(row):
    columns = [field.name for field in fields(Entry)]
    if len(row) != len(columns) or not all(row):
        raise ConfigError(
            f"A row needs {', '.join(columns)}; what holds a comma needs "
            f"quotes. Received: {row}"
        )
    entry = Entry(*row)
    if entry.kind not in KINDS:
        raise ConfigError(
            f"The kind of a photo must be one of {', '.join(KINDS)}. "
            f"Received: {entry.kind}, for `{entry.file}`"
        )
    return entry


def open_photo(entry: Entry, folders: Sequence[Path]) -> Image.Image | None:
    """Reads a photo at its own size.

    Args:
        entry: Which.
        folders: Where to look for its file, the first folder first.

    Returns:
        An RGB photo, or None if there is none of this name.

    Raises:
        UnreadablePhotoError: If the file is no photo, or a damaged one.
    """
    if entry.file.startswith(SKIMAGE):
        name = entry.file.removeprefix(SKIMAGE)
        load = getattr(skimage.data, name, None)
        return Image.fromarray(load()).convert("RGB") if load else None
    for folder in folders:
        path = folder / entry.file
        if path.is_file():
            return Image.fromarray(read_rgb(path, short_side=None))
    return None
