"""The metrics of an evaluation, and tables for a terminal of 80 columns."""

from collections.abc import Sequence
from typing import NamedTuple

from rich import box
from rich.markup import escape
from rich.table import Table

from keras_colorizer.evaluation.summary import Estimate, Row


class Metric(NamedTuple):
    """A figure of the tables; `report.html.jinja` has its definition."""

    name: str  # Its key in `report.json`.
    title: str  # Above its column.
    form: str  # Of its numbers, as `format` takes it.

    def text(self, estimate: Estimate) -> str:
        """Returns the figure, as it is shown."""
        return format(estimate.value, self.form)

    def interval(self, estimate: Estimate) -> str:
        """Returns its interval, as it is shown, or nothing without one."""
        if estimate.low is None or estimate.high is None:
            return ""
        low, high = estimate.low, estimate.high
        return f"{low:{self.form}} to {high:{self.form}}"


SHARE = Metric("colorfulness_share", "of the true", ".0%")
GAINS = (
    Metric("psnr_gain", "PSNR gain, dB", "+z.2f"),
    Metric("ciede2000_gain", "CIEDE2000 gain", "+z.2f"),
)
# Metrics that are read together, by the title of their table.
GROUPS = {
    "Nearness to the true photos": (
        Metric("psnr", "PSNR, dB", "z.2f"),
        Metric("ssim", "SSIM", "z.3f"),
        Metric("ciede2000", "CIEDE2000", "z.2f"),
        Metric("ab_error", "ab error", "z.2f"),
    ),
    "Gains over grey, and nearly right pixels": (
        *GAINS,
        Metric("within_2", "within 2 %", ".1%"),
        Metric("within_5", "within 5 %", ".1%"),
    ),
    "Colorfulness": (
        Metric("colorfulness", "colorful", "z.1f"),
        SHARE,
        Metric("colorfulness_error", "off per photo", "z.1f"),
        Metric("colorfulness_gap", "off in mean", "z.1f"),
        Metric("mostly_brown", "mostly brown", ".0%"),
    ),
}
METRICS = {metric.name: metric for group in GROUPS.values() for metric in group}
CURVES = "At equal colorfulness"
CURVE_METRICS = (
    Metric("colorfulness_share", "reached", ".1%"),
    Metric("factor", "factor", "z.2f"),
    *GAINS,
)


def metric_table(
    title: str, metrics: Sequence[Metric], rows: Sequence[Row]
) -> Table:
    """Returns a table of the rows that have figures of these metrics."""
    table = Table(
        title=f"\n{title}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("", overflow="fold", min_width=8)
    for metric in metrics:
        table.add_column(metric.title, justify="right", no_wrap=True)
    for row in rows:
        cells = [_cell(m, row.estimates.get(m.name)) for m in metrics]
        if any(cells):
            table.add_row(escape(row.name), *cells)
    return table


def _cell(metric: Metric, estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    return f"{metric.text(estimate)}\n[dim]{metric.interval(estimate)}[/]"
