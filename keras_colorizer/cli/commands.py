"""The commands of `python -m keras_colorizer`."""

from collections.abc import Callable
from typing import Any

import tyro

from keras_colorizer.cli.colorize import Colorize, colorize
from keras_colorizer.cli.evaluate import Evaluate, evaluate
from keras_colorizer.cli.prepare import Prepare, prepare
from keras_colorizer.cli.running import run_command
from keras_colorizer.cli.serve import Serve, serve

COMMANDS: dict[str, tuple[type, Callable[[Any], int]]] = {
    "colorize": (Colorize, colorize),
    "evaluate": (Evaluate, evaluate),
    "prepare": (Prepare, prepare),
    "serve": (Serve, serve),
}


def main() -> int:
    """Parses the command line, runs the command, returns the exit code."""
    return run_command(_run)


def _run():
    options = tyro.extras.subcommand_cli_from_dict(
        {name: options for name, (options, _) in COMMANDS.items()},
        prog="keras-colorizer",
        description="Black-and-white photo in, color photo out.",
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    runners = dict(COMMANDS.values())
    return runners[type(options)](options)
