"""Chooses the saturation to export a generator with, on photos set aside.

    python recipes/choose_saturation.py runs/small PHOTOS

L1 leaves a network shy: its colors are right more often than they are bold.
Of the factors that make it bold enough, this takes the one that stays nearest
to the truth. The photos must be neither those it was trained on nor those it
will be judged with.
"""

import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table

from keras_colorizer.cli.running import run_command
from keras_colorizer.errors import TrainingError
from keras_colorizer.photos import MAX_PIXELS, find_photos
from keras_colorizer.silence import silent_stderr

FACTORS = [round(1 + 0.05 * i, 2) for i in range(13)]  # 1 to 1.6.


@dataclass(frozen=True)
class Choose:
    """Choose what to give to export.py as --saturation.

    Attributes:
        run: A run folder or a .keras file.
        photos: Color photos set aside: a folder or a glob in quotes.
        least_share: The colorfulness to reach, as a share of the true one.
    """

    run: tyro.conf.Positional[Path]
    photos: tyro.conf.Positional[str]
    least_share: float = 0.6


@dataclass(frozen=True)
class Factor:
    """What a saturation gives, in means over the photos.

    Attributes:
        saturation: The factor on ab.
        psnr_gain: Over leaving the photos grey, in dB.
        ciede2000_gain: Over leaving the photos grey.
        share: Of the true colorfulness.
    """

    saturation: float
    psnr_gain: float
    ciede2000_gain: float
    share: float


def choose(factors: Iterable[Factor], *, least_share: float) -> Factor:
    """Returns the nearest to the truth of those that are bold enough.

    Args:
        factors: What was measured.
        least_share: The colorfulness to reach, as a share of the true one.

    Raises:
        TrainingError: If none reaches it.
    """
    bold = [factor for factor in factors if factor.share >= least_share]
    if not bold:
        raise TrainingError(
            f"No saturation up to {FACTORS[-1]} reaches {least_share:.0%} of "
            "the true colorfulness: train longer, or lower --least-share."
        )
    return max(bold, key=lambda factor: factor.ciede2000_gain)


def main() -> int:
    """Parses the command line, prints the table, returns the exit code."""
    return run_command(_choose)


def _choose() -> None:
    options = tyro.cli(Choose, prog="choose_saturation.py")
    photos = find_photos([options.photos])
    console = Console(stderr=True)
    progress = track(
        photos, "Judging", console=console, disable=not console.is_terminal
    )
    factors = _measure(options.run, progress)
    chosen = choose(factors, least_share=options.least_share)
    Console().print(_table(factors, chosen))
    print(f"--saturation {chosen.saturation:g}")


def _measure(run, photos):
    with silent_stderr():
        from keras_colorizer.evaluation.evaluate import evaluate_models
    # It advises against tracing many networks, which is what this does.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    report = evaluate_models(
        _colorizers(run), photos, max_pixels=MAX_PIXELS, images=None
    )
    return [
        Factor(
            float(row.name),
            row.estimates["psnr_gain"].value,
            row.estimates["ciede2000_gain"].value,
            row.estimates["colorfulness_share"].value,
        )
        for row in report.models
    ]


def _colorizers(run):
    from keras_colorizer.inference.colorizer import Colorizer
    from keras_colorizer.inference.keras_network import KerasNetwork
    from keras_colorizer.inference.network import generator_of_run
    from keras_colorizer.networks.generator_file import load_generator
    from keras_colorizer.networks.saturation import with_saturation

    saved = load_generator(generator_of_run(run) if run.is_dir() else run)
    return {
        f"{factor:g}": Colorizer(
            KerasNetwork(
                with_saturation(saved.generator, factor),
                render_size=saved.render_size,
            )
        )
        for factor in FACTORS
    }


def _table(factors, chosen):
    table = Table("saturation", "PSNR gain, dB", "CIEDE2000 gain", "share")
    for factor in factors:
        table.add_row(
            f"{factor.saturation:g}",
            f"{factor.psnr_gain:+.2f}",
            f"{factor.ciede2000_gain:+.2f}",
            f"{factor.share:.0%}",
            style="bold" if factor is chosen else None,
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
