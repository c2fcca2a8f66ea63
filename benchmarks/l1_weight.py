"""What the weight of the L1 loss does to colors and to gradients.

    python benchmarks/l1_weight.py --init RUN --data FOLDER --output FOLDER

From the same generator, trained with L1 alone, equally many adversarial steps
are played with every weight. Stopped, it goes on where it was: call it again.
"""

import sys

import tyro
from l1_study.settings import StudyConfig

from keras_colorizer.cli.running import run_command
from keras_colorizer.silence import silent_stderr


def main() -> int:
    """Parses the command line, plays what is missing, and reports."""
    return run_command(_study)


def _study():
    config = tyro.cli(StudyConfig, prog="l1_weight.py")
    with silent_stderr():
        from l1_study.study import study
    study(config)


if __name__ == "__main__":
    sys.exit(main())
