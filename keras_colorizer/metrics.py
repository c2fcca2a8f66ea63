"""How far a colorized photo is from the true one."""

from dataclasses import dataclass

import numpy as np
from skimage.color import deltaE_ciede2000
from skimage.metrics import peak_signal_noise_ratio

from keras_colorizer import color


@dataclass(frozen=True)
class Scores:
    """One photo's scores, or the mean over several.

    Attributes:
        psnr: Peak signal-to-noise ratio of the sRGB levels in dB; higher is
            closer. It rewards grey where the color is a guess.
        ciede2000: Mean CIEDE2000 difference; lower is closer, 1 is just
            noticeable.
        colorfulness: Hasler & Suesstrunk's; 0 is grey, natural photos have
            30 to 60.
    """

    psnr: float
    ciede2000: float
    colorfulness: float


def score(real_rgb: np.ndarray, fake_rgb: np.ndarray) -> Scores:
    """Scores one colorized photo against the true one.

    Args:
        real_rgb: `(h, w, 3)` uint8 sRGB.
        fake_rgb: Same shape and type.
    """
    real_lab, fake_lab = (
        color.rgb_to_lab(rgb).numpy() for rgb in (real_rgb, fake_rgb)
    )
    return Scores(
        psnr=peak_signal_noise_ratio(real_rgb, fake_rgb, data_range=255),
        ciede2000=float(deltaE_ciede2000(real_lab, fake_lab).mean()),
        colorfulness=colorfulness(fake_rgb),
    )


def mean_scores(scores: list[Scores]) -> Scores:
    """Returns the mean of each score over photos."""
    columns = ([getattr(s, name) for s in scores] for name in SCORE_NAMES)
    return Scores(*(float(np.mean(column)) for column in columns))


def colorfulness(rgb: np.ndarray) -> float:
    """Measures how colorful a photo looks.

    Args:
        rgb: `(h, w, 3)` uint8 sRGB.

    Source:
        Hasler & Suesstrunk, Measuring colourfulness in natural images, 2003,
        metric M^(3).
    """
    red, green, blue = np.moveaxis(rgb.astype("float64"), -1, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    offset = np.hypot(red_green.mean(), yellow_blue.mean())
    return float(spread + 0.3 * offset)


SCORE_NAMES = tuple(Scores.__dataclass_fields__)
