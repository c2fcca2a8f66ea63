"""The report: tables in markdown, a chart, and a sheet of photos."""

import io
from contextlib import redirect_stdout
from dataclasses import dataclass

import numpy as np
from l1_study.chart import draw_chart
from l1_study.results import ResultFolder, Start
from l1_study.settings import StudyConfig
from l1_study.sheet import Sheet
from l1_study.summary import (
    Row,
    differences,
    estimates,
    finished_rows,
    mean_cosine,
    mean_share,
)
from measuring import print_machine, print_table

from keras_colorizer.files import whole_file
from keras_colorizer.metrics import SCORE_NAMES

SCORES = ("PSNR, dB", "CIEDE2000", "colorfulness")
FORMATS = {
    "psnr": ".2f",
    "ciede2000": ".2f",
    "colorfulness": ".1f",
    "colorfulness_share": ".0%",
}
NONE = "-"
LAST = 0.1  # Share of the steps over which a loss is averaged.


class Report:
    """Writes all that is known.

    Args:
        config: The settings.
        folder: Holds what was found, and takes the report.
    """

    def __init__(self, config: StudyConfig, folder: ResultFolder):
        self.config = config
        self.folder = folder
        self.sheet = Sheet(config, folder)
        self.machine = _printed(print_machine, "tensorflow", "keras", "numpy")

    def write(self) -> None:
        """Writes `l1_weight.md`, `.png` and, of sheet photos, `_sheet.jpg`."""
        with whole_file(self.folder.path / "l1_weight.md") as path:
            path.write_text(self.text())
        rows = finished_rows(self.config, self.folder)
        with whole_file(self.folder.path / "l1_weight.png") as path:
            draw_chart(path, self.folder.start(), rows)
        if self.config.sheet_photos:
            with whole_file(self.folder.path / "l1_weight_sheet.jpg") as path:
                self.sheet.draw().save(path, quality=90)

    def text(self) -> str:
        """Returns the tables."""
        rows = finished_rows(self.config, self.folder)
        tables = Tables(self.folder.start(), rows)
        parts = [self.machine, _setting(self.config, tables.start)]
        done = sum(len(row.runs) for row in rows)
        if done < len(self.config.runs):
            parts.append(f"{done} of {len(self.config.runs)} runs so far.\n\n")
        return "".join([*parts, _printed(tables.print).rstrip(), "\n"])


@dataclass(frozen=True)
class Tables:
    """What is compared.

    Attributes:
        start: What all runs share.
        rows: One for each weight against each discriminator.
    """

    start: Start
    rows: list[Row]

    def print(self) -> None:
        """Prints all of them."""
        self._print_scores()
        self._print_differences()
        self._print_seeds()

    def _print_scores(self):
        print("Means over photos and seeds, with 95 % intervals over photos:\n")
        header = ["discriminator", "l1_weight", *SCORES, "of the true"]
        baselines = [
            (f"none: {name}", NONE, *self._cells(scores), NONE, NONE)
            for name, scores in (
                ("left grey", self.start.grey),
                ("the start", self.start.start),
                *(
                    (f"the start, ab times {factor}", scores)
                    for factor, scores in self.start.bolder.items()
                ),
            )
        ]
        rows = [
            (
                *_named(row),
                *self._cells(row.scores),
                f"{mean_share(list(row.runs.values())):.1%}",
                mean_cosine(list(row.runs.values())),
            )
            for row in self.rows
        ]
        print_table(
            [*header, "adversarial share", "cosine"], [*baselines, *rows]
        )
        print(
            '"Adversarial share": of the norms of the two gradients. "Cosine":'
            "\nbetween them.\n"
        )

    def _cells(self, scores):
        found = estimates(scores, self.start)
        return [_text(found[name], FORMATS[name]) for name in FORMATS]

    def _print_differences(self):
        """Prints what the largest weight changes, on the same photos."""
        first = {row.discriminator: row for row in reversed(self.rows)}
        if len(self.rows) == len(first):
            return
        print("Difference from the largest weight, photo by photo:\n")
        print_table(
            ["discriminator", "l1_weight", *SCORES],
            [
                (*_named(row), *_differences(row, first[row.discriminator]))
                for row in self.rows
                if row is not first[row.discriminator]
            ],
        )

    def _print_seeds(self):
        if not self.rows:
            return
        print("Each seed alone:\n")
        header = ["discriminator", "l1_weight", "seed", *SCORES]
        losses = ["discriminator loss", "L1"]
        print_table(
            [*header, "adversarial share", *losses],
            [
                (*_named(row), seed, *_of_seed(played))
                for row in self.rows
                for seed, played in row.runs.items()
            ],
        )
        print(
            f"Losses: mean over the last {LAST:.0%} of the steps. An undecided "
            "discriminator has 0.69."
        )


def _named(row):
    return row.discriminator, f"{row.l1_weight:g}"


def _of_seed(played):
    scores = (
        f"{np.mean(played.scores[name]):{FORMATS[name]}}"
        for name in SCORE_NAMES
    )
    losses = (
        f"{_last(played.losses[name]):.{digits}f}"
        for name, digits in (("discriminator_loss", 2), ("l1_loss", 4))
    )
    return *scores, f"{mean_share([played]):.1%}", *losses


def _last(values):
    return np.mean(values[-max(1, round(LAST * len(values))) :])


def _differences(row, first):
    found = differences(row.scores, first.scores)
    return [_text(found[n], f"+{FORMATS[n]}") for n in SCORE_NAMES]


def _text(estimate, form):
    """The figure and, in brackets, its interval, if it has one."""
    value = f"{estimate.value:{form}}"
    if estimate.low is None:
        return value
    return f"{value} ({estimate.low:{form}} to {estimate.high:{form}})"


def _setting(config, start):
    widths = config.discriminator_widths
    discriminators = (
        "" if widths is None else f" Discriminators of widths {list(widths)}."
    )
    return (
        f"{config.steps} steps of {config.batch_size} squares of "
        f"{config.square} pixels, from {start.training_photos} photos; Adam at "
        f"{config.learning_rate:g}.{discriminators} Judged: the generator's "
        f"moving average (decay {config.ema_decay:g}), on {len(start.photos)} "
        "photos that were set aside, of a mean colorfulness of "
        f"{np.mean(start.true_colorfulness):.1f}.\n\n"
    )


def _printed(function, *arguments) -> str:
    """Returns what a function prints."""
    with redirect_stdout(io.StringIO()) as printed:
        function(*arguments)
    return printed.getvalue()
