"""Scores of one photo, left grey and colorized, against the true one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from keras_colorizer.chroma import steps
from keras_colorizer.evaluation.colors import brown_share, measure_colors
from keras_colorizer.files import display_name
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.metrics import MeasuredPhoto, detailed_score
from keras_colorizer.photos import FoundPhoto, read_rgb

GREY = "left grey (ab = 0)"
TRUE = "true photos"
MOSTLY_BROWN = 0.85  # Share of the colored pixels.


@dataclass(frozen=True)
class JudgedPhoto:
    """One photo.

    Attributes:
        photo: The file.
        scores: By row, `GREY` first and `TRUE` last, figures by name: those of
            `DetailedScores`, `true_colorfulness`, `brown_share`,
            `mostly_brown` and, of models, the gains over grey; of the true
            photo those that need no other.
        colors: By row, see `measure_colors`.
        predicted_ab: By model, `(s, s, 2)` float16, L*a*b* units.
    """

    photo: FoundPhoto
    scores: dict[str, dict[str, float]]
    colors: dict[str, dict[str, np.ndarray]] = field(repr=False)
    predicted_ab: dict[str, np.ndarray] = field(repr=False)

    @property
    def name(self) -> str:
        """The photo's path below the folder that was named, to be shown."""
        return display_name(self.photo.relative.as_posix())


def judge(photo: FoundPhoto, models: Mapping[str, Colorizer]) -> JudgedPhoto:
    """Reads a photo, colorizes and scores it.

    Args:
        photo: The file.
        models: By name. Each runs its network once.

    Raises:
        PhotoError: If the photo cannot be read.
    """
    rgb = read_rgb(photo.path, short_side=None)
    lightness = steps.photo_lightness(rgb)
    ab = {m: predict_ab(one, lightness) for m, one in models.items()}
    real = MeasuredPhoto(rgb)
    scores, colors = {}, {}
    for name, painted in {GREY: np.zeros((1, 1, 2), "float32"), **ab}.items():
        fake = MeasuredPhoto(steps.merge(lightness, painted, np.uint8))
        scores[name] = asdict(detailed_score(real, fake)) | _own_scores(fake)
        colors[name] = measure_colors(real.lab, fake.lab)
        scores[name]["true_colorfulness"] = real.colorfulness
    for one in (scores[model] for model in ab):
        one["psnr_gain"] = one["psnr"] - scores[GREY]["psnr"]
        one["ciede2000_gain"] = scores[GREY]["ciede2000"] - one["ciede2000"]
    scores[TRUE] = _own_scores(real)
    colors[TRUE] = measure_colors(real.lab, real.lab)
    kept = {model: one.astype("float16") for model, one in ab.items()}
    return JudgedPhoto(photo, scores, colors, kept)


def predict_ab(colorizer: Colorizer, lightness: np.ndarray) -> np.ndarray:
    """Maps a photo's `(h, w, 1)` L* to the network's `(s, s, 2)` ab."""
    view = steps.network_view(lightness, colorizer.render_size)
    return colorizer.predict_ab(view)[0]


def _own_scores(photo: MeasuredPhoto) -> dict[str, float]:
    brown = brown_share(photo.lab)
    return {
        "colorfulness": photo.colorfulness,
        "brown_share": brown,
        "mostly_brown": float(brown > MOSTLY_BROWN),
    }
