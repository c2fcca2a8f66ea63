"""What a study of the L1 weight plays, and what it holds fixed."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from keras_colorizer.config import TrainingConfig
from keras_colorizer.errors import ConfigError
from keras_colorizer.label import read_label

# What a second call may change: each run is the same whatever others there are.
FREE = ("init", "output", "weights", "seeds", "discriminators", "sheet_photos")


class Run(NamedTuple):
    """One game of the generator against a discriminator.

    Attributes:
        discriminator: Its preset.
        l1_weight: Weight of the L1 loss against the adversarial one.
        seed: Of everything random.
    """

    discriminator: str
    l1_weight: float
    seed: int

    @property
    def name(self) -> str:
        return f"{self.discriminator}-{self.l1_weight:g}-seed{self.seed}"


@dataclass(frozen=True)
class StudyConfig:
    """Play equally many adversarial steps with several weights of L1.

    All start from one generator, and with the same seed from the same
    discriminator and with the same batches. What is finished is kept: a second
    call goes on, and may add weights, seeds and discriminators.

    Attributes:
        init: Where all start: a run folder or a .keras file of a generator
            trained with L1 alone. The pretrained small is none any more: its
            colors were multiplied.
        data: The photos that it was trained on: a folder, or a glob in quotes.
        output: Folder for everything that is found.
        weights: Of the L1 loss against the adversarial one.
        seeds: Each is played with every weight, against every discriminator.
        discriminators: Presets.
        discriminator_widths: Channels of each convolution but the last, for
            all discriminators: half the widths are a quarter of the work. By
            default the presets' own.
        steps: Adversarial steps of each run.
        batch_size: Squares per step.
        learning_rate: Adam's, for both networks, from first step to last.
        balance: Between the subfolders of --data, see train.py --help.
        old_photos: Share of the squares that the generator sees as old photos.
        ema_decay: Decay of the generator's moving average, which is what is
            judged; lower than in training, to fit the few steps.
        validation_fraction: That of the training which made --init: the photos
            that it set aside are those judged here.
        judged: How many of them, evenly chosen.
        measures: How often in each run the gradients are measured.
        sheet_photos: Color photos to show, from grey to true, for the first of
            the seeds. They need not be among those judged.
    """

    init: str
    data: str
    output: Path
    weights: tuple[float, ...] = (100, 50, 30, 20, 10)
    seeds: tuple[int, ...] = (0, 1)
    discriminators: tuple[str, ...] = ("patchgan_70", "patchgan_70_spectral")
    discriminator_widths: tuple[int, ...] | None = None
    steps: int = 300
    batch_size: int = 16
    learning_rate: float = 2e-4
    balance: float = 0.5
    old_photos: float = 0.0
    ema_decay: float = 0.99
    validation_fraction: float = 0.04
    judged: int = 300
    measures: int = 5
    sheet_photos: tuple[Path, ...] = ()

    def __post_init__(self):
        for name in ("weights", "seeds", "discriminators"):
            if not getattr(self, name):
                raise ConfigError(f"--{name} must name at least one.")
        for name in ("steps", "judged", "measures"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"--{name} must be at least 1. Received: "
                    f"{getattr(self, name)}"
                )
        if min(self.weights) <= 0:  # The chart has a logarithmic axis.
            raise ConfigError(
                f"--weights must be above 0. Received: {min(self.weights):g}"
            )
        for run in self.runs:
            self.training(run)  # Checks the rest.

    @property
    def runs(self) -> list[Run]:
        """Returns all runs, whole tables first: seed after seed."""
        return [
            Run(discriminator, float(weight), seed)
            for seed in dict.fromkeys(self.seeds)
            for discriminator in dict.fromkeys(self.discriminators)
            for weight in sorted(set(self.weights), reverse=True)
        ]

    @cached_property
    def generator(self) -> Path:
        """The `.keras` file that all start from."""
        path = TrainingConfig(init=self.init).initial_generator
        return Path(self.init) if path is None else path

    @cached_property
    def square(self) -> int:
        """The side in pixels of what the generator sees."""
        return read_label(self.generator).render_size

    def training(self, run: Run) -> TrainingConfig:
        """Returns the settings of `train.py` that a run plays by.

        Args:
            run: Says what differs between runs.

        Raises:
            ColorizerError: If one of them is out of range.
        """
        return TrainingConfig(
            epochs=1,
            data=self.data,
            init=self.init,
            discriminator=run.discriminator,
            image_size=self.square,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            l1_weight=run.l1_weight,
            ema_decay=self.ema_decay,
            validation_fraction=self.validation_fraction,
            balance=self.balance,
            old_photos=self.old_photos,
            seed=run.seed,
        )

    def fixed(self) -> dict[str, Any]:
        """Returns what all results in one folder have in common.

        But for the generator, which counts by what is in its file.
        """
        settings = dataclasses.asdict(self)
        for name in FREE:
            del settings[name]
        if self.discriminator_widths is not None:
            settings["discriminator_widths"] = list(self.discriminator_widths)
        return settings
