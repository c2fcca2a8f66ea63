"""One look at every photo before training: what it holds, what is left out."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import psutil
import tensorflow as tf
from rich.progress import track

from keras_colorizer import color
from keras_colorizer.data.sources import SourcePhoto
from keras_colorizer.errors import PhotoError, UnreadablePhotoError
from keras_colorizer.photos import read_rgb

# pix2pix resizes to 286 and crops 256.
SHORT_SIDE_PER_CROP = 286 / 256

# Root mean square of what lightness does not explain of a* and b*, in
# L*a*b* units: 0 for grey, below 2 for a toned print.
COLORLESS = 2.0
LIGHTNESS_BINS = 16
SAMPLES = 4096


@dataclass
class SurveyedPhoto:
    """A photo that could be decoded.

    Attributes:
        source: Where it comes from.
        digest: Hash of the file, 16 hexadecimal digits.
        shape: Height and width in pixels at training size.
        is_colorless: Whether it is grey or toned in one color.
        pixels: `(height, width, 3)` uint8 at training size; None once
            dropped to save memory.
    """

    source: SourcePhoto
    digest: str
    shape: tuple[int, int]
    is_colorless: bool
    pixels: np.ndarray | None = field(repr=False)


@dataclass
class Survey:
    """What a look at all photos found.

    Attributes:
        photos: Those fit to train on, in order of their digests.
        colorless: Names of those left out for having no color.
        unreadable: Names and reasons of those that could not be decoded.
        duplicates: Names of those that are byte for byte another one.
        is_cached: Whether the pixels are kept in memory.
        decoded_bytes: Memory of all fit photos, decoded at training size.
    """

    photos: Sequence[SurveyedPhoto]
    colorless: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)
    is_cached: bool = True
    decoded_bytes: int = 0

    def drop_pixels(self) -> None:
        """Frees the decoded photos: they are read anew when needed."""
        self.is_cached = False
        for photo in self.photos:
            photo.pixels = None


def short_side_for(square: int) -> int:
    """Returns the short side of photos that `square` pixels are cut from."""
    return round(square * SHORT_SIDE_PER_CROP)


def survey_photos(
    sources: list[SourcePhoto],
    *,
    square: int,
    keep_colorless: bool = False,
    cache: str = "auto",
    quiet: bool = True,
) -> Survey:
    """Decodes every photo once, and sorts out those not fit to train on.

    Args:
        sources: The photos.
        square: Side in pixels of the squares to train on.
        keep_colorless: Whether grey and toned photos are fit, too.
        cache: `on` keeps the decoded photos, `off` does not, and `auto` does
            as long as they take at most half of the free memory.
        quiet: Show no progress bar.
    """
    photos: list[SurveyedPhoto] = []
    survey = Survey(photos, is_cached=cache != "off")
    free = psutil.virtual_memory().available
    limit = free / 2 if cache == "auto" else float("inf")
    digests = set()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looks = track(
            pool.map(partial(_look, short_side_for(square)), sources),
            description="Looking at the photos",
            total=len(sources),
            transient=True,
            disable=quiet,
        )
        for source, photo in zip(sources, looks, strict=True):
            if isinstance(photo, PhotoError):
                survey.unreadable[source.name] = str(photo)
            elif photo.is_colorless and not keep_colorless:
                survey.colorless.append(source.name)
            elif photo.digest in digests:
                survey.duplicates.append(source.name)
            else:
                digests.add(photo.digest)
                photos.append(photo)
                survey.decoded_bytes += 3 * photo.shape[0] * photo.shape[1]
                if not survey.is_cached:
                    photo.pixels = None
            if survey.is_cached and survey.decoded_bytes > limit:
                survey.drop_pixels()
    photos.sort(key=lambda photo: photo.digest)
    return survey


def _look(short_side, source) -> SurveyedPhoto | PhotoError:
    try:
        encoded = source.read()
        pixels = read_rgb(encoded, short_side=short_side)
    except OSError as error:
        return UnreadablePhotoError(f"{source.name}: {error.strerror}")
    except PhotoError as error:
        return error
    digest = hashlib.blake2b(encoded, digest_size=8).hexdigest()
    is_colorless = unexplained_chroma(pixels) < COLORLESS
    return SurveyedPhoto(source, digest, pixels.shape[:2], is_colorless, pixels)


def unexplained_chroma(rgb: np.ndarray) -> float:
    """Measures how much color a photo has beyond a tint.

    In a grey or toned picture ab is a function of lightness. What remains
    after taking the mean ab of each lightness away is color to learn from.

    Args:
        rgb: `(height, width, 3)` uint8.

    Returns:
        Root mean square of the remainder, in L*a*b* units.
    """
    pixels = rgb.reshape(-1, 3)
    pixels = pixels[:: max(1, len(pixels) // SAMPLES)]
    lab = _traced_rgb_to_lab(pixels).numpy()
    bins = np.minimum(lab[:, 0] / 100 * LIGHTNESS_BINS, LIGHTNESS_BINS - 1)
    bins = bins.astype(int)
    counts = np.maximum(np.bincount(bins, minlength=LIGHTNESS_BINS), 1)
    means = np.stack(
        [
            np.bincount(bins, channel, LIGHTNESS_BINS) / counts
            for channel in lab[:, 1:].T
        ],
        axis=1,
    )
    remainder = lab[:, 1:] - means[bins]
    return float(np.sqrt(np.mean(np.sum(remainder**2, axis=1))))


_traced_rgb_to_lab = tf.function(
    color.rgb_to_lab, input_signature=[tf.TensorSpec((None, 3), tf.uint8)]
)
