"""The folder that a run writes to."""

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import TextIO

from keras_colorizer.config import AUTO, TrainingConfig
from keras_colorizer.errors import ConfigError
from keras_colorizer.files import UNFINISHED, remove_unfinished
from keras_colorizer.presets import Recipe

if sys.platform != "win32":
    import fcntl

ROOT = Path("runs")
# What a resumed run may change: nothing that the past epochs depend on. The
# photos may lie elsewhere; `Report` warns if they are others.
FREE_ON_RESUME = {
    "data",
    "run_dir",
    "resume",
    "dry_run",
    "epochs",
    "learning_rate",
    "l1_weight",
    "strategy",
    "cache",
    "checkpoint_minutes",
    "profile",
}


class RunFolder:
    """The files of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"  # The settings.
        self.history = path / "history.csv"  # A row for every epoch.
        self.samples = path / "samples"  # A picture for every epoch.
        self.old_photo = path / "old_photo.png"  # Colored, beside `small`.
        self.logs = path / "logs"  # For TensorBoard.
        self.checkpoint = path / "checkpoint"  # Everything to resume.
        self.generator = path / "generator.keras"  # The best by validation.
        self.report = path / "report.json"  # Counts and scores.

    def check_free(self) -> None:
        """Refuses a folder in which a run has saved something.

        Raises:
            ConfigError: If one has, or if it is a file.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError(
                f"{self.path} is a file: name a folder with --run-dir."
            )
        can_resume = any(self.checkpoint.glob("step_*"))
        if can_resume or self.generator.exists():
            resume = "continue it with --resume or " * can_resume
            raise ConfigError(
                f"{self.path} already holds a run: {resume}start a new run in "
                "another --run-dir."
            )

    @contextmanager
    def claimed(self, *, resume: bool) -> Iterator[None]:
        """Keeps other runs out, and clears away what a killed one left.

        Raises:
            ConfigError: If another run writes to it or, but to resume, has.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        # It stays: were it removed, one run could lock the file that goes, and
        # another one a new file.
        with (self.path / ".lock").open("a") as file:
            self._lock(file)
            if not resume:
                self.check_free()
            for folder in (self.path, self.samples, self.checkpoint):
                remove_unfinished(folder.glob(UNFINISHED))
            yield

    def _lock(self, file: TextIO) -> None:
        """Locks a file until it is closed or the process dies."""
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"Another run is writing to {self.path}: wait for it, or start "
                "a new run in another --run-dir."
            ) from None
        except OSError:
            pass  # Some network file systems have no locks.


def open_run_folder(
    config: TrainingConfig,
) -> tuple[RunFolder, TrainingConfig]:
    """Returns the folder that a run writes to, and its whole settings.

    What is left open is as the run to resume has it.

    Raises:
        ConfigError: If the folder holds another run, or to resume, none, or a
            setting suits neither that run nor the preset.
        ArtifactError: If the settings in it are damaged.
    """
    folder = choose_run_folder(config)
    if not config.resume:
        dataclasses.replace(config, preset=config.generator)  # Checks it.
        folder.check_free()
        return folder, config
    stored = TrainingConfig.load(folder.config)
    names = ("data", "preset", "draws", *Recipe._fields)
    open_ = [n for n in names if getattr(config, n) in (None, AUTO)]
    settings = {n: getattr(stored, n) for n in open_}
    config = dataclasses.replace(config, **settings)
    _check_unchanged(config, stored)
    return folder, config


def choose_run_folder(config: TrainingConfig) -> RunFolder:
    """Returns the folder named, or the first free or newest one.

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


def _first_free(preset: str) -> RunFolder:
    names = chain([preset], (f"{preset}-{number}" for number in count(2)))
    paths = (ROOT / name for name in names)
    return RunFolder(next(path for path in paths if not path.exists()))


def _check_unchanged(asked: TrainingConfig, stored: TrainingConfig) -> None:
    """Refuses to resume a run with settings that its past contradicts."""
    for field in dataclasses.fields(TrainingConfig):
        old, new = getattr(stored, field.name), getattr(asked, field.name)
        if old != new and field.name not in FREE_ON_RESUME:
            flag = f"--{field.name.replace('_', '-')}"
            raise ConfigError(
                f"The run was started with {flag} {old} and cannot go on with "
                f"{flag} {new}: leave {flag} out, or start a new run in "
                "another --run-dir."
            )
