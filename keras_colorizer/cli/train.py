"""`python train.py`."""

import shlex
import sys
from pathlib import Path

import tyro
from rich.console import Console

from keras_colorizer.cli.running import run_command
from keras_colorizer.config import TrainingConfig
from keras_colorizer.silence import silent_stderr
from keras_colorizer.training.run_folder import choose_run_folder


def main() -> int:
    """Parses the command line, trains, and returns the exit code."""
    return run_command(_train)


def _train() -> None:
    config = _parse(sys.argv[1:])
    with silent_stderr():
        from keras_colorizer.training.run import train
    result = train(config)
    if result.generator is not None:
        _say_what_next(result.run_dir)


def _parse(arguments: list[str]) -> TrainingConfig:
    only_positive_flags = (tyro.conf.FlagCreatePairsOff,)
    config = _parsed(arguments, TrainingConfig(), only_positive_flags)
    if not config.resume:
        return config
    # The run's own settings become the defaults.
    folder = choose_run_folder(config)
    stored = TrainingConfig.load(folder.config, run_dir=folder.path)
    return _parsed(arguments, stored, ())


def _parsed(
    arguments: list[str], default: TrainingConfig, config: tuple
) -> TrainingConfig:
    return tyro.cli(
        TrainingConfig,
        prog="train.py",
        args=arguments,
        default=default,
        config=config,
    )


def _say_what_next(run_dir: Path) -> None:
    Console().print(
        f"\nThe generator is {run_dir}/generator.keras. Try it:\n"
        "  python -m keras_colorizer colorize old_photo.jpg --model "
        f"{shlex.quote(str(run_dir))}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
