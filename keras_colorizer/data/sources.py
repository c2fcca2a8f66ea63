"""Where training photos come from: folders, TensorFlow Datasets, scikit-image.

Every source becomes a list of `SourcePhoto`; nothing is decoded here.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class SourcePhoto:
    """A photo that was found but not decoded yet.

    Attributes:
        name: What to call it in reports.
        content: The file, or its bytes where there is no file.
        group: The first subfolder on the way to it, if any.
    """

    name: str
    content: Path | bytes
    group: str = ""

    def read(self) -> bytes:
        """Returns the encoded file.

        Raises:
            OSError: If it cannot be read.
        """
        if isinstance(self.content, bytes):
            return self.content
        return self.content.read_bytes()


def list_photos(data: str | None) -> list[SourcePhoto]:
    """Lists the photos that `--data` names.

    Args:
        data: A folder, a glob, `tfds:NAME`, or None for the photos that come
            with scikit-image.

    Raises:
        DataError: If nothing is found there.
    """
    if data is None:
        return [SourcePhoto(p.name, p) for p in embedded_photos()]
    if data.startswith(TFDS_PREFIX):
        return _from_tfds(data.removeprefix(TFDS_PREFIX))
    return [
        SourcePhoto(str(photo.path), photo.path, _subfolder(photo.relative))
        for photo in find_photos([data])
    ]


def _subfolder(relative):
    return relative.parts[0] if len(relative.parts) > 1 else ""


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


def _from_tfds(name):
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise DataError(
            f"--data {TFDS_PREFIX}{name} needs TensorFlow Datasets: "
            "pip install tensorflow-datasets."
        ) from None
    builder = _tfds_builder(tfds, name)
    if "image" not in (builder.info.features or {}):
        raise DataError(
            f"The data set {TFDS_PREFIX}{name} has no feature `image`: choose "
            "one of photos."
        )
    decoders = {"image": tfds.decode.SkipDecoding()}
    return [
        SourcePhoto(f"{TFDS_PREFIX}{name}/{split}/{number}", example["image"])
        for split in sorted(builder.info.splits)
        for number, example in enumerate(
            tfds.as_numpy(builder.as_dataset(split=split, decoders=decoders))
        )
    ]


def _tfds_builder(tfds, name):
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
