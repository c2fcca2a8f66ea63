"""The difference of an artifact from the Keras model, on real photos."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_colorizer.chroma import steps
from keras_colorizer.hints import Hint, hint_array
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.metrics import mean_scores, score
from keras_colorizer.photos import Photo

HintedPrediction = Callable[[np.ndarray, np.ndarray], np.ndarray]

NONE = hint_array([])[None]
EXAMPLE = hint_array([Hint(0.3, 0.4, "firebrick"), Hint(0.8, 0.1, "navy")])[
    None
]


@dataclass(frozen=True)
class Parity:
    """The difference over all photos.

    Attributes:
        photos: How many.
        max_ab: Largest difference of a predicted a* or b*.
        mean_ab: Mean difference, L*a*b* units.
        max_level: Largest difference of an sRGB level of 8 bits.
        mean_level: Mean difference.
        psnr: Of the artifact's photos against the true ones, dB.
        keras_psnr: Of the Keras model's.
        colorfulness: Of the artifact's photos.
        keras_colorfulness: Of the Keras model's.
        max_ab_with_hints: Largest difference of a* or b* with two hints; None
            if the artifact takes none.
        max_ab_without_hints: Largest difference that the signature for hints
            makes when it gets none, to the artifact's own `predict_ab`.
    """

    photos: int
    max_ab: float
    mean_ab: float
    max_level: int
    mean_level: float
    psnr: float
    keras_psnr: float
    colorfulness: float
    keras_colorfulness: float
    max_ab_with_hints: float | None = None
    max_ab_without_hints: float | None = None


class KerasResults:
    """The Keras model's results on color photos, `(h, w, 3)` uint8 sRGB."""

    def __init__(self, colorizer: Colorizer, photos: Sequence[np.ndarray]):
        self.photos = photos
        self.views = network_views(photos, colorizer.render_size)
        self.ab = [colorizer.predict_ab(view) for view in self.views]
        self.hinted_ab = [
            colorizer.predict_ab_with_hints(view, EXAMPLE)
            for view in self.views
        ]
        self.rgb = [
            colorizer.colorize_photo(Photo(photo)).pixels for photo in photos
        ]
        self.scores = mean_scores(
            [score(*pair) for pair in zip(photos, self.rgb, strict=True)]
        )

    def compare(
        self,
        predict_ab: Callable[[np.ndarray], np.ndarray],
        colorize: Callable[[np.ndarray], np.ndarray],
        predict_ab_with_hints: HintedPrediction | None = None,
    ) -> Parity:
        """Compares an artifact.

        Args:
            predict_ab: Its prediction, as `Colorizer.predict_ab`.
            colorize: From a photo as above to the colored one.
            predict_ab_with_hints: As `Colorizer.predict_ab_with_hints`, if it
                takes hints.
        """
        ab = _differences([predict_ab(view) for view in self.views], self.ab)
        rgb = [colorize(photo) for photo in self.photos]
        levels = _differences(rgb, self.rgb)
        scores = mean_scores(
            [score(*pair) for pair in zip(self.photos, rgb, strict=True)]
        )
        return Parity(
            photos=len(self.photos),
            max_ab=float(ab.max()),
            mean_ab=float(ab.mean()),
            max_level=int(levels.max()),
            mean_level=float(levels.mean()),
            psnr=scores.psnr,
            keras_psnr=self.scores.psnr,
            colorfulness=scores.colorfulness,
            keras_colorfulness=self.scores.colorfulness,
            **self._hint_differences(predict_ab, predict_ab_with_hints),
        )

    def _hint_differences(
        self,
        predict_ab: Callable[[np.ndarray], np.ndarray],
        predict_ab_with_hints: HintedPrediction | None,
    ) -> dict[str, float]:
        if predict_ab_with_hints is None:
            return {}
        pairs: dict[str, list[list[np.ndarray]]] = {
            "max_ab_with_hints": [
                [predict_ab_with_hints(view, EXAMPLE) for view in self.views],
                self.hinted_ab,
            ],
            "max_ab_without_hints": [
                [predict_ab_with_hints(view, NONE) for view in self.views],
                [predict_ab(view) for view in self.views],
            ],
        }
        return {
            name: float(_differences(*pair).max())
            for name, pair in pairs.items()
        }


def network_views(
    photos: Sequence[np.ndarray], render_size: int
) -> list[np.ndarray]:
    """Maps photos to `(1, render_size, render_size, 1)` float32 L*."""
    return [
        steps.network_view(steps.photo_lightness(photo), render_size)
        for photo in photos
    ]


def _differences(
    ours: Sequence[np.ndarray], expected: Sequence[np.ndarray]
) -> np.ndarray:
    return np.concatenate(
        [
            np.abs(one.astype("float32") - other).ravel()
            for one, other in zip(ours, expected, strict=True)
        ]
    )


# How much an artifact may differ, by the precision of its weights.
MAX_LEVELS = {"float32": 1, "float16": 2}
MAX_PSNR_LOSS = 1.5  # dB, of 8-bit arithmetic.
MAX_COLORFULNESS_CHANGE = 0.10  # Of the Keras model's.
MAX_AB_WITHOUT_HINTS = 1e-3  # Of float32 sums in another order.
MAX_AB_OF_HINTS = 1.0  # That hints add to the largest difference of ab.


def excess(parity: Parity, precision: str) -> str | None:
    """Returns by what an artifact of a precision differs too much, or None."""
    if problem := _excess_of_hints(parity):
        return problem
    if precision in MAX_LEVELS:
        if parity.max_level <= MAX_LEVELS[precision]:
            return None
        return (
            f"a pixel differs by {parity.max_level} levels from the Keras "
            f"model's, where {MAX_LEVELS[precision]} may be"
        )
    loss = parity.keras_psnr - parity.psnr
    if loss > MAX_PSNR_LOSS:
        return (
            f"it loses {loss:.1f} dB of PSNR, where {MAX_PSNR_LOSS} dB may be"
        )
    change = parity.colorfulness / max(parity.keras_colorfulness, 1e-9) - 1
    if abs(change) > MAX_COLORFULNESS_CHANGE:
        return (
            f"it changes colorfulness by {change:+.0%}, where "
            f"{MAX_COLORFULNESS_CHANGE:.0%} may be"
        )
    return None


def _excess_of_hints(parity: Parity) -> str | None:
    if (parity.max_ab_without_hints or 0) > MAX_AB_WITHOUT_HINTS:
        return (
            "its signature for hints, given none, differs by "
            f"{parity.max_ab_without_hints:.3g} units of ab from `predict_ab`"
        )
    if (parity.max_ab_with_hints or 0) > parity.max_ab + MAX_AB_OF_HINTS:
        return (
            f"with hints it differs by {parity.max_ab_with_hints:.1f} units of "
            f"ab from the Keras model, without by {parity.max_ab:.1f}"
        )
    return None
