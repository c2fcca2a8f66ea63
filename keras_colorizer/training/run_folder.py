"""The files of a run, and what may be done with a folder."""

from pathlib import Path

from keras_colorizer.config import TrainingConfig
from keras_colorizer.errors import ConfigError

ROOT = Path("runs")


class RunFolder:
    """Where a run writes: see the attributes.

    Attributes:
        config: `config.json`, the settings.
        history: `history.csv`, a row for every epoch.
        samples: `samples/`, a picture for every epoch.
        logs: `logs/`, for TensorBoard.
        checkpoint: `checkpoint/`, everything to resume.
        generator: `generator.keras`, the best by validation.
        report: `report.json`, counts and scores.
    """

    def __init__(self, path: Path):
        self.path = path
        self.config = path / "config.json"
        self.history = path / "history.csv"
        self.samples = path / "samples"
        self.logs = path / "logs"
        self.checkpoint = path / "checkpoint"
        self.generator = path / "generator.keras"
        self.report = path / "report.json"

    def check_free(self) -> None:
        """Refuses a folder in which a run has saved something.

        Raises:
            ConfigError: If one has, or if it is a file.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError(
                f"{self.path} is a file: name a folder with --run-dir."
            )
        if self.generator.exists() or any(self.checkpoint.glob("step_*")):
            raise ConfigError(
                f"{self.path} already holds a run: continue it with --resume "
                "or choose another folder with --run-dir."
            )


def choose_run_folder(config: TrainingConfig) -> RunFolder:
    """Returns the folder that a run writes to.

    Raises:
        ConfigError: If there is no run to resume.
    """
    if config.run_dir is not None:
        return RunFolder(config.run_dir)
    if not config.resume:
        return _first_free(config.generator)
    runs = sorted(ROOT.glob("*/config.json"), key=lambda p: p.stat().st_mtime)
    if not runs:
        raise ConfigError(
            f"There is no run in {ROOT}/ to resume: name its folder with "
            "--run-dir."
        )
    return RunFolder(runs[-1].parent)


def _first_free(preset):
    number, folder = 1, RunFolder(ROOT / preset)
    while folder.path.exists():
        number += 1
        folder = RunFolder(ROOT / f"{preset}-{number}")
    return folder
