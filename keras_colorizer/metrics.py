"""Metrics of a colorized photo against the true one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from skimage.color import deltaE_ciede2000
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from keras_colorizer import color

# In dB: of an error of variance 1/12, what rounding to 8 bits leaves. Two
# photos cannot be told to be nearer, and the mean over photos stays finite.
HIGHEST_PSNR = 10 * np.log10(12 * 255**2)
WINDOW = 11  # Pixels, of SSIM.
STRIP = 2**18  # Pixels. Temporary arrays stay small, whatever the photo.


@dataclass(frozen=True)
class Scores:
    """One photo's scores, or the mean over several.

    Attributes:
        psnr: Peak signal-to-noise ratio of the sRGB levels in dB, at most
            `HIGHEST_PSNR`; higher is closer. It rewards grey where the color
            is a guess.
        ciede2000: Mean CIEDE2000 difference; lower is closer, 1 is just
            noticeable.
        colorfulness: Hasler & Suesstrunk's; 0 is grey, natural photos have
            30 to 60.
    """

    psnr: float
    ciede2000: float
    colorfulness: float


@dataclass(frozen=True)
class DetailedScores(Scores):
    """All scores of one photo.

    Attributes:
        ssim: Structural similarity, see `ssim`; 1 is the same.
        ab_error: Mean difference of a* and b*, L*a*b* units.
        within_2: Share of the pixels, in [0, 1], of which every sRGB channel
            is at most 2 % of 255 off; see `share_within`.
        within_5: The same with 5 %.
        colorfulness_error: Difference from the true photo's, never negative.
    """

    ssim: float
    ab_error: float
    within_2: float
    within_5: float
    colorfulness_error: float


class MeasuredPhoto:
    """A photo with what several scores need of it, each computed once.

    Args:
        rgb: `(h, w, 3)` uint8 sRGB.
    """

    def __init__(self, rgb: np.ndarray):
        self.rgb = rgb

    @cached_property
    def lab(self) -> np.ndarray:
        """`(h, w, 3)` float32, L*a*b* units."""
        lab = np.empty(self.rgb.shape, "float32")
        rgb, flat = self.rgb.reshape(-1, 3), lab.reshape(-1, 3)
        for strip in _strips(len(flat)):
            flat[strip] = color.rgb_to_lab(rgb[strip]).numpy()
        return lab

    @cached_property
    def colorfulness(self) -> float:
        """Hasler & Suesstrunk's."""
        return colorfulness(self.rgb)


def score(real_rgb: np.ndarray, fake_rgb: np.ndarray) -> Scores:
    """Scores one colorized photo against the true one.

    Args:
        real_rgb: `(h, w, 3)` uint8 sRGB.
        fake_rgb: Same shape and type.
    """
    real, fake = MeasuredPhoto(real_rgb), MeasuredPhoto(fake_rgb)
    return Scores(
        psnr=psnr(real_rgb, fake_rgb),
        ciede2000=ciede2000(real.lab, fake.lab),
        colorfulness=fake.colorfulness,
    )


def detailed_score(real: MeasuredPhoto, fake: MeasuredPhoto) -> DetailedScores:
    """Scores one colorized photo in every way.

    Args:
        real: The true photo.
        fake: The colorized one, of the same size.
    """
    return DetailedScores(
        psnr=psnr(real.rgb, fake.rgb),
        ciede2000=ciede2000(real.lab, fake.lab),
        colorfulness=fake.colorfulness,
        ssim=ssim(real.rgb, fake.rgb),
        ab_error=ab_error(real.lab, fake.lab),
        within_2=share_within(real.rgb, fake.rgb, 0.02),
        within_5=share_within(real.rgb, fake.rgb, 0.05),
        colorfulness_error=abs(fake.colorfulness - real.colorfulness),
    )


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """Returns the mean of each score over photos."""
    columns = ([getattr(s, name) for s in scores] for name in SCORE_NAMES)
    return Scores(*(float(np.mean(column)) for column in columns))


def psnr(real_rgb: np.ndarray, fake_rgb: np.ndarray) -> float:
    """Returns the peak signal-to-noise ratio in dB, at most `HIGHEST_PSNR`.

    Args:
        real_rgb: `(h, w, 3)` uint8 sRGB.
        fake_rgb: Same shape and type.
    """
    with np.errstate(divide="ignore"):  # Of two photos that are the same.
        ratio = peak_signal_noise_ratio(real_rgb, fake_rgb, data_range=255)
    return float(min(ratio, HIGHEST_PSNR))


def ssim(real_rgb: np.ndarray, fake_rgb: np.ndarray) -> float:
    """Returns the mean structural similarity over the sRGB channels.

    The window is a Gaussian of 11 x 11 pixels and a standard deviation of 1.5.
    Photos with a smaller side are continued to 11 pixels by mirror images.

    Args:
        real_rgb: `(h, w, 3)` uint8 sRGB.
        fake_rgb: Same shape and type.

    Source:
        Wang, Bovik, Sheikh, Simoncelli, Image quality assessment: from error
        visibility to structural similarity, 2004.
    """
    reals, fakes = _mirrored(real_rgb), _mirrored(fake_rgb)
    border = WINDOW - 1
    rows = len(reals) - border  # Those that a whole window lies around.
    total = 0.0
    for inner in _strips(rows, max(1, STRIP // reals.shape[1])):
        strip = slice(inner.start, inner.stop + border)
        total += (inner.stop - inner.start) * structural_similarity(
            reals[strip],
            fakes[strip],
            channel_axis=-1,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    return float(total / rows)


def ciede2000(real_lab: np.ndarray, fake_lab: np.ndarray) -> float:
    """Returns the mean CIEDE2000 difference over pixels.

    Args:
        real_lab: `(h, w, 3)` floating point, L*a*b* units.
        fake_lab: Same shape.

    Source:
        Sharma, Wu, Dalal, The CIEDE2000 color-difference formula, 2005.
    """
    reals, fakes = real_lab.reshape(-1, 3), fake_lab.reshape(-1, 3)
    total = sum(
        deltaE_ciede2000(reals[strip], fakes[strip]).sum(dtype="float64")
        for strip in _strips(len(reals))
    )
    return float(total / len(reals))


def ab_error(real_lab: np.ndarray, fake_lab: np.ndarray) -> float:
    """Returns the mean absolute difference of a* and b*, in L*a*b* units.

    Args:
        real_lab: `(h, w, 3)` floating point, L*a*b* units.
        fake_lab: Same shape.
    """
    off = np.abs(real_lab[..., 1:] - fake_lab[..., 1:])
    return float(off.mean(dtype="float64"))


def share_within(
    real_rgb: np.ndarray, fake_rgb: np.ndarray, tolerance: float
) -> float:
    """Returns the share of pixels that are nearly right, in [0, 1].

    Args:
        real_rgb: `(h, w, 3)` uint8 sRGB.
        fake_rgb: Same shape and type.
        tolerance: Share of 255 levels that each channel may be off.

    Source:
        After the accuracy of Nazeri, Ng, Ebrahimi, Image colorization using
        generative adversarial networks, 2018, whose code compares L*a*b*
        rounded to whole units instead, over ranges of 100 and 220.
    """
    off = np.abs(real_rgb.astype("int16") - fake_rgb).max(axis=-1)
    return float((off <= tolerance * 255).mean())


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


def _mirrored(rgb: np.ndarray) -> np.ndarray:
    missing = [(0, max(0, WINDOW - side)) for side in rgb.shape[:2]]
    return np.pad(rgb, [*missing, (0, 0)], mode="symmetric")


def _strips(length: int, size: int = STRIP) -> Iterator[slice]:
    """Yields slices that together cover a length."""
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))
