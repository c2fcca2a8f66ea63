"""The photos that a model helped most, and least."""

from dataclasses import dataclass
from operator import attrgetter

from PIL import Image

from keras_colorizer.metrics import DetailedScores

SHOWN = 4  # Of either kind.


@dataclass(frozen=True)
class Example:
    """A photo to show.

    Attributes:
        gain: How much CIEDE2000 is lower than with ab = 0.
        name: Of the photo.
        scores: Of the colorized one.
        grey_scores: Of the grey one.
        pictures: Grey, colorized and true, reduced.
    """

    gain: float
    name: str
    scores: DetailedScores
    grey_scores: DetailedScores
    pictures: tuple[Image.Image, Image.Image, Image.Image]


class Gallery:
    """Keeps the few best and worst of any number of photos."""

    def __init__(self):
        self._count = 0
        self._best: list[Example] = []
        self._worst: list[Example] = []

    def offer(self, example: Example) -> None:
        """Takes one photo in, if it is among the best or worst so far.

        Args:
            example: The photo.
        """
        order = attrgetter("gain", "name")
        self._count += 1
        self._worst = sorted([*self._worst, example], key=order)[:SHOWN]
        best = sorted([*self._best, example], key=order, reverse=True)
        self._best = best[:SHOWN]

    @property
    def best(self) -> list[Example]:
        """Those with the highest gains, the highest first."""
        return self._best[: (self._count + 1) // 2]

    @property
    def worst(self) -> list[Example]:
        """Those with the lowest, the lowest first; none is among the best."""
        return self._worst[: self._count // 2]
