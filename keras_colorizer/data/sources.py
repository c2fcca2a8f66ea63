"""Sources of photos: folders, globs, TensorFlow Datasets, scikit-image.

Every source becomes a list of `SourcePhoto`; nothing is decoded here.
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from keras_colorizer.data.small_folder import Manifest, SmallPhotoSettings
from keras_colorizer.errors import DataError, first_line
from keras_colorizer.photos import find_photos

TFDS_PREFIX = "tfds:"

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


@dataclass(frozen=True, slots=True)
class SourcePhoto:
    """A photo that was found but not decoded yet.

    Attributes:
        name: For reports.
        content: The file, or its bytes where there is no file.
        relative: Its path below what was named, with "/".
        small: The settings of `prepare`, if that made it.
    """

    name: str
    content: Path | bytes
    relative: str = ""
    small: SmallPhotoSettings | None = None

    @property
    def group(self) -> str:
        """The first subfolder on the way to it, if any."""
        first, slash, _ = self.relative.partition("/")
        return first if slash else ""


def list_photos(data: str | None) -> list[SourcePhoto]:
    """Lists the photos that `--data` names.

    Args:
        data: A folder, a glob, `tfds:NAME`, or None for the photos that come
            with scikit-image.

    Raises:
        DataError: If nothing is found there, or `prepare` has not finished it.
    """
    if data is None:
        return [SourcePhoto(p.name, p) for p in embedded_photos()]
    return list(stream_photos(data)[1])


def stream_photos(data: str) -> tuple[int, Iterator[SourcePhoto]]:
    """Counts the photos, and yields them as `list_photos` lists them."""
    if data.startswith(TFDS_PREFIX):
        return _tfds_stream(data)
    manifest = Manifest.load(Path(data))
    if manifest and not manifest.found:
        raise DataError(
            f"`{data}` is not finished: run `prepare` again with the same "
            "photos and settings; it goes on where it stopped."
        )
    small = manifest.settings if manifest else None
    found = find_photos([data])
    return len(found), (
        SourcePhoto(str(p.path), p.path, p.relative.as_posix(), small)
        for p in found
    )


def embedded_photos() -> list[Path]:
    """Returns the color photos inside the installed scikit-image."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            "scikit-image, whose photos are the default, is not installed: "
            "pip install scikit-image, or name your photos with --data."
        )
    folder = Path(spec.submodule_search_locations[0]) / "data"
    return [folder / name for name in EMBEDDED_PHOTOS]


def _tfds_stream(data: str) -> tuple[int, Iterator[SourcePhoto]]:
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise DataError(
            f"{data} needs TensorFlow Datasets: "
            "pip install tensorflow-datasets."
        ) from None
    builder = _tfds_builder(tfds, data.removeprefix(TFDS_PREFIX))
    if "image" not in (builder.info.features or {}):
        raise DataError(
            f"The data set {data} has no feature `image`: choose one of photos."
        )
    decoders = {"image": tfds.decode.SkipDecoding()}

    def photos() -> Iterator[SourcePhoto]:
        for split in sorted(builder.info.splits):
            examples = builder.as_dataset(split=split, decoders=decoders)
            for number, example in enumerate(tfds.as_numpy(examples)):
                name, relative = f"{data}/{split}/{number}", f"{split}-{number}"
                yield SourcePhoto(name, example["image"], relative)

    splits = builder.info.splits.values()
    return sum(split.num_examples for split in splits), photos()


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
