"""`report.json`, and the same as a table."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from keras_colorizer.errors import ArtifactError
from keras_colorizer.exporting.parity import Parity
from keras_colorizer.files import whole_file


@dataclass(frozen=True)
class Latency:
    """Median time of 20 calls.

    Attributes:
        signature: What was called.
        side: Height and width of its input in pixels.
        threads: How many it used.
        milliseconds: The median.
    """

    signature: str
    side: int
    threads: int
    milliseconds: float


@dataclass(frozen=True)
class ArtifactReport:
    """What was measured of one artifact.

    Attributes:
        name: Its path in the export folder.
        method: How it was made.
        problem: Why it was not published, or None.
        bytes: Its size.
        ops: Names of the ops that a call of its first signature runs, those
            of XNNPACK first; empty for a SavedModel.
        xnnpack_ops: How many of them run on XNNPACK.
        latency: On the machine that exported it.
        parity: The difference from the Keras model.
    """

    name: str
    method: str
    problem: str | None
    bytes: int
    ops: list[str]
    xnnpack_ops: int
    latency: list[Latency]
    parity: Parity


class UnfaithfulArtifactError(ArtifactError):
    """An artifact differs too much from the Keras model to be published.

    Args:
        report: What was measured of it.
    """

    def __init__(self, report: ArtifactReport):
        super().__init__(
            f"{report.name} was not published: {report.problem}. Train the "
            "model further, or leave this format out with --formats."
        )
        self.report = report


def check_faithful(report: ArtifactReport) -> ArtifactReport:
    """Returns the report of an artifact that may be published.

    Raises:
        UnfaithfulArtifactError: If it may not.
    """
    if report.problem is not None:
        raise UnfaithfulArtifactError(report)
    return report


def write_report(
    path: Path, card: dict[str, Any], artifacts: list[ArtifactReport]
) -> None:
    """Writes `report.json`, whole or not at all.

    Args:
        path: The file.
        card: The model card.
        artifacts: What was measured.
    """
    content = {"model": card, "artifacts": [asdict(a) for a in artifacts]}
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")


def report_tables(artifacts: list[ArtifactReport]) -> list[Table]:
    """Returns the report for people: exactness, then speed.

    Args:
        artifacts: What was measured.
    """
    exactness = _table("Difference from the Keras model", EXACTNESS)
    if artifacts:
        exactness.add_row("Keras model", *_keras_scores(artifacts[0].parity))
    speed = _table("Speed on this machine", SPEED)
    for artifact in artifacts:
        name = artifact.name.removeprefix("tflite/")
        exactness.add_row(name, *_exactness(artifact))
        for row in _speed(artifact):
            speed.add_row(name, *row)
    return [exactness, speed]


EXACTNESS = ("MB", "ab", "levels", "PSNR", "colorfulness")
SPEED = ("XNNPACK ops", "input", "threads", "ms")


def _table(title, columns):
    table = Table(title=title, title_justify="left")
    table.add_column("artifact", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _exactness(artifact):
    parity = artifact.parity
    return (
        f"{artifact.bytes / 1e6:.1f}",
        f"{parity.max_ab:.2f}",
        f"{parity.max_level}",
        f"{parity.psnr:.2f}",
        f"{parity.colorfulness:.1f}",
    )


def _keras_scores(parity):
    colorfulness = f"{parity.keras_colorfulness:.1f}"
    return "", "", "", f"{parity.keras_psnr:.2f}", colorfulness


def _speed(artifact):
    ops = f"{artifact.xnnpack_ops} of {len(artifact.ops)}"
    for one in artifact.latency:
        yield (
            ops if artifact.ops else "",
            f"{one.side} px",
            f"{one.threads}",
            f"{one.milliseconds:.1f}",
        )
