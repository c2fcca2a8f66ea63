"""The survey of all photos before training: contents, and photos left out."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO

import numpy as np
import psutil
from PIL import Image
from rich.progress import track
from skimage.color import rgb2lab

from keras_colorizer.data.sources import SourcePhoto
from keras_colorizer.errors import (
    ConfigError,
    PhotoError,
    UnreadablePhotoError,
    first_line,
)
from keras_colorizer.photos import read_rgb

# pix2pix resizes to 286 and crops 256.
SHORT_SIDE_PER_CROP = 286 / 256

# Root mean square of what lightness does not explain of a* and b*, in
# L*a*b* units: 0 for grey, below 2 for a toned print.
COLORLESS = 2.0
LIGHTNESS_BINS = 16
SAMPLES = 4096

JPEG_END = b"\xff\xd9"


@dataclass(slots=True)
class SurveyedPhoto:
    """A photo that could be decoded.

    Attributes:
        source: Where it comes from.
        digest: Hash of the file, 16 hexadecimal digits.
        shape: Height and width in pixels at training size.
        pixels: `(height, width, 3)` uint8 at training size; None once
            dropped to save memory.
    """

    source: SourcePhoto
    digest: str
    shape: tuple[int, int]
    pixels: np.ndarray | None = field(repr=False)


@dataclass
class Survey:
    """The result of a look at all photos.

    Attributes:
        square: Side in pixels of the squares to train on.
        photos: Those fit to train on, in order of their digests.
        colorless: Names of those left out for having no color.
        unreadable: Names and reasons of those that could not be decoded.
        duplicates: Names of those that are byte for byte another one.
        is_cached: Whether the pixels are kept in memory.
        decoded_bytes: Memory of all fit photos, decoded at training size.
    """

    square: int
    photos: list[SurveyedPhoto] = field(default_factory=list)
    colorless: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)
    is_cached: bool = True
    decoded_bytes: int = 0

    def add(self, photo: SurveyedPhoto, *, limit: float) -> None:
        """Adds a photo; drops all pixels once they take `limit` bytes."""
        self.photos.append(photo)
        self.decoded_bytes += 3 * photo.shape[0] * photo.shape[1]
        if not self.is_cached:
            photo.pixels = None
        elif self.decoded_bytes > limit:
            self.is_cached = False
            for earlier in self.photos:
                earlier.pixels = None


class ColorlessPhotoError(PhotoError):
    """The photo is grey, or toned in one color."""


def survey_photos(
    sources: Sequence[SourcePhoto],
    *,
    square: int,
    keep_colorless: bool = False,
    cache: str = "auto",
    quiet: bool = True,
) -> Survey:
    """Looks at every photo once, and sorts out those not fit to train on.

    Args:
        sources: The photos.
        square: Side in pixels of the squares to train on.
        keep_colorless: Whether grey and toned photos are fit, too.
        cache: `on` keeps the decoded photos, `off` does not, and `auto` does
            as long as they take at most half of the free memory.
        quiet: Show no progress bar.

    Raises:
        ConfigError: If `prepare` made the photos too small for the squares.
    """
    survey, digests = Survey(square, is_cached=cache != "off"), set()
    free = psutil.virtual_memory().available
    limit = free / 2 if cache == "auto" else float("inf")
    look = partial(_look, survey, square, keep_colorless)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looks = track(
            pool.map(look, sources),
            description="Looking at the photos",
            total=len(sources),
            transient=True,
            disable=quiet,
        )
        for source, photo in zip(sources, looks, strict=True):
            if isinstance(photo, ColorlessPhotoError):
                survey.colorless.append(source.name)
            elif isinstance(photo, PhotoError):
                survey.unreadable[source.name] = str(photo)
            elif photo.digest in digests:
                survey.duplicates.append(source.name)
            else:
                digests.add(photo.digest)
                survey.add(photo, limit=limit)
    survey.photos.sort(key=lambda photo: photo.digest)
    return survey


def _look(
    survey: Survey, square: int, keep_colorless: bool, source: SourcePhoto
) -> SurveyedPhoto | PhotoError:
    side, small = reading_side(source, square), source.small
    encoded = source.content
    try:
        if not isinstance(encoded, bytes):
            encoded = encoded.read_bytes()
        digest = hashlib.blake2b(encoded, digest_size=8).hexdigest()
        if small is not None:
            shape = _small_shape(encoded, small.short_side, side)
            has_color = keep_colorless or not small.keep_colorless
            if has_color and not survey.is_cached:
                return SurveyedPhoto(source, digest, shape, None)
        pixels = read_rgb(encoded, short_side=side)
        if not keep_colorless:
            check_color(pixels)
    except OSError as error:
        reason = error.strerror or first_line(error)
        return UnreadablePhotoError(f"{source.name}: {reason}")
    except PhotoError as error:
        return error
    return SurveyedPhoto(source, digest, pixels.shape[:2], pixels)


def _small_shape(encoded: bytes, stored: int, side: int) -> tuple[int, int]:
    """Height and width of a small photo as read, from its header alone."""
    with Image.open(BytesIO(encoded), formats=["JPEG"]) as photo:
        is_whole = encoded.endswith(JPEG_END)
        if not (is_whole and photo.mode == "RGB" and min(photo.size) == stored):
            raise UnreadablePhotoError(
                "The photo is not as `prepare` makes them, or damaged."
            )
        photo.draft(None, (side, side))
        return photo.height, photo.width


def reading_side(source: SourcePhoto, square: int) -> int:
    """Returns what the short side of a photo is read as, at least.

    What `prepare` made is not enlarged; and as decoders of JPEGs divide by 8
    at most, it is not divided by 16 or more.

    Args:
        source: The photo.
        square: Side in pixels of the squares to train on.

    Raises:
        ConfigError: If `prepare` made it too small for the squares.
    """
    side = round(square * SHORT_SIDE_PER_CROP)
    if source.small is None:
        return side
    stored = source.small.short_side
    if stored < square:
        raise ConfigError(
            f"`prepare` made photos of {stored} pixels, too small for squares "
            f"of {square}: choose a smaller --image-size or --preset, or run "
            f"`prepare` with --short-side {round(square * 9 / 8)}."
        )
    return max(min(side, stored), -(-stored // 15))


def check_color(rgb: np.ndarray) -> None:
    """Refuses `(..., 3)` uint8 photos that hold no color to learn from.

    Raises:
        ColorlessPhotoError: If it is one.
    """
    if unexplained_chroma(rgb) < COLORLESS:
        raise ColorlessPhotoError("The photo is grey, or toned in one color.")


def unexplained_chroma(rgb: np.ndarray) -> float:
    """Measures how much color a photo has beyond a tint.

    In a grey or toned picture ab is a function of lightness. What remains
    after taking the mean ab of each lightness away is color to learn from.

    Args:
        rgb: `(..., 3)` uint8.

    Returns:
        Root mean square of the remainder, in L*a*b* units.
    """
    pixels = rgb.reshape(-1, 3)
    pixels = pixels[:: max(1, len(pixels) // SAMPLES)]
    lightness, *ab = rgb2lab(pixels).T
    bins = np.minimum(lightness / 100 * LIGHTNESS_BINS, LIGHTNESS_BINS - 1)
    bins = bins.astype(int)
    counts = np.maximum(np.bincount(bins, minlength=LIGHTNESS_BINS), 1)
    means = [np.bincount(bins, x, LIGHTNESS_BINS) / counts for x in ab]
    remainder = ab - np.take(means, bins, axis=1)
    return float(np.sqrt(np.mean(np.sum(remainder**2, axis=0))))
