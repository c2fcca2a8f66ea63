"""The scores of one photo, left grey and colorized by each model."""

from dataclasses import dataclass

from keras_colorizer.metrics import DetailedScores

GREY = "left grey (ab = 0)"


@dataclass(frozen=True)
class PhotoScores:
    """One photo's.

    Attributes:
        name: Its path below the folder that was named.
        height: In pixels.
        width: In pixels.
        is_colored: Whether the true photo has color, see `Photo.is_colored`.
        true_colorfulness: The true photo's.
        scores: By the name of the row, `GREY` first.
    """

    name: str
    height: int
    width: int
    is_colored: bool
    true_colorfulness: float
    scores: dict[str, DetailedScores]

    def psnr_gain(self, row: str) -> float:
        """How many dB nearer to the truth than grey; negative is farther."""
        return self.scores[row].psnr - self.scores[GREY].psnr

    def ciede2000_gain(self, row: str) -> float:
        """How much nearer to the truth than grey; negative is farther."""
        return self.scores[GREY].ciede2000 - self.scores[row].ciede2000
