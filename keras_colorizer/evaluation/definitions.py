"""What is measured, in words: for tables, the report and its readers."""

from dataclasses import dataclass

from keras_colorizer.evaluation.bootstrap import Estimate

HASLER = "Hasler & Süsstrunk 2003"
HASLER_LINK = "https://doi.org/10.1117/12.477378"
DDCOLOR = "Kang et al., DDColor, 2023"
DDCOLOR_LINK = "https://arxiv.org/abs/2212.11613"
NAZERI = "after Nazeri et al. 2018; in sRGB, our choice"
NAZERI_LINK = "https://arxiv.org/abs/1803.05400"


@dataclass(frozen=True)
class Metric:
    """One figure of the table.

    Attributes:
        name: Its key in `report.json`.
        title: Above its column.
        digits: After the decimal point.
        definition: In a sentence or two.
        source: Where it is from.
        link: To the source, or None.
        percent: Whether it is a share in [0, 1], shown in percent.
        signed: Whether its sign is always shown.
    """

    name: str
    title: str
    digits: int
    definition: str
    source: str
    link: str | None = None
    percent: bool = False
    signed: bool = False

    def text(self, estimate: Estimate) -> str:
        """Returns the figure, as it is shown.

        Args:
            estimate: Of this metric.
        """
        return self._number(estimate.value) + self._unit

    def interval_text(self, estimate: Estimate) -> str:
        """Returns the interval, or nothing if there is none.

        Args:
            estimate: Of this metric.
        """
        if estimate.low is None or estimate.high is None:
            return ""
        ends = (self._number(end) for end in (estimate.low, estimate.high))
        return (" to " if self.signed else "–").join(ends) + self._unit

    @property
    def _unit(self):
        return " %" if self.percent else ""

    def _number(self, value):
        sign = "+" if self.signed else ""
        value = round(100 * value if self.percent else value, self.digits)
        return f"{value + 0.0:{sign}.{self.digits}f}"  # + 0.0: never "-0.00".


@dataclass(frozen=True)
class Group:
    """A table of metrics that are read together.

    Attributes:
        title: Above the table.
        metrics: Its columns.
    """

    title: str
    metrics: tuple[Metric, ...]


NEARNESS = Group(
    "How near to the true photos",
    (
        Metric(
            "psnr",
            "PSNR, dB",
            2,
            "Peak signal-to-noise ratio of the 8-bit sRGB levels: 10 log10 of "
            "255² over the mean squared error of all pixels and channels. "
            "Higher is nearer. At most 58.9 dB, the error that rounding to 8 "
            "bits leaves; photos that are the same count as that.",
            "scikit-image",
            "https://scikit-image.org/docs/stable/api/skimage.metrics.html",
        ),
        Metric(
            "ssim",
            "SSIM",
            3,
            "Structural similarity, the mean over the three sRGB channels, "
            "with a Gaussian window of 11 x 11 pixels and a standard deviation "
            "of 1.5; photos with a smaller side are continued by mirror "
            "images. 1 is the same. The lightness is always the photo's own, "
            "so grey scores high, too.",
            "Wang et al. 2004, by scikit-image",
            "https://doi.org/10.1109/TIP.2003.819861",
        ),
        Metric(
            "ciede2000",
            "CIEDE2000",
            2,
            "The color difference that a person sees, mean over pixels. Lower "
            "is nearer; about 1 is just noticeable.",
            "Sharma et al. 2005, by scikit-image",
            "https://doi.org/10.1002/col.20070",
        ),
        Metric(
            "ab_error",
            "ab error",
            2,
            "Mean over pixels and both channels of the absolute difference of "
            "a* and b*, in L*a*b* units. Lower is nearer.",
            "the L1 of Isola et al. 2017, in units of L*a*b*",
            "https://arxiv.org/abs/1611.07004",
        ),
    ),
)
PIXELS = Group(
    "Nearly right pixels, and colorfulness",
    (
        Metric(
            "within_2",
            "within 2 %",
            1,
            "Share of the pixels of which every sRGB channel is at most 2 % "
            "of 255 off: 5 levels.",
            NAZERI,
            NAZERI_LINK,
            percent=True,
        ),
        Metric(
            "within_5",
            "within 5 %",
            1,
            "The same with 5 %: 12 levels.",
            NAZERI,
            NAZERI_LINK,
            percent=True,
        ),
        Metric(
            "colorfulness",
            "colorfulness",
            1,
            "Of the colorized photos: spread and mean of red - green and of "
            "yellow - blue. 0 is grey, natural photos have 30 to 60.",
            HASLER,
            HASLER_LINK,
        ),
        Metric(
            "colorfulness_share",
            "of the true",
            0,
            "Mean colorfulness of the colorized photos over that of the true "
            "ones. 100 % is as colorful as the truth.",
            "ours",
            percent=True,
        ),
    ),
)
GAINS = Group(
    "Against grey, and errors of colorfulness",
    (
        Metric(
            "psnr_gain",
            "PSNR gain, dB",
            2,
            "Mean over photos of how many dB nearer to the truth than grey. "
            "Each photo is compared with itself, which makes the interval "
            "narrow: above 0 it is better than grey.",
            "ours",
            signed=True,
        ),
        Metric(
            "ciede2000_gain",
            "CIEDE2000 gain",
            2,
            "Likewise how much smaller the color difference is than grey's.",
            "ours",
            signed=True,
        ),
        Metric(
            "colorfulness_error",
            "off per photo",
            1,
            "Mean over photos of how much the colorfulness of a photo differs "
            "from the true one's, up or down.",
            f"ours, on {HASLER}",
            HASLER_LINK,
        ),
        Metric(
            "colorfulness_gap",
            "off in mean",
            1,
            "Difference of the two mean colorfulnesses. Too much here and too "
            "little there cancel out.",
            f"ΔCF of {DDCOLOR}",
            DDCOLOR_LINK,
        ),
    ),
)
GROUPS = (NEARNESS, PIXELS, GAINS)
METRICS = {metric.name: metric for group in GROUPS for metric in group.metrics}
