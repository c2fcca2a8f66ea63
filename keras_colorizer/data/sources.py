"""Sources of photos: folders, globs, TensorFlow Datasets, scikit-image.

Every source becomes `SourcePhoto`s; nothing is decoded here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import skimage

from keras_colorizer.config import TFDS_PREFIX
from keras_colorizer.data.small_folder import read_manifest
from keras_colorizer.errors import (
    DataError,
    UnreadablePhotoError,
    extras_named,
    first_line,
)
from keras_colorizer.photos import find_photos

# Those of scikit-image's pictures that are color photographs. Free to use:
# see README.txt in the same folder.
EMBEDDED_PHOTOS = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "retina.jpg",
    "rocket.jpg",
)


@dataclass(slots=True)
class SourcePhoto:
    """A photo, and what a survey finds out about it.

    Attributes:
        name: For reports.
        content: The file, or its bytes where there is no file.
        relative: Its path below what was named, with "/".
        small_side: Pixels of its shorter side, if `prepare` made it, else 0.
        digest: Hash of the file, 16 hexadecimal digits.
        shape: Height and width in pixels at training size.
        pixels: `(height, width, 3)` uint8 at training size, if memory allows,
            and never of what `prepare` made.
    """

    name: str
    content: Path | bytes
    relative: str = ""
    small_side: int = 0
    digest: str = ""
    shape: tuple[int, int] = (0, 0)
    pixels: np.ndarray | None = field(default=None, repr=False)

    @property
    def group(self) -> str:
        """The first subfolder on the way to it, if any."""
        first, slash, _ = self.relative.partition("/")
        return first if slash else ""

    def read(self) -> bytes:
        """Returns the file.

        Raises:
            UnreadablePhotoError: If that fails.
        """
        if isinstance(self.content, bytes):
            return self.content
        try:
            return self.content.read_bytes()
        except OSError as error:
            raise UnreadablePhotoError(f"{error.strerror}.") from None


def list_photos(data: str | None) -> list[SourcePhoto]:
    """Lists the photos that `--data` names.

    Args:
        data: A folder, a glob, `tfds:NAME`, or None for the photos that come
            with scikit-image.

    Raises:
        DataError: If nothing is found there, or `prepare` has not finished it.
    """
    if data is None:
        return [SourcePhoto(path.name, path) for path in embedded_photos()]
    return list(stream_photos(data))


def stream_photos(data: str) -> Iterable[SourcePhoto]:
    """Yields what `list_photos` lists; where all are files, it is a list."""
    if data.startswith(TFDS_PREFIX):
        return _tfds_stream(data)
    manifest = read_manifest(Path(data))
    if manifest and not manifest["found"]:
        raise DataError(
            f"`{data}` is not finished: run `prepare` again with the same "
            "photos and settings; it goes on where it stopped."
        )
    side = manifest["settings"]["short_side"] if manifest else 0
    return [
        SourcePhoto(str(p.path), p.path, p.relative.as_posix(), side)
        for p in find_photos([data])
    ]


def embedded_photos() -> list[Path]:
    """Returns the color photos inside the installed scikit-image."""
    folder = Path(skimage.__file__).parent / "data"
    return [folder / name for name in EMBEDDED_PHOTOS]


def _tfds_stream(data: str) -> Iterator[SourcePhoto]:
    with extras_named():
        import tensorflow_datasets as tfds
    builder = _tfds_builder(tfds, data.removeprefix(TFDS_PREFIX))
    if "image" not in (builder.info.features or {}):
        raise DataError(
            f"The data set {data} has no feature `image`: choose one of photos."
        )
    decoders = {"image": tfds.decode.SkipDecoding()}
    return (
        SourcePhoto(f"{data}/{split}/{i}", example["image"], f"{split}-{i}")
        for split in sorted(builder.info.splits)
        for i, example in enumerate(
            tfds.as_numpy(builder.as_dataset(split=split, decoders=decoders))
        )
    )


def _tfds_builder(tfds: ModuleType, name: str) -> Any:
    """Returns a prepared builder; a folder is read as an ImageFolder."""
    try:
        if Path(name).is_dir():
            return tfds.folder_dataset.ImageFolder(name)
        builder = tfds.builder(name)
        builder.download_and_prepare()
    except Exception as error:  # noqa: BLE001, any builder's any trouble
        reason = first_line(error)
        raise DataError(
            f"The data set {TFDS_PREFIX}{name} cannot be prepared: {reason}"
        ) from None
    return builder
