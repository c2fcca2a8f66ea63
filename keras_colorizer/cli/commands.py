"""The commands of `keras-colorizer`."""

import sys
from collections.abc import Sequence
from importlib import import_module

from keras_colorizer import __version__
from keras_colorizer.cli.running import parse, run_command
from keras_colorizer.errors import ConfigError

PROGRAM = "keras-colorizer"

# Modules beside this one, each imported when its command is called.
COMMANDS = ("colorize", "serve", "train", "export", "evaluate", "prepare")
PROGRAMS = ("train", "export")  # Also train.py and export.py.

OVERVIEW = """\
Black-and-white photo in, color photo out.

  keras-colorizer colorize scans/ -o colored/  color a folder of photos
  keras-colorizer colorize film.mp4 -o new.mp4 color a film
  keras-colorizer serve                        choose colors by a click
  keras-colorizer train --data my_photos/      train a model of your own
  keras-colorizer export --run runs/NAME       for servers, phones, browsers

Besides: evaluate measures a model, prepare makes photos small to train on.
Each has --help, as in: keras-colorizer colorize --help"""


def main(*, arguments: Sequence[str] | None = None) -> int:
    """Parses the command line, runs the command, returns the exit code.

    Args:
        arguments: By default those of this process.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    return run_command(lambda: _run(words))


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(OVERVIEW)
        return 0
    if words == ["--version"]:
        print(f"{PROGRAM} {__version__}")
        return 0
    name, *rest = words
    if name not in COMMANDS:
        raise ConfigError(
            f"There is no command `{name}`: choose from {', '.join(COMMANDS)}."
        )
    module = import_module(f"keras_colorizer.cli.{name}")
    if name in PROGRAMS:
        return module.main(arguments=rest, prog=f"{PROGRAM} {name}")
    options = getattr(module, name.capitalize())
    command = getattr(module, name)
    return command(parse(options, rest, prog=f"{PROGRAM} {name}"))
