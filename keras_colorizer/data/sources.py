"""Where training photos come from: folders, TensorFlow Datasets, scikit-image.

Every source becomes a list of `SourcePhoto`; nothing is decoded here.
"""

import hashlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
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
        return list(_tfds_stream(data).starting_at(0))
    return [
        SourcePhoto(str(photo.path), photo.path, _subfolder(photo.relative))
        for photo in find_photos([data])
    ]


@dataclass(frozen=True)
class PhotoStream:
    """Photos one after the other, in an order that stays.

    Attributes:
        count: How many.
        fingerprint: Hash of what they are called, 16 hexadecimal digits.
        starting_at: Returns them from a number on.
    """

    count: int
    fingerprint: str
    starting_at: Callable[[int], Iterator[SourcePhoto]]


def stream_photos(data: str) -> PhotoStream:
    """Finds photos without holding more of each than its path.

    Files are in the order of a hash of their names, so that any part of them
    is a fair sample, and are called by their path below what was named, so
    that the folder may move.

    Args:
        data: A folder, a glob, or `tfds:NAME`, whose order is kept.

    Raises:
        DataError: If nothing is found there.
    """
    if data.startswith(TFDS_PREFIX):
        return _tfds_stream(data)
    found = [(str(p.relative), str(p.path)) for p in find_photos([data])]
    found.sort(key=lambda photo: _hash(photo[0]))

    def photos(start):
        for relative, path in islice(found, start, None):
            group = _subfolder(Path(relative))
            yield SourcePhoto(relative, Path(path), group)

    names = (relative for relative, _ in found)
    return PhotoStream(len(found), _fingerprint(names), photos)


def _hash(text):
    encoded = text.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(encoded, digest_size=8).digest()


def _fingerprint(texts):
    digest = hashlib.blake2b(digest_size=8)
    for text in texts:
        digest.update(_hash(text))
    return digest.hexdigest()


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


def _tfds_stream(data):
    name = data.removeprefix(TFDS_PREFIX)
    try:
        import tensorflow_datasets as tfds
    except ImportError:
        raise DataError(
            f"{data} needs TensorFlow Datasets: "
            "pip install tensorflow-datasets."
        ) from None
    builder = _tfds_builder(tfds, name)
    if "image" not in (builder.info.features or {}):
        raise DataError(
            f"The data set {data} has no feature `image`: choose one of photos."
        )
    decoders = {"image": tfds.decode.SkipDecoding()}

    def photos():
        for split in sorted(builder.info.splits):
            examples = builder.as_dataset(split=split, decoders=decoders)
            for number, example in enumerate(tfds.as_numpy(examples)):
                yield SourcePhoto(f"{data}/{split}/{number}", example["image"])

    splits = builder.info.splits
    sizes = {split: splits[split].num_examples for split in sorted(splits)}
    return PhotoStream(
        count=sum(sizes.values()),
        fingerprint=_fingerprint([data, str(builder.version), str(sizes)]),
        starting_at=lambda start: islice(photos(), start, None),
    )


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
