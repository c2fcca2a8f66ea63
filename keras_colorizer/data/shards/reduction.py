"""A photo file to what is stored of it: the work that worker processes do.

No TensorFlow here: a worker starts in a second and takes 60 MB.
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from keras_colorizer.data.shards.likeness import difference_hash, thumbnail
from keras_colorizer.data.shards.settings import ShardSettings
from keras_colorizer.data.sources import SourcePhoto
from keras_colorizer.errors import PhotoError
from keras_colorizer.photos import read_rgb

LONGEST_SIDE = 65_500  # libjpeg's limit.
SAMPLES = 4096


@dataclass(frozen=True)
class ReducedPhoto:
    """What is stored of a photo, and what decides whether it is.

    Attributes:
        jpeg: The photo at its stored size, a JPEG file.
        shape: Height and width of it in pixels.
        digest: Hash of the source's file, 16 hexadecimal digits.
        hash: Its `difference_hash`.
        thumbnail: Its `thumbnail`.
        sample: `(1, n, 3)` uint8, at least 4096 of its pixels, evenly spread.
    """

    jpeg: bytes
    shape: tuple[int, int]
    digest: str
    hash: int
    thumbnail: np.ndarray
    sample: np.ndarray


@dataclass(frozen=True)
class UnreadablePhoto:
    """Why nothing can be stored of a photo."""

    reason: str


def reduce_photo(
    source: SourcePhoto, settings: ShardSettings
) -> ReducedPhoto | UnreadablePhoto:
    """Reads a photo, and makes it as small as it is stored.

    Args:
        source: The photo.
        settings: Say how small.
    """
    try:
        encoded = source.read()
        rgb = read_rgb(
            encoded,
            short_side=settings.short_side,
            max_pixels=settings.max_pixels,
        )
        rgb = _resized(rgb, settings.short_side)
    except PhotoError as error:
        return UnreadablePhoto(str(error))
    except OSError as error:
        return UnreadablePhoto(f"It cannot be read: {error.strerror}.")
    except MemoryError:
        return UnreadablePhoto("It does not fit into memory.")
    if max(rgb.shape) > LONGEST_SIDE:
        return UnreadablePhoto("It is too long and narrow for a JPEG.")
    return _reduced(encoded, rgb, settings.quality)


def _reduced(encoded, rgb, quality):
    pixels = rgb.reshape(1, -1, 3)
    return ReducedPhoto(
        jpeg=_jpeg(rgb, quality),
        shape=rgb.shape[:2],
        digest=hashlib.blake2b(encoded, digest_size=8).hexdigest(),
        hash=difference_hash(rgb),
        thumbnail=thumbnail(rgb),
        sample=pixels[:, :: max(1, pixels.shape[1] // SAMPLES)],
    )


def _resized(rgb, short_side):
    """To the exact size: `read_rgb` gives less than twice as much."""
    height, width = rgb.shape[:2]
    scale = short_side / min(height, width)
    if scale == 1:
        return rgb
    size = round(width * scale), round(height * scale)
    return np.asarray(
        Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC)
    )


def _jpeg(rgb, quality):
    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()
