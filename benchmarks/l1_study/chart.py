"""The scores over the weight of L1, as a picture."""

from pathlib import Path

import matplotlib
import numpy as np
from l1_study.results import Start
from l1_study.summary import Row, estimates
from matplotlib.figure import Figure

from keras_colorizer.evaluation.charts import INK, PALETTE, STYLE

SIZE, DPI = (11, 4), 120  # Inches; pixels in each.
PANELS = {
    "ciede2000": "CIEDE2000 (lower is nearer)",
    "psnr": "PSNR, dB (higher is nearer)",
    "colorfulness": "colorfulness",
}
APART = 1.04  # Between the discriminators, so that intervals do not overlap.


def draw_chart(path: Path, start: Start, rows: list[Row]) -> None:
    """Draws a panel for each score.

    Intervals are over photos; small points are the seeds.

    Args:
        path: A `.png` file.
        start: Makes the horizontal lines.
        rows: Make the points.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
        panels = figure.subplots(1, len(PANELS))
        for axes, (name, title) in zip(panels, PANELS.items(), strict=True):
            _draw_lines(axes, name, start)
            _draw_rows(axes, name, start, rows)
            _label(axes, title, rows)
        lines = panels[-1].get_legend_handles_labels()
        figure.legend(*lines, loc="outside upper left", ncols=5)
        figure.savefig(path)


def _draw_lines(axes, name, start):
    lines = {
        "left grey": (start.grey[name], ":"),
        "the start": (start.start[name], "--"),
    }
    if name == "colorfulness":
        lines["true"] = (start.true_colorfulness, "-")
    for label, (values, dashes) in lines.items():
        axes.axhline(np.mean(values), color=INK, ls=dashes, lw=1, label=label)


def _draw_rows(axes, name, start, rows):
    names = list(dict.fromkeys(row.discriminator for row in rows))
    for place, discriminator in enumerate(names):
        of_one = [row for row in rows if row.discriminator == discriminator]
        shift = APART ** (place - (len(names) - 1) / 2)
        found = [estimates(row.scores, start)[name] for row in of_one]
        style = {"color": PALETTE[place % len(PALETTE)]}
        axes.errorbar(
            [shift * row.l1_weight for row in of_one],
            [estimate.value for estimate in found],
            yerr=_reaches(found),
            marker="o",
            capsize=3,
            label=discriminator,
            **style,
        )
        for row in of_one:
            means = [np.mean(run.scores[name]) for run in row.runs.values()]
            weights = [shift * row.l1_weight] * len(means)
            axes.plot(weights, means, ls="", marker=".", alpha=0.5, **style)


def _reaches(found):
    """How far each interval reaches below and above; None without any."""
    if any(estimate.low is None for estimate in found):
        return None
    return np.transpose([(e.value - e.low, e.high - e.value) for e in found])


def _label(axes, title, rows):
    weights = sorted({row.l1_weight for row in rows})
    axes.set_xscale("log")
    axes.set_xticks(weights, [f"{weight:g}" for weight in weights])
    axes.minorticks_off()
    axes.set_xlabel("l1_weight")
    axes.set_title(title, fontsize="medium")
