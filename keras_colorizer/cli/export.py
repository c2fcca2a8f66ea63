"""The command `export`, also `python export.py`."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.table import Table

from keras_colorizer.cli.running import (
    FAILED,
    parse,
    print_error,
    run_command,
    told_when_stopped,
)
from keras_colorizer.errors import ConfigError
from keras_colorizer.exporting import DEFAULT_FORMATS, FORMATS, MAX_PIXELS
from keras_colorizer.silence import silent_stderr

if TYPE_CHECKING:
    from keras_colorizer.exporting.report import ArtifactReport


@dataclass(frozen=True)
class Export:
    """Turn a trained generator into artifacts for servers and phones.

    Every artifact is compared with the Keras model on real photos. One that
    differs too much is not published: the exit code is 1, and the table and
    report.json say by how much.

    Attributes:
        run: The folder of a training run, or a .keras file.
        output: Where to write. Files of an earlier export are replaced, once
            the new ones are whole; versions of the SavedModel are kept.
        formats: Some of saved_model (for TF Serving), tflite (for phones and
            browsers) and keras (to start another training from), with commas
            between.
        saturation: Factor on the colors of everything exported. L1 makes
            timid colors; more of them costs nearness to the truth where they
            are wrong. Choose it with evaluate, on photos set aside.
        chroma_power: Power of their chroma, from 1 to 2. Above 1 colors that
            the network is sure of become bolder, others paler, which costs
            less; recipes/choose_readout.py chooses both.
        version: Number of the SavedModel's folder. TF Serving serves the
            highest. By default the one after the highest there is.
        max_pixels: Servers refuse larger photos, before decoding them. Memory
            grows by about 60 bytes a pixel for each photo in work.
        calibration_data: Color photos that the artifacts are compared on, and
            that 8-bit arithmetic is calibrated with: a folder, a glob in
            quotes, or tfds:NAME. By default the nine of scikit-image, which
            are too few for full integer arithmetic (37 are enough): 8-bit
            weights are taken then. Name photos like those to be colored.
        training_data: Words for the model card on the photos that the model
            was trained on, and on their licence.
    """

    run: Path
    output: Path = Path("exported")
    formats: Annotated[str, tyro.conf.arg(metavar="NAME,NAME")] = ",".join(
        DEFAULT_FORMATS
    )
    saturation: float = 1.0
    chroma_power: float = 1.0
    version: int | None = None
    max_pixels: int = MAX_PIXELS
    calibration_data: Annotated[
        str | None, tyro.conf.arg(metavar="FOLDER|GLOB|tfds:NAME")
    ] = None
    training_data: Annotated[str | None, tyro.conf.arg(metavar="WORDS")] = None


def main(
    *, arguments: Sequence[str] | None = None, prog: str = "export.py"
) -> int:
    """Parses the command line, exports, and returns the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    return run_command(lambda: _export(parse(Export, words, prog=prog)))


def _export(options: Export) -> int:
    formats = _checked_formats(options)
    console = Console()
    reports = _exported(options, formats, console)
    console.print(_table(reports))
    problems = [report for report in reports if report.problem]
    for report in problems:
        print_error(f"{report.name} was not published: {report.problem}.")
    console.print(f"Exported to {options.output}/, see report.json there.")
    return FAILED if problems else 0


def _exported(
    options: Export, formats: list[str], console: Console
) -> "list[ArtifactReport]":
    # Converters and LiteRT print to stderr as they please.
    with (
        told_when_stopped(
            f"what is in `{options.output}` is whole; the same command makes "
            "all artifacts anew."
        ),
        console.status("Loading the generator") as status,
        silent_stderr(),
    ):
        from keras_colorizer.exporting.export import export_run

        return export_run(
            options.run,
            options.output,
            formats=formats,
            version=options.version,
            max_pixels=options.max_pixels,
            announce=status.update,
            saturation=options.saturation,
            chroma_power=options.chroma_power,
            calibration_data=options.calibration_data,
            training_data=options.training_data,
        )


def _checked_formats(options: Export) -> list[str]:
    formats = options.formats.split(",")
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise ConfigError(
            f"--formats: there is no `{unknown[0]}`; choose from "
            f"{', '.join(FORMATS)}."
        )
    if not options.run.exists():
        raise ConfigError(f"--run: there is no `{options.run}`.")
    if not 0 < options.saturation < math.inf:
        raise ConfigError(
            f"--saturation must be above 0. Received: {options.saturation}"
        )
    if not 1 <= options.chroma_power <= 2:
        raise ConfigError(
            "--chroma-power must be from 1 to 2. "
            f"Received: {options.chroma_power}"
        )
    if options.max_pixels < 1:
        raise ConfigError(
            f"--max-pixels must be at least 1. Received: {options.max_pixels}"
        )
    return formats


def _table(reports: "list[ArtifactReport]") -> Table:
    table = Table(title="Difference from the Keras model", title_justify="left")
    table.add_column("artifact", no_wrap=True)
    for column in ("MB", "ab", "levels", "PSNR", "colorfulness"):
        table.add_column(column, justify="right", no_wrap=True)
    for parity in [report.parity for report in reports[:1]]:
        keras = f"{parity.keras_psnr:.2f}", f"{parity.keras_colorfulness:.1f}"
        table.add_row("Keras model", "", "", "", *keras)
    for report in reports:
        parity = report.parity
        table.add_row(
            report.name.removeprefix("tflite/"),
            f"{report.bytes / 1e6:.1f}",
            f"{parity.max_ab:.2f}",
            f"{parity.max_level}",
            f"{parity.psnr:.2f}",
            f"{parity.colorfulness:.1f}",
        )
    return table
