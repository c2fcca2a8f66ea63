"""The survey of all photos before training: contents, and photos left out."""

import hashlib
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO

import numpy as np
import psutil
from PIL import Image
from rich.progress import track
from skimage.color import rgb2lab

from keras_colorizer.data.drawing import SHORT_SIDE_PER_CROP
from keras_colorizer.data.sources import SourcePhoto, list_photos
from keras_colorizer.errors import (
    ConfigError,
    DataError,
    PhotoError,
    UnreadablePhotoError,
)
from keras_colorizer.photos import read_rgb

# Root mean square of what lightness does not explain of a* and b*, in
# L*a*b* units: 0 for grey, below 2 for a toned print.
LEAST_CHROMA = 2.0
LIGHTNESS_BINS = 16
SAMPLES = 4096

LEAST_STEPS = 20  # Of an epoch: a few photos are drawn again and again.
JPEG_END = b"\xff\xd9"
RATIOS = (8, 4, 2, 1)  # What a JPEG can be divided by while it is decoded.


@dataclass
class Survey:
    """The result of a look at all photos.

    Attributes:
        square: Side in pixels of the squares to train on.
        batch_size: Squares per batch.
        draws: How often an epoch draws each photo.
        held_out: How many photos are set aside to judge with.
        photos: Those fit to train on, in order of their digests.
        colorless: Names of those left out for having no color.
        unreadable: Names and reasons of those that could not be decoded.
        duplicates: Names of those that are byte for byte another one.
    """

    square: int
    batch_size: int
    draws: int = 1
    held_out: int = 0
    photos: list[SourcePhoto] = field(default_factory=list)
    colorless: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)

    @property
    def validation(self) -> list[SourcePhoto]:
        """The photos to judge with: all, if none is set aside."""
        return self.photos[: self.held_out] or self.photos

    @property
    def training(self) -> list[SourcePhoto]:
        """The photos to train on."""
        return self.photos[self.held_out :]

    @property
    def steps_per_epoch(self) -> int:
        """How many whole batches the draws of an epoch fill."""
        return self.draws * len(self.training) // self.batch_size


class ColorlessPhotoError(PhotoError):
    """The photo is grey, or toned in one color."""


def survey_photos(
    data: str | None,
    *,
    square: int,
    batch_size: int = 1,
    validation_fraction: float = 0.0,
    draws: int | None = 1,
    keep_colorless: bool = False,
    cache: str = "auto",
    quiet: bool = True,
) -> Survey:
    """Looks at every photo once, and sorts out those not fit to train on.

    Those set aside for validation are the first by file hash: the same files
    are always split the same way, whatever they are called and in whatever
    order they are found.

    Args:
        data: As of `list_photos`.
        square: Side in pixels of the squares to train on.
        batch_size: The least number of photos to train on.
        validation_fraction: Share of the photos to set aside, at least one;
            with 0 none is.
        draws: How often an epoch draws each photo; None for so often that it
            has at least `LEAST_STEPS` steps.
        keep_colorless: Whether grey and toned photos are fit, too. Of what
            `prepare` made all are.
        cache: `on` keeps the decoded photos, `off` does not, and `auto` does
            with as many as half of the free memory holds.
        quiet: Show no progress bar.

    Raises:
        ConfigError: If `prepare` made the photos too small for the squares.
        DataError: If there are no photos, or too few to train on.
    """
    photos, survey = list_photos(data), Survey(square, batch_size)
    free = psutil.virtual_memory().available
    room = {"on": math.inf, "auto": free / 2, "off": 0}[cache]
    fit: dict[str, SourcePhoto] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        looks = pool.map(partial(_look, square, keep_colorless), photos)
        shown = track(
            photos, "Looking at the photos", transient=True, disable=quiet
        )
        for photo, error in zip(shown, looks, strict=True):
            if isinstance(error, ColorlessPhotoError):
                survey.colorless.append(photo.name)
            elif error:
                survey.unreadable[photo.name] = str(error)
            elif photo.digest in fit:
                survey.duplicates.append(photo.name)
            else:
                fit[photo.digest] = photo
                room -= 3 * math.prod(photo.shape)
            if error or room < 0:
                photo.pixels = None
    survey.photos = [fit[digest] for digest in sorted(fit)]
    _split(survey, validation_fraction)
    survey.draws = draws or _least_draws(survey)
    return survey


def _least_draws(survey: Survey) -> int:
    return math.ceil(LEAST_STEPS * survey.batch_size / len(survey.training))


def _split(survey: Survey, fraction: float) -> None:
    total = len(survey.photos)
    survey.held_out = max(int(fraction > 0), round(total * fraction))
    if survey.steps_per_epoch == 0:
        unreadable = map(": ".join, survey.unreadable.items())
        left_out = *unreadable, *survey.colorless, *survey.duplicates, "none"
        raise DataError(
            f"{total} photos can be used ({len(survey.unreadable)} unreadable, "
            f"{len(survey.colorless)} without color, {len(survey.duplicates)} "
            f"duplicates), {survey.held_out} of them to judge with: too few "
            f"for a batch of {survey.batch_size}. Add color photos, lower the "
            "batch size (--batch-size), or train on photos without color, too "
            f"(--keep-colorless). First left out: {left_out[0]}."
        )


def _look(
    square: int, keep_colorless: bool, photo: SourcePhoto
) -> PhotoError | None:
    """Completes a photo, or returns why it is not fit."""
    try:
        encoded = photo.read()
        photo.digest = hashlib.blake2b(encoded, digest_size=8).hexdigest()
        if photo.small_side:
            photo.shape = _small_shape(encoded, photo.small_side, square)
            return None
        pixels = read_rgb(encoded, short_side=reading_side(square))
        if not (keep_colorless or has_color(pixels)):
            return ColorlessPhotoError()
        photo.shape, photo.pixels = pixels.shape[:2], pixels
    except PhotoError as error:
        return error
    return None


def _small_shape(encoded: bytes, side: int, square: int) -> tuple[int, int]:
    """Height and width of a small photo as read, from its header alone."""
    ratio = reduction(side, square)
    try:
        with Image.open(BytesIO(encoded), formats=["JPEG"]) as photo:
            is_plain = photo.mode == "RGB" and min(photo.size) == side
            if is_plain and encoded.endswith(JPEG_END):
                return -(-photo.height // ratio), -(-photo.width // ratio)
    except OSError:
        pass  # No JPEG.
    raise UnreadablePhotoError(
        "The photo is not as `prepare` makes them, or damaged."
    )


def reading_side(square: int) -> int:
    """Returns what the short side of a photo is read as, at least."""
    return round(square * SHORT_SIDE_PER_CROP)


def reduction(small_side: int, square: int) -> int:
    """Returns how far a small photo is divided while it is decoded.

    Args:
        small_side: Its shorter side, as `prepare` made it.
        square: Side in pixels of the squares to train on.

    Raises:
        ConfigError: If it is too small for the squares.
    """
    if small_side < square:
        raise ConfigError(
            f"`prepare` made photos of {small_side} pixels, too small for "
            f"squares of {square}: choose a smaller --image-size or --preset, "
            f"or run `prepare` with --short-side {round(square * 9 / 8)}."
        )
    fits = (r for r in RATIOS if small_side // r >= reading_side(square))
    return next(fits, 1)


def has_color(rgb: np.ndarray) -> bool:
    """Whether `(..., 3)` uint8 photos hold color to learn from."""
    return unexplained_chroma(rgb) >= LEAST_CHROMA


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
