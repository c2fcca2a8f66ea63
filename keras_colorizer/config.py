"""The settings of a training run: the only home of their defaults."""

import dataclasses
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from tyro.conf import arg

from keras_colorizer.errors import ArtifactError, ConfigError
from keras_colorizer.files import whole_file
from keras_colorizer.label import read_label
from keras_colorizer.presets import (
    GENERATORS,
    Recipe,
    discriminator_preset,
    generator_preset,
)
from keras_colorizer.pretrained import KERAS, pretrained_file

TFDS_PREFIX = "tfds:"  # Of data sets of TensorFlow Datasets.
AUTO = "auto"  # Of presets.
SMALLEST_IMAGE = 32  # Below it the discriminator's patch map is empty.


@dataclass(frozen=True)
class TrainingConfig:
    """Train a colorizer on photos.

    Without `--data` the photos are the nine that come with scikit-image:
    enough to be learnt by heart, too few for a good colorizer.

    Attributes:
        epochs: How often to go through the photos, pretraining included. The
            learning rate falls linearly over the second half.
        data: Photos to train on: a folder (searched recursively), a glob in
            quotes, or tfds:NAME for a TensorFlow Datasets set.
        preset: The generator: unet_256 (pix2pix's), unet_128, small (for
            phones; wants --init small), quick (for phones, and the fastest to
            train from nothing) or tiny (for tests). auto is what --init names
            or else, where TensorFlow sees a GPU, unet_256, and quick on a CPU.
        init: Start from a trained generator instead of random weights: small,
            which comes with the package, a run folder, or a .keras file.
        freeze_encoder: Train the decoder of small alone: twice as fast, and
            for few photos; what its encoder knows stays as it is.
        discriminator: patchgan_70 (pix2pix's), patchgan_70_spectral (spectral
            norm in place of batch norm: calmer, less vivid), or
            patchgan_70_light (that with half the widths: four times as fast).
            By default pix2pix's, and the last one for quick from nothing.
        run_dir: Folder for everything the run writes. By default the first
            free one of runs/PRESET, runs/PRESET-2, ...; with --resume the
            newest of them.
        resume: Continue the run in --run-dir exactly where it stopped. Its
            own settings hold; --epochs may be raised, and --data may say where
            the same photos are now.
        dry_run: Survey the photos and print the plan, then stop: no training,
            nothing written.
        image_size: Side in pixels of the squares to train on. By default the
            preset's render size.
        batch_size: Photos per step, over all devices together. Batch norm
            wants 8 or more.
        draws: How often an epoch draws each photo, with another box every
            time. By default so often that an epoch has at least 20 steps.
        learning_rate: Adam's, for both networks. By default pix2pix's 0.0002,
            and 0.001 for quick from nothing.
        l1_weight: Weight of the L1 loss against the adversarial one. 100 is
            pix2pix's; lower gives bolder and more often wrong colors.
        pretrain_epochs: First epochs that train the generator alone, with L1:
            several times faster, and a calmer start for the adversarial ones.
            By default 0, and four fifths of all for quick from nothing.
        ema_decay: Decay of the generator's moving average, which is what is
            validated and saved. 0 saves the live weights.
        precision: Of the networks' arithmetic. bfloat16 is much faster on
            GPUs and processors with units for it, and slower on others;
            float16 is for older GPUs, with loss scaling.
        strategy: Where to compute: single, on one device; mirrored, on all
            GPUs of this machine, each with a part of every batch, which is
            what auto does as well. The plan says what was taken.
        jit_compile: Compile the training step with XLA: slow to start; often
            faster on a GPU, slower on a CPU.
        validation_fraction: Share of the photos to judge with, chosen by
            file hash. At least one photo.
        balance: 0 draws all photos equally often, 1 all subfolders of --data,
            however few photos they hold; 0.5 is in between. For folders of
            many photos of few kinds beside folders of few photos of many.
        old_photos: Share of the squares that the generator sees as an old
            photo: film that sees colors otherwise, faded, blurred, grained.
        keep_colorless: Train on grey and sepia photos too. They teach the
            generator to leave photos grey.
        cache: Keep the decoded photos in memory: on, off, or auto, which keeps
            as many as half of what is free holds. Small photos of `prepare`
            are read from their files.
        checkpoint_minutes: Also save a checkpoint within an epoch, this often.
        profile: Also record what the processors do in steps 6 to 10 of each
            stage, for TensorBoard's Profile tab (pip install xprof). Those
            steps are slower; all others are not.
        seed: Of everything random: the same seed repeats a run.

    Example:
        ```python
        config = TrainingConfig(data="my_photos/", preset="quick", epochs=20)
        train(config)
        ```
    """

    epochs: int = 50
    data: Annotated[str | None, arg(metavar="FOLDER|GLOB|tfds:NAME")] = None
    preset: Annotated[str, arg(metavar="NAME")] = AUTO
    init: Annotated[str | None, arg(metavar="NAME|PATH")] = None
    freeze_encoder: bool = False
    discriminator: Annotated[str | None, arg(metavar="NAME")] = None
    run_dir: Annotated[Path | None, arg(metavar="FOLDER")] = None
    resume: bool = False
    dry_run: bool = False
    image_size: int | None = None
    batch_size: int = 8
    draws: int | None = None
    learning_rate: float | None = None
    l1_weight: float = 100.0
    pretrain_epochs: int | None = None
    ema_decay: float = 0.999
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    strategy: Literal["auto", "single", "mirrored"] = "auto"
    jit_compile: bool = False
    validation_fraction: float = 0.1
    balance: float = 0.0
    old_photos: float = 0.0
    keep_colorless: bool = False
    cache: Literal["auto", "on", "off"] = "auto"
    checkpoint_minutes: float = 10.0
    profile: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kind in (("data", str), ("init", str), ("run_dir", Path)):
            value = getattr(self, name)
            if value is not None:  # Text where a path belongs, and so on.
                object.__setattr__(self, name, kind(value))
        _check(self)

    @property
    def generator(self) -> str:
        """Name of the generator's preset; auto looks at `init` or the devices.

        Raises:
            ConfigError: If nothing says what `init` is.
            ArtifactError: If `init` cannot be read.
        """
        if self.preset != AUTO:
            return self.preset
        if self.initial_generator is None:
            return _preset_of_devices()
        label = read_label(self.initial_generator)
        if label.preset is None:
            raise ConfigError(
                f"--init {self.init} does not say what it was built from: name "
                "it with --preset."
            )
        return label.preset

    @property
    def initial_generator(self) -> Path | None:
        """The `.keras` file that `init` names, if it names one.

        Raises:
            ArtifactError: If no such pretrained model comes with the package.
        """
        if self.init is None:
            return None
        if self.init in GENERATORS:
            return pretrained_file(self.init, KERAS)
        path = Path(self.init)
        return path / "generator.keras" if path.is_dir() else path

    @property
    def square(self) -> int:
        """The side in pixels to train on, the preset's if none was named."""
        if self.image_size is None:
            return generator_preset(self.generator).render_size
        return self.image_size

    @property
    def recipe(self) -> Recipe:
        """The preset's recipe, but for what was named; pix2pix's for `init`."""
        own = {n: getattr(self, n) for n in Recipe._fields}
        named = {n: value for n, value in own.items() if value is not None}
        if self.init is not None:
            return Recipe(**named)
        suggested = generator_preset(self.generator).recipe(self.epochs)
        return suggested._replace(**named)

    def save(self, path: str | Path) -> None:
        """Writes the settings as JSON, without those of one invocation."""
        values = dataclasses.asdict(self)
        for name in ("run_dir", "resume", "dry_run", "profile"):
            del values[name]
        values |= {"preset": self.generator, **self.recipe._asdict()}
        values["data"] = self.data and absolute_source(self.data)
        with whole_file(Path(path)) as temporary:
            temporary.write_text(json.dumps(values, indent=2) + "\n")

    @classmethod
    def load(cls, path: str | Path, **overrides: Any) -> "TrainingConfig":
        """Reads what `save` wrote.

        Args:
            path: A run folder's `config.json`.
            **overrides: Settings that differ from the file's.

        Raises:
            ConfigError: If the file is missing.
            ArtifactError: If it is damaged.
        """
        before = {"draws": 1}  # Runs of older versions drew a photo once.
        try:
            values = {**before, **json.loads(Path(path).read_text())}
            if values.get("data"):  # As short as it works from here.
                here = os.path.join(os.getcwd(), "")
                values["data"] = str(values["data"]).removeprefix(here)
            return cls(**{**values, **overrides})
        except FileNotFoundError:
            raise ConfigError(
                f"`{Path(path).parent}` holds no run, there is no config.json "
                "in it: name the folder of a run that was started."
            ) from None
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ArtifactError(
                f"`{path}` cannot be read as a run's settings: {error}."
            ) from None


def absolute_source(data: str) -> str:
    """Returns what `--data` names so that every working directory finds it."""
    prefix = TFDS_PREFIX if data.startswith(TFDS_PREFIX) else ""
    path = data.removeprefix(prefix)
    if prefix and not os.path.isdir(path):
        return data  # Of a data set by its name.
    return prefix + os.path.abspath(path)


Rule: TypeAlias = tuple[Callable[[TrainingConfig], bool], str]
RULES: dict[str, Rule] = {
    "epochs": (lambda c: c.epochs >= 1, "at least 1"),
    "batch_size": (lambda c: c.batch_size >= 1, "at least 1"),
    "draws": (lambda c: c.draws is None or c.draws >= 1, "at least 1"),
    "learning_rate": (
        lambda c: c.learning_rate is None or c.learning_rate > 0,
        "above 0",
    ),
    "l1_weight": (lambda c: c.l1_weight >= 0, "0 or more"),
    "ema_decay": (lambda c: 0 <= c.ema_decay < 1, "in [0, 1)"),
    "balance": (lambda c: 0 <= c.balance <= 1, "in [0, 1]"),
    "old_photos": (lambda c: 0 <= c.old_photos <= 1, "in [0, 1]"),
    "checkpoint_minutes": (lambda c: c.checkpoint_minutes > 0, "above 0"),
    "seed": (lambda c: 0 <= c.seed < 2**31, "in [0, 2**31)"),
    "pretrain_epochs": (
        lambda c: 0 <= (c.pretrain_epochs or 0) <= c.epochs,
        "between 0 and --epochs ({0.epochs})",
    ),
    "validation_fraction": (
        lambda c: 0 < c.validation_fraction < 1,
        "between 0 and 1, both excluded",
    ),
}
PRESET_RULES: dict[str, Rule] = {
    "freeze_encoder": (
        lambda c: (
            generator_preset(c.generator).has_encoder or not c.freeze_encoder
        ),
        "left out for all presets but small, whose encoder can be trained "
        "already",
    ),
    "image_size": (
        lambda c: (
            c.square >= SMALLEST_IMAGE
            and c.square % generator_preset(c.generator).multiple == 0
        ),
        "a multiple of {1.multiple} for {0.generator}, and at least "
        f"{SMALLEST_IMAGE}",
    ),
}


def _check(config: TrainingConfig) -> None:
    preset, rules = None, RULES
    if config.preset != AUTO or config.init is not None:
        preset = generator_preset(config.generator)
        rules = RULES | PRESET_RULES
    if config.discriminator is not None:
        discriminator_preset(config.discriminator)
    for name, (holds, rule) in rules.items():
        if not holds(config):
            raise ConfigError(
                f"--{name.replace('_', '-')} must be "
                f"{rule.format(config, preset)}. "
                f"Received: {getattr(config, name)}"
            )


def _preset_of_devices() -> str:
    import tensorflow as tf  # Only where it matters: it takes seconds.

    return "unet_256" if tf.config.list_physical_devices("GPU") else "quick"
