"""The command `train`, also `python train.py`."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from keras_colorizer.cli.running import parse, run_command
from keras_colorizer.config import TrainingConfig
from keras_colorizer.silence import silent_stderr
from keras_colorizer.training.run_folder import choose_run_folder


def main(
    *, arguments: Sequence[str] | None = None, prog: str = "train.py"
) -> int:
    """Parses the command line, trains, and returns the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    return run_command(lambda: _train(_parse(words, prog)))


def _train(config: TrainingConfig) -> None:
    with silent_stderr():
        from keras_colorizer.training.outcome import color_old_photo
        from keras_colorizer.training.run import train
    result = train(config)
    if result.generator is not None:
        _say_what_next(result.run_dir, color_old_photo(result.run_dir))


def _parse(arguments: Sequence[str], prog: str) -> TrainingConfig:
    config = parse(
        TrainingConfig, arguments, prog=prog, default=TrainingConfig()
    )
    if not config.resume:
        return config
    # The run's own settings become the defaults, which need negated flags.
    folder = choose_run_folder(config)
    stored = TrainingConfig.load(folder.config, run_dir=folder.path)
    return parse(
        TrainingConfig, arguments, prog=prog, default=stored, config=()
    )


def _say_what_next(run_dir: Path, picture: Path) -> None:
    Console().print(
        f"\nAn old photo, colored by this run and by `small`: {picture}\n"
        f"The generator is {run_dir}/generator.keras. Try it:\n"
        "  python -m keras_colorizer colorize old.jpg --model "
        f"{shlex.quote(str(run_dir))}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
