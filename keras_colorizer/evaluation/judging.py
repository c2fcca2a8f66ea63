"""One photo, left grey and colorized by each model, beside the true one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from keras_colorizer.chroma import steps
from keras_colorizer.evaluation.colors import (
    Colors,
    ab_density,
    measure_colors,
)
from keras_colorizer.evaluation.images import ImageFolder
from keras_colorizer.evaluation.photo_scores import GREY, PhotoScores
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.metrics import (
    DetailedScores,
    MeasuredPhoto,
    detailed_score,
)
from keras_colorizer.photos import FoundPhoto, Photo, read_rgb

PICTURE = (320, 480)  # Pixels; what the report shows fits into it.


@dataclass(frozen=True)
class Judged:
    """A colorized photo, and all that is kept of it.

    Attributes:
        scores: Against the true photo.
        colors: What was painted.
        picture: Reduced, for the report.
    """

    scores: DetailedScores
    colors: Colors
    picture: Image.Image


@dataclass(frozen=True)
class JudgedPhoto:
    """One photo.

    Attributes:
        scores: Of all rows.
        true_ab: See `colors.ab_density`, of the true photo.
        true_picture: Reduced, for the report.
        rows: `GREY` and the models, by name.
    """

    scores: PhotoScores
    true_ab: np.ndarray
    true_picture: Image.Image
    rows: dict[str, Judged]


def judge(
    photo: FoundPhoto,
    colorizers: Mapping[str, Colorizer],
    *,
    max_pixels: int,
    images: ImageFolder | None,
) -> JudgedPhoto:
    """Reads a photo, colorizes and scores it.

    Args:
        photo: The file.
        colorizers: By name.
        max_pixels: Larger photos are refused.
        images: Where to write the true and the colorized photos; or None.

    Raises:
        PhotoError: If the photo cannot be read, or written to `images`.
    """
    rgb = read_rgb(photo.path, short_side=None, max_pixels=max_pixels)
    real = MeasuredPhoto(rgb)
    rows = {GREY: _judged(real, left_grey(rgb))}
    for name, colorizer in colorizers.items():
        fake_rgb = colorizer.colorize_photo(Photo(rgb)).pixels
        rows[name] = _judged(real, fake_rgb)
        if images is not None:
            images.write(name, photo.relative, fake_rgb)
    if images is not None:
        images.write_true(photo.relative, rgb)
    scores = _photo_scores(photo, real, rows)
    return JudgedPhoto(scores, ab_density(real.lab), _picture(rgb), rows)


def left_grey(rgb: np.ndarray) -> np.ndarray:
    """Returns a photo with its own lightness and ab = 0.

    Args:
        rgb: `(h, w, 3)` uint8 sRGB.

    Returns:
        The same, grey: what any colorizer makes of it at saturation 0.
    """
    no_ab = np.zeros((1, 1, 2), "float32")
    return steps.merge(steps.photo_lightness(rgb), no_ab, np.uint8)


def _judged(real, fake_rgb):
    fake = MeasuredPhoto(fake_rgb)
    scores = detailed_score(real, fake)
    colors = measure_colors(real.lab, fake.lab)
    return Judged(scores, colors, _picture(fake_rgb))


def _photo_scores(photo, real, rows):
    height, width, _ = real.rgb.shape
    return PhotoScores(
        name=photo.relative.as_posix(),
        height=height,
        width=width,
        is_colored=bool(Photo(real.rgb).is_colored),
        true_colorfulness=real.colorfulness,
        scores={name: row.scores for name, row in rows.items()},
    )


def _picture(rgb):
    picture = Image.fromarray(rgb)
    picture.thumbnail(PICTURE)
    return picture
