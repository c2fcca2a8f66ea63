"""What an evaluation found."""

import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import keras_colorizer
from keras_colorizer.errors import ConfigError
from keras_colorizer.evaluation import bootstrap
from keras_colorizer.evaluation.bootstrap import Estimate
from keras_colorizer.evaluation.colors import (
    AB_EDGES,
    CHROMA_MIDDLES,
    Colors,
)
from keras_colorizer.evaluation.gallery import Gallery
from keras_colorizer.evaluation.photo_scores import GREY, PhotoScores
from keras_colorizer.evaluation.summary import Row
from keras_colorizer.files import whole_file

VERSIONED = ("numpy", "scikit-image", "tensorflow", "keras")


@dataclass(frozen=True)
class EvaluationReport:
    """Scores of one or several models, beside leaving the photos grey.

    Attributes:
        rows: Means over photos with 95 % intervals: grey, then the models.
        true_colorfulness: The mean of the true photos.
        photos: The scores of each photo.
        unreadable: Why photos could not be judged, a sentence each.
        true_ab: `(2, AB_BINS)`, see `colors.Colors.ab`, of the true photos.
        colors: By model, what it paints, added up over photos.
        galleries: By model, photos to show.
    """

    rows: list[Row]
    true_colorfulness: Estimate
    photos: list[PhotoScores]
    unreadable: list[str]
    true_ab: np.ndarray = field(repr=False)
    colors: dict[str, Colors] = field(repr=False)
    galleries: dict[str, Gallery] = field(repr=False)

    @property
    def models(self) -> list[Row]:
        """The rows but grey."""
        return [row for row in self.rows if row.name != GREY]

    @property
    def colorless(self) -> list[str]:
        """Names of the photos that have no color to find; they count, too."""
        return [photo.name for photo in self.photos if not photo.is_colored]

    @property
    def has_intervals(self) -> bool:
        """Whether there were photos enough for them."""
        return len(self.photos) >= bootstrap.FEWEST_PHOTOS

    def write(self, path: str | Path) -> None:
        """Writes the report for people, and `.json` for machines beside it.

        Args:
            path: Of the HTML file.

        Raises:
            ConfigError: If it is named as the other one.
            OSError: If a file cannot be written; none is then half-written.
        """
        from keras_colorizer.evaluation.page import page

        html, figures = Path(path), Path(path).with_suffix(".json")
        if html == figures:
            raise ConfigError(f"`{path}` must end in .html.")
        with whole_file(html) as temporary:
            temporary.write_text(page(self), encoding="utf-8")
        with whole_file(figures) as temporary:
            content = json.dumps(self.figures(), indent=1, allow_nan=False)
            temporary.write_text(content + "\n", encoding="utf-8")

    def figures(self) -> dict[str, Any]:
        """Returns all figures, as `report.json` holds them."""
        return {
            "photos": len(self.photos),
            "colorless": self.colorless,
            "unreadable": self.unreadable,
            "intervals": {
                "method": "bootstrap over photos, percentiles",
                "confidence": bootstrap.CONFIDENCE,
                "resamples": bootstrap.RESAMPLES,
                "seed": bootstrap.SEED,
            },
            "true_colorfulness": asdict(self.true_colorfulness),
            "rows": [asdict(row) for row in self.rows],
            "per_photo": [asdict(photo) for photo in self.photos],
            "colors": self._color_figures(),
            "versions": _versions(),
        }

    def __rich_console__(self, console, options):
        from keras_colorizer.evaluation.tables import tables, true_line

        for table in tables(self):
            yield table
            yield ""
        yield true_line(self)

    def _color_figures(self):
        photos = len(self.photos)
        return {
            "ab_edges": AB_EDGES.tolist(),
            "chroma_middles": CHROMA_MIDDLES.tolist(),
            "true_ab_density": (self.true_ab / photos).tolist(),
            "models": {
                name: {
                    "ab_density": (colors.ab / photos).tolist(),
                    "given_predicted_chroma": _curve(
                        colors.given_predicted, photos
                    ),
                    "given_true_chroma": _curve(colors.given_true, photos),
                }
                for name, colors in self.colors.items()
            },
        }


def _curve(sums, photos):
    shares, totals = sums
    return {
        "shares": (shares / photos).tolist(),
        "mean_chroma": _means(totals, shares),
    }


def _means(totals, shares) -> Sequence[float | None]:
    return [
        float(total / share) if share else None
        for total, share in zip(totals, shares, strict=True)
    ]


def _versions():
    own = {"keras_colorizer": keras_colorizer.__version__}
    return own | {name: importlib.metadata.version(name) for name in VERSIONED}
