"""A training run: photos, networks, callbacks, `fit`."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import tensorflow as tf
from rich.console import Console

from keras_colorizer.callbacks.checkpoints import Checkpoints
from keras_colorizer.callbacks.history import read_history
from keras_colorizer.config import TrainingConfig
from keras_colorizer.data.pipeline import training_batches
from keras_colorizer.data.survey import Survey, survey_photos
from keras_colorizer.gan import ColorizationGAN
from keras_colorizer.label import Label
from keras_colorizer.training.callbacks import run_callbacks
from keras_colorizer.training.devices import choose_strategy, device_errors
from keras_colorizer.training.networks import build_gan
from keras_colorizer.training.outcome import print_outcome
from keras_colorizer.training.plan import print_plan
from keras_colorizer.training.run_folder import RunFolder, open_run_folder
from keras_colorizer.training.stages import remaining_stages


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Attributes:
        run_dir: The run folder.
        generator: Its best generator, a `.keras` file; None after a dry run.
        history: A dictionary for every epoch: losses and validation scores.

    Example:
        ```python
        result = train(TrainingConfig(data="photos/", epochs=20))
        min(row["val_ciede2000"] for row in result.history)
        ```
    """

    run_dir: Path
    generator: Path | None
    history: list[dict]


@device_errors()
def train(
    config: TrainingConfig,
    *,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    generator: keras.Model | None = None,
    discriminator: keras.Model | None = None,
) -> RunResult:
    """Trains a colorizer, as `python train.py` does.

    Args:
        config: The settings. Keras' global random seed is set to theirs.
        callbacks: More callbacks for `fit`. They see the validation scores,
            and what they log is written to `history.csv`. One that sets the
            learning rate overrules the run's own.
        generator: In place of `config.preset`, which still says how wide the
            squares are by default: a copy of it is trained.
        discriminator: Likewise in place of `config.discriminator`.

    Returns:
        The run folder and its history.

    Raises:
        ColorizerError: If the settings, the photos, the run folder or the
            devices do not allow it, or if training diverges.
        KeyboardInterrupt: After Ctrl-C, once a checkpoint is saved.

    Example:
        ```python
        config = TrainingConfig(data="photos/", epochs=20, run_dir="runs/mine")
        result = train(config, callbacks=[keras.callbacks.TerminateOnNaN()])
        Colorizer.load(result.run_dir).colorize("old.jpg").save("new.png")
        ```
    """
    folder, config = open_run_folder(config)
    console = Console()
    strategy = choose_strategy(config)
    survey = _survey(config, console)
    config = replace(config, draws=survey.draws)
    own = {"generator": generator, "discriminator": discriminator}
    gan = build_gan(config, strategy, **own)
    print_plan(console, config, folder, survey, gan)
    if config.dry_run:
        return RunResult(folder.path, None, [])
    label = Label(None if generator else config.generator, config.square)
    with folder.claimed(resume=config.resume):
        observers = run_callbacks(
            config, folder, survey, label, callbacks, console
        )
        _fit(config, folder, survey, gan, observers, console)
    history = read_history(folder.history)
    if generator is None:  # Layers of others might not be read back.
        print_outcome(console, config, folder, survey)
    return RunResult(folder.path, folder.generator, history)


def _survey(config: TrainingConfig, console: Console) -> Survey:
    try:
        return survey_photos(
            config.data,
            square=config.square,
            batch_size=config.batch_size,
            validation_fraction=config.validation_fraction,
            draws=config.draws,
            keep_colorless=config.keep_colorless,
            cache=config.cache,
            quiet=not console.is_terminal,
        )
    except KeyboardInterrupt:
        console.print(
            "Stopped while looking at the photos: nothing is trained, and no "
            "file was written or changed."
        )
        raise


def _fit(
    config: TrainingConfig,
    folder: RunFolder,
    survey: Survey,
    gan: ColorizationGAN,
    observers: list[keras.callbacks.Callback],
    console: Console,
) -> None:
    steps = survey.steps_per_epoch
    minutes = config.checkpoint_minutes
    checkpoints = Checkpoints(folder.checkpoint, minutes, steps)
    if config.resume:
        checkpoints.restore(gan)
    with checkpoints.saved_when_interrupted(gan, console):
        for stage in remaining_stages(config, gan, steps):
            stage.begin(gan, console)
            gan.fit(
                training_batches(
                    survey,
                    tf.data.Dataset.counter(gan.steps_done),
                    seed=config.seed,
                    balance=config.balance,
                    old_photos=config.old_photos,
                ),
                initial_epoch=stage.first_epoch,
                epochs=stage.end_epoch,
                steps_per_epoch=stage.steps,
                callbacks=[*observers, checkpoints],
                verbose=1 if console.is_terminal else 2,
                shuffle=False,
            )
