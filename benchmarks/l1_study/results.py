"""What was found, as files: one for the start and one for every run."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from l1_study.settings import Run, StudyConfig

from keras_colorizer.errors import ArtifactError, ConfigError
from keras_colorizer.files import whole_file

# By the name of the score, that of each judged photo, in order.
Scores = dict[str, list[float]]


@dataclass(frozen=True)
class Start:
    """What all runs share.

    Attributes:
        photos: Digest of each judged photo.
        fingerprint: Of all photos, those trained on, too.
        training_photos: How many are trained on.
        true_colorfulness: Of each judged photo.
        grey: Scores of the photos left grey.
        start: Scores of the generator before any adversarial step.
        bolder: The same with its ab multiplied, by the factor as text.
    """

    photos: list[str]
    fingerprint: str
    training_photos: int
    true_colorfulness: list[float]
    grey: Scores
    start: Scores
    bolder: dict[str, Scores]


@dataclass(frozen=True)
class Gradients:
    """The generator's gradient at one step, each term apart.

    Attributes:
        step: Steps played before.
        adversarial_norm: L2 norm of the gradient of the adversarial loss,
            over all trainable parameters of the generator.
        l1_norm: The same of the L1 loss times its weight.
        cosine: Between the two.
    """

    step: int
    adversarial_norm: float
    l1_norm: float
    cosine: float

    @property
    def share(self) -> float:
        """The adversarial loss' share of the two norms, in [0, 1]."""
        return self.adversarial_norm / (self.adversarial_norm + self.l1_norm)


@dataclass(frozen=True)
class Played:
    """What came of a run.

    Attributes:
        scores: Of the moving average of the generator after the last step.
        gradients: In the middle of as many equal parts of the run.
        losses: By name, that of each step.
    """

    scores: Scores
    gradients: list[Gradients]
    losses: dict[str, list[float]]


Result = TypeVar("Result", Start, Played)


class ResultFolder:
    """The files of a study.

    Args:
        config: Says where they are and which settings they share.

    Raises:
        ConfigError: If some that are there have other settings.
    """

    def __init__(self, config: StudyConfig):
        self.path = config.output
        # Read once: training may go on, and replace it between two runs.
        self._generator = config.generator.read_bytes()
        digest = hashlib.blake2b(self._generator, digest_size=8).hexdigest()
        settings = {"init": digest, **config.fixed()}
        self.settings = json.loads(json.dumps(settings))
        for path in [self._start, *(self.path / "runs").glob("*.json")]:
            self._check_settings(path)

    @property
    def start_generator(self) -> Path:
        """A copy of the generator that all runs start from."""
        return self.path / "start.keras"

    def keep_start_generator(self) -> None:
        """Makes that copy."""
        with whole_file(self.start_generator) as temporary:
            temporary.write_bytes(self._generator)

    def start(self) -> Start | None:
        """Returns what all runs share, if that is known already."""
        return _read(self._start, Start)

    def write_start(self, start: Start) -> None:
        """Keeps what all runs share."""
        self._write(self._start, start)

    def played(self, run: Run) -> Played | None:
        """Returns what came of a run, if it is finished."""
        played = _read(self._run(run, "json"), Played)
        if played is None:
            return None
        gradients = [Gradients(**measure) for measure in played.gradients]
        return dataclasses.replace(played, gradients=gradients)

    def write_played(self, run: Run, played: Played) -> None:
        """Keeps what came of a run: that makes it a finished one."""
        self._write(self._run(run, "json"), played, run=run._asdict())

    def generator(self, run: Run) -> Path:
        """Returns where the judged generator of a run is kept."""
        return self._run(run, "keras")

    @property
    def _start(self):
        return self.path / "start.json"

    def _run(self, run, suffix):
        return self.path / "runs" / f"{run.name}.{suffix}"

    def _write(self, path, result, **about):
        content = {"settings": self.settings, **about}
        content["result"] = dataclasses.asdict(result)
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(content, allow_nan=False) + "\n")

    def _check_settings(self, path):
        content = _content(path)
        if content is None:
            return
        for name, value in content["settings"].items():
            if value != self.settings[name]:
                raise ConfigError(_refusal(self.path, name))


def _refusal(folder, name):
    if name == "init":
        return (
            f"`{folder}` holds results that started from another generator "
            "than --init names: name another --output."
        )
    flag = f"--{name.replace('_', '-')}"
    return (
        f"`{folder}` holds results with another {flag}: give the same again, "
        "or name another --output."
    )


def _read(path: Path, kind: type[Result]) -> Result | None:
    content = _content(path)
    return None if content is None else kind(**content["result"])


def _content(path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        raise ArtifactError(
            f"`{path}` cannot be read as a result: remove it, to play it anew."
        ) from None
