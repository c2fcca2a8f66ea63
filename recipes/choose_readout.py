"""Chooses the readouts of two looks, calm and vivid, on photos set aside.

    python recipes/choose_readout.py runs/small PHOTOS

L1 leaves colors pale where the network is unsure. A readout (a power of the
chroma and a factor, `networks/readout.py`) makes them bolder. The rule:

1. of the powers 1, 1.2 and 1.4 the one with the largest sum of CIEDE2000 gains
   at 60, 75 and 90 % of the true colorfulness, among those whose PSNR gain at
   60 % is at most 0.1 dB below that of power 1;
2. with this power, the factors that reach 60 % (calm) and 85 % (vivid).

The photos must be neither those that the network was trained on nor those that
it will be judged with. The network must not have a bolder readout already.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import tyro
from rich.console import Console
from rich.progress import track

from keras_colorizer.cli.running import run_command
from keras_colorizer.errors import TrainingError
from keras_colorizer.photos import find_photos
from keras_colorizer.silence import silent_stderr

with silent_stderr():
    from keras_colorizer import Colorizer
    from keras_colorizer.evaluation.summary import Row
    from keras_colorizer.evaluation.tables import (
        CURVE_METRICS,
        CURVES,
        metric_table,
    )
    from keras_colorizer.evaluation.trade_off import predict_photos, trade_off

POWERS = (1.0, 1.2, 1.4)
JUDGED = ("60%", "75%", "90%")
LOOKS = {"calm": "60%", "vivid": "85%"}
SHARES = (0.6, 0.75, 0.85, 0.9)
PSNR_LOSS = 0.1  # dB, at most, at 60 %.


@dataclass(frozen=True)
class Choose:
    """Choose the power and the factors of a readout.

    Attributes:
        run: A run folder, or a .keras or .tflite file.
        photos: Color photos set aside: a folder or a glob in quotes.
    """

    run: tyro.conf.Positional[Path]
    photos: tyro.conf.Positional[str]


def choose_power(curves: Mapping[float, Sequence[Row]]) -> float:
    """Returns the power that the rule of this recipe chooses.

    Args:
        curves: By power, 1 among them, the rows of `trade_off` at `SHARES`.

    Raises:
        TrainingError: If a row is missing.
    """
    for power, rows in curves.items():
        if len(rows) < len(SHARES):
            raise TrainingError(
                f"At power {power:g} no factor reaches {SHARES[-1]:.0%} of the "
                "true colorfulness: train longer."
            )
    least_psnr = _gain(curves[1.0], "psnr_gain", "60%") - PSNR_LOSS
    near = [
        power
        for power, rows in curves.items()
        if _gain(rows, "psnr_gain", "60%") >= least_psnr
    ]
    return max(near, key=lambda power: _judged_gain(curves[power]))


def _judged_gain(rows: Sequence[Row]) -> float:
    return sum(_gain(rows, "ciede2000_gain", share) for share in JUDGED)


def _gain(rows: Sequence[Row], name: str, share: str) -> float:
    (row,) = [row for row in rows if row.name == share]
    return row.estimates[name].value


def main() -> int:
    """Parses the command line, prints the choice, returns the exit code."""
    return run_command(_choose)


def _choose() -> None:
    options = tyro.cli(Choose, prog="choose_readout.py")
    console = Console(stderr=True)
    progress = partial(track, console=console, disable=not console.is_terminal)
    predictions = predict_photos(
        Colorizer.load(options.run),
        progress(find_photos([options.photos]), "Predicting"),
    )
    curves = {
        power: trade_off(
            predictions, power=power, shares=SHARES, progress=progress
        )
        for power in POWERS
    }
    rows = [
        replace(row, name=f"power {power:g}, {row.name}")
        for power, rows in curves.items()
        for row in rows
    ]
    Console().print(metric_table(CURVES, CURVE_METRICS, rows))
    power = choose_power(curves)
    for look, share in LOOKS.items():
        factor = _gain(curves[power], "factor", share)
        print(f"{look}: power={power:g}, factor={factor:.2f}")


if __name__ == "__main__":
    sys.exit(main())
