"""Photos to measure with, made from those that come with scikit-image."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from keras_colorizer.data.sources import embedded_photos

QUALITY = 90
GRAIN = 6.0  # Standard deviation in levels of 255, as of a scanned print.


def write_crops(folder: Path, *, count: int, size: tuple[int, int]) -> None:
    """Writes JPEGs cut at random places out of scikit-image's color photos.

    Args:
        folder: An existing folder.
        count: How many.
        size: Width and height of each, in pixels.
    """
    rng = np.random.default_rng(0)
    photos = [Image.open(path).convert("RGB") for path in embedded_photos()]
    photos = [photo for photo in photos if _holds(photo, size)]
    for number in range(count):
        photo = photos[number % len(photos)]
        left, top = (
            int(rng.integers(whole - part + 1))
            for whole, part in zip(photo.size, size, strict=True)
        )
        crop = photo.crop((left, top, left + size[0], top + size[1]))
        crop.save(folder / f"{number:04}.jpg", quality=QUALITY)


def write_large(path: Path, *, size: tuple[int, int], mode: str) -> None:
    """Writes one JPEG of any size: a photo enlarged, with grain over it.

    Args:
        path: The file.
        size: Width and height in pixels.
        mode: "RGB" or "L".
    """
    rng = np.random.default_rng(0)
    photo = Image.open(embedded_photos()[0]).convert(mode)
    enlarged = np.asarray(photo.resize(size, Image.Resampling.BICUBIC))
    grain = rng.normal(0, GRAIN, enlarged.shape[:2]).astype("float32")
    grain = grain if mode == "L" else grain[..., None]
    levels = np.clip(np.rint(enlarged + grain), 0, 255).astype("uint8")
    Image.fromarray(levels).save(path, quality=QUALITY)


def jpegs(*, count: int, size: tuple[int, int]) -> list[bytes]:
    """Returns JPEGs of scikit-image's color photos, resized and cut to fit.

    Args:
        count: How many, no two alike.
        size: Width and height of each, in pixels.
    """
    paths = embedded_photos()
    files = []
    for number in range(count):
        photo = Image.open(paths[number % len(paths)]).convert("RGB")
        turned = photo.rotate(90 * (number // len(paths)), expand=True)
        buffer = io.BytesIO()
        ImageOps.fit(turned, size).save(buffer, "JPEG", quality=QUALITY)
        files.append(buffer.getvalue())
    return files


def _holds(photo, size):
    return all(w >= p for w, p in zip(photo.size, size, strict=True))
