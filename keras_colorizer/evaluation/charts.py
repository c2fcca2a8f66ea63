"""Charts of true and painted colors."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_colorizer.evaluation.colors import (
    AB_BIN,
    AB_EDGES,
    CHROMA_BIN,
    CHROMA_MIDDLES,
)
from keras_colorizer.evaluation.judging import GREY, TRUE, JudgedPhoto

LOWEST_DENSITY = 1e-6
FEWEST = 1e-4  # Share of the pixels that a point of a curve needs.
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # A model may have a $ in its name.
}

Colors = dict[str, dict[str, np.ndarray]]


def color_charts(photos: Sequence[JudgedPhoto]) -> bytes:
    """Draws the mean colors of photos.

    Returns:
        An SVG file: densities of a* and b*, true and painted; true chroma
        given the painted, and the other way around.
    """
    models = [row for row in photos[0].colors if row not in (GREY, TRUE)]
    colors = {
        row: {
            key: np.mean([photo.colors[row][key] for photo in photos], axis=0)
            for key in photos[0].colors[row]
        }
        for row in (TRUE, *models)
    }
    file = io.BytesIO()
    with style.context(["tableau-colorblind10", STYLE]):
        figure = Figure(figsize=(9, 7), layout="constrained")
        a, b, painted, true = figure.subplots(2, 2).flat
        _draw_density(a, colors, 0, "a*: green to red")
        _draw_density(b, colors, 1, "b*: blue to yellow")
        _draw_calibration(painted, colors, "painted", "true")
        _draw_calibration(true, colors, "true", "painted")
        figure.savefig(file, format="svg")
    return file.getvalue()


def _draw_density(
    axes: Axes, colors: Colors, channel: int, xlabel: str
) -> None:
    for place, (row, measured) in enumerate(colors.items()):
        axes.stairs(
            measured["ab"][channel],
            AB_EDGES,
            baseline=LOWEST_DENSITY,
            fill=row == TRUE,
            color=f"C{place}" if place else "0.8",
            label=row,
        )
    axes.set(xlabel=xlabel, ylabel="share of the pixels, per unit")
    axes.set(yscale="log", ylim=(LOWEST_DENSITY, 1 / AB_BIN))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend()


def _draw_calibration(
    axes: Axes, colors: Colors, given: str, other: str
) -> None:
    highest = float(CHROMA_BIN)
    for place, (row, measured) in enumerate(colors.items()):
        if row != TRUE:
            shares, totals = measured[f"given_{given}"]
            enough = shares >= FEWEST
            xs, ys = CHROMA_MIDDLES[enough], totals[enough] / shares[enough]
            axes.plot(xs, ys, f"C{place}.-", label=row)
            highest = max([highest, *xs, *ys])
    axes.axline((0, 0), slope=1, color="0.5", ls="--", label="equal")
    axes.set(xlim=(0, highest), ylim=(0, highest))
    axes.set(xlabel=f"{given} chroma", ylabel=f"mean {other} chroma")
    axes.legend()
