"""Charts of the colors that models paint, as SVG for a page."""

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from keras_colorizer.evaluation.colors import (
    AB_BIN,
    AB_EDGES,
    CHROMA_BIN,
    calibration,
)
from keras_colorizer.evaluation.report import EvaluationReport

SIZE = (4.4, 3.2)  # Inches of 72 pixels, before the page scales it.
INK = "#010203"  # Becomes the color of the page's text, light or dark.
# Okabe & Ito's palette, for all kinds of color vision, without its black and
# its yellow, which vanish in the dark and in the light.
PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#d55e00", "#0072b2")
DASHES = ("-", "--", ":")  # One for each time that the palette is used up.
FEWEST = 1e-4  # Share of the pixels that a point needs.
LOWEST_DENSITY = 1e-6
STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": "sans-serif",
    "font.size": 10,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,  # A model may have a $ in its name.
    "xtick.color": INK,
    "ytick.color": INK,
}


def ab_charts(report: EvaluationReport) -> list[str]:
    """Draws how often each a* and each b* occurs, painted and in truth.

    Args:
        report: What was found.

    Returns:
        Two SVG elements.
    """
    return [
        _chart("a*: green to red", _draw_ab, report, 0),
        _chart("b*: blue to yellow", _draw_ab, report, 1),
    ]


def calibration_charts(report: EvaluationReport) -> list[str]:
    """Draws painted chroma against true chroma, given either.

    Args:
        report: What was found.

    Returns:
        Two SVG elements.
    """
    given_painted = (report, "given_predicted", "mean true chroma")
    given_true = (report, "given_true", "mean painted chroma")
    return [
        _chart("painted chroma", _draw_calibration, *given_painted),
        _chart("true chroma", _draw_calibration, *given_true),
    ]


def _draw_ab(axes, report, channel):
    photos = len(report.photos)
    axes.stairs(
        report.true_ab[channel] / photos,
        AB_EDGES,
        baseline=LOWEST_DENSITY,
        fill=True,
        color=INK,
        alpha=0.25,
        label="true",
    )
    for name, style in _lines(report):
        density = report.colors[name].ab[channel] / photos
        axes.stairs(density, AB_EDGES, label=name, **style)
    axes.set_yscale("log")
    axes.set_ylim(LOWEST_DENSITY, 1 / AB_BIN)
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    axes.set_ylabel("pixels, per unit")


def _draw_calibration(axes, report, given, ylabel):
    highest = CHROMA_BIN
    for name, style in _lines(report):
        sums = getattr(report.colors[name], given)
        xs, ys = calibration(sums, photos=len(report.photos), fewest=FEWEST)
        axes.plot(xs, ys, marker=".", label=name, **style)
        highest = max([highest, *xs, *ys])
    ends = (0, highest)
    axes.plot(ends, ends, color=INK, ls="--", lw=1, alpha=0.5, label="equal")
    axes.set_ylabel(ylabel)


def _lines(report):
    """Yields the name of each model and how its line looks."""
    for i, model in enumerate(report.models):
        round_, place = divmod(i, len(PALETTE))
        dashes = DASHES[round_ % len(DASHES)]
        yield model.name, {"color": PALETTE[place], "ls": dashes, "lw": 1.6}


def _chart(xlabel: str, draw: Callable, *arguments) -> str:
    """Returns what a function draws into the axes that it is given."""
    # The salt keeps the names inside one SVG from meaning things in another.
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": xlabel}):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        draw(axes, *arguments)
        axes.set_xlabel(xlabel)
        lines = axes.get_legend_handles_labels()
        figure.legend(*lines, loc="outside upper left", ncols=2)
        file = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    return _for_page(file.getvalue())


def _for_page(svg):
    svg = svg[svg.index("<svg") :]  # Without the head of a file of its own.
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)  # The same in every chart.
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", svg)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    return svg.replace(INK, "currentColor")
