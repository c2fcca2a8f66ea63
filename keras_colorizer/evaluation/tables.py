"""The report in a terminal of 80 columns."""

from rich import box
from rich.markup import escape
from rich.table import Table

from keras_colorizer.evaluation.definitions import GROUPS, METRICS, Group
from keras_colorizer.evaluation.report import EvaluationReport
from keras_colorizer.evaluation.summary import Row


def tables(report: EvaluationReport) -> list[Table]:
    """Returns a table for each group of metrics, a row for each model.

    Args:
        report: What was found.
    """
    return [_table(group, report.rows) for group in GROUPS]


def true_line(report: EvaluationReport) -> str:
    """Says how colorful the true photos are.

    Args:
        report: What was found.
    """
    metric, true = METRICS["colorfulness"], report.true_colorfulness
    interval = (
        f" ({metric.interval_text(true)})" if report.has_intervals else ""
    )
    return (
        f"{len(report.photos)} true photos have a mean colorfulness of "
        f"{metric.text(true)}{interval}."
    )


def _table(group: Group, rows: list[Row]) -> Table:
    table = Table(
        title=group.title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("", overflow="fold", min_width=8)
    for metric in group.metrics:
        table.add_column(metric.title, justify="right", no_wrap=True)
    for row in rows:
        cells = [_cell(metric, row) for metric in group.metrics]
        if any(cells):
            table.add_row(escape(row.name), *cells)
    return table


def _cell(metric, row):
    estimate = row.estimates.get(metric.name)
    if estimate is None:
        return ""
    interval = metric.interval_text(estimate)
    value = metric.text(estimate)
    return f"{value}\n[dim]{interval}[/]" if interval else value
