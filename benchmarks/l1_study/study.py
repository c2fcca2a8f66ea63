"""The study itself: play what is missing, write all that is known."""

import gc

import keras
import numpy as np
import tensorflow as tf
from l1_study.game import Game
from l1_study.photos import (
    StudyPhotos,
    judge,
    study_photos,
    true_colorfulness,
)
from l1_study.report import Report
from l1_study.results import Played, ResultFolder, Start
from l1_study.settings import Run, StudyConfig
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from keras_colorizer.errors import DataError
from keras_colorizer.networks.generator_file import (
    load_generator,
    save_generator,
)
from keras_colorizer.networks.saturation import with_saturation

# Color without an adversary: about what the weights give.
FACTORS = (1.25, 1.35, 1.8, 2.0)


def study(config: StudyConfig) -> None:
    """Plays the runs that are missing; reports after each.

    Args:
        config: The settings.

    Raises:
        ColorizerError: If the settings, the photos or earlier results do not
            allow it, or if a run diverges.
    """
    # Every run traces functions of its own, which TensorFlow would warn of.
    tf.get_logger().setLevel("ERROR")
    console = Console()
    folder = ResultFolder(config)
    report = Report(config, folder)
    missing = [run for run in config.runs if folder.played(run) is None]
    if missing or folder.start() is None:
        photos = study_photos(config, quiet=not console.is_terminal)
        _start(folder, photos)
        _play_all(config, folder, photos, missing, report, console)
    report.write()
    console.print(report.text(), markup=False, highlight=False, soft_wrap=True)


def _start(folder, photos: StudyPhotos):
    """Judges what all runs share, unless an earlier call has."""
    folder.keep_start_generator()
    start = folder.start()
    if start is None:
        generator = load_generator(folder.start_generator).generator
        folder.write_start(
            Start(
                photos=photos.digests,
                fingerprint=photos.fingerprint,
                training_photos=photos.training.count,
                true_colorfulness=true_colorfulness(photos),
                grey=judge(photos, _leave_grey),
                start=judge(photos, _predicting(generator)),
                bolder={
                    f"{factor:g}": judge(
                        photos, _predicting(with_saturation(generator, factor))
                    )
                    for factor in FACTORS
                },
            )
        )
    elif start.fingerprint != photos.fingerprint:
        raise DataError(
            f"`{folder.path}` holds results with other photos than --data "
            "holds now: name another --output."
        )


def _play_all(config, folder, photos, runs, report, console):
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn())
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        bar = progress.add_task("", total=len(runs) * config.steps)
        for number, run in enumerate(runs, start=1):
            name = f"{run.name} ({number} of {len(runs)})"
            progress.update(bar, description=name)
            played = _play(
                config, folder, photos, run, lambda: progress.advance(bar)
            )
            console.print(_line(run, played), highlight=False, soft_wrap=True)
            report.write()


def _play(config, folder, photos, run, after_step):
    game = Game(config, run, folder.start_generator)
    game.play(photos.training, after_step=after_step)
    generator = game.gan.averaged_generator
    scores = judge(photos, _predicting(generator))
    save_generator(
        generator,
        folder.generator(run),
        preset=config.training(run).generator,
        render_size=config.square,
    )
    played = Played(scores, game.gradients, game.losses)
    folder.write_played(run, played)
    del game, generator
    keras.backend.clear_session()
    gc.collect()
    return played


def _line(run: Run, played: Played):
    means = {name: np.mean(values) for name, values in played.scores.items()}
    share = np.mean([measure.share for measure in played.gradients])
    return (
        f"{run.name}: PSNR {means['psnr']:.2f} dB, CIEDE2000 "
        f"{means['ciede2000']:.2f}, colorfulness {means['colorfulness']:.1f}, "
        f"{share:.0%} of the gradient adversarial"
    )


def _leave_grey(lightness):
    return tf.zeros((*lightness.shape[:-1], 2))


def _predicting(generator):
    return tf.function(lambda lightness: generator(lightness, training=False))
