"""Validation of the generator: scores and contact sheets."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw
from rich.console import Console

from keras_colorizer import encoding
from keras_colorizer.data.pipeline import validation_batches
from keras_colorizer.data.survey import Survey
from keras_colorizer.files import whole_file
from keras_colorizer.metrics import (
    SCORE_NAMES,
    Scores,
    colorfulness,
    mean_scores,
    score,
)

BATCH = 16
PHOTOS, HELD_OUT = 9, 6  # On a sheet: all, and at most those held out.
MARGIN, HEADING = 4, 18  # Pixels.


class Validation(keras.callbacks.Callback):
    """Adds scores such as `val_psnr` to the logs.

    The moving average of the generator is judged, in inference mode. What the
    same photos score with ab = 0, and their true colorfulness, is printed
    before the first epoch.
    """

    def __init__(self, survey: Survey, console: Console) -> None:
        super().__init__()
        self.survey = survey
        self.console = console

    @cached_property
    def batches(self) -> tf.data.Dataset:
        return validation_batches(self.survey, batch_size=BATCH)

    @cached_property
    def constants(self) -> dict[str, float]:
        """Scores of the photos left grey, and their true colorfulness."""
        grey = self.scores(
            lambda lightness: tf.zeros((*lightness.shape[:-1], 2))
        )
        photos = (encoding.decode_rgb(*batch).numpy() for batch in self.batches)
        true = np.mean([colorfulness(p) for b in photos for p in b])
        return {
            "grey_psnr": grey.psnr,
            "grey_ciede2000": grey.ciede2000,
            "true_colorfulness": float(true),
        }

    def on_train_begin(self, logs: dict | None = None) -> None:
        if "constants" not in vars(self):  # The first stage has printed them.
            grey_psnr, grey_ciede2000, true = self.constants.values()
            self.console.print(
                f"Photos to validate with, left grey: PSNR {grey_psnr:.2f} dB, "
                f"CIEDE2000 {grey_ciede2000:.2f}; their true colorfulness: "
                f"{true:.1f}",
                highlight=False,
            )
        # One function for all epochs: it is traced once.
        self._predict = tf.function(self.model.averaged_generator)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        scores = self.scores(partial(self._predict, training=False))
        for name in SCORE_NAMES:
            logs[f"val_{name}"] = getattr(scores, name)

    def scores(self, predict: Callable[[tf.Tensor], tf.Tensor]) -> Scores:
        """Returns the mean scores of what `predict` makes of lightness."""
        scores: list[Scores] = []
        for lightness, real_ab in self.batches:
            fakes = encoding.decode_rgb(lightness, predict(lightness)).numpy()
            reals = encoding.decode_rgb(lightness, real_ab).numpy()
            scores += map(score, reals, fakes)
        return mean_scores(scores)


class SampleSheets(keras.callbacks.Callback):
    """Writes `epoch_0001.png`, ... and shows them in TensorBoard.

    Below photos held out are some of those trained on: they tell what is
    learnt by heart.
    """

    def __init__(
        self, validation: Validation, folder: Path, log_dir: Path
    ) -> None:
        super().__init__()
        self.validation = validation
        self.folder = folder
        self.log_dir = log_dir

    def on_train_begin(self, logs: dict | None = None) -> None:
        survey = self.validation.survey
        photos = survey.validation[:HELD_OUT]
        self.titles = (f"grey ({len(photos)} held out)", "colorized", "true")
        photos = photos + survey.training[: PHOTOS - len(photos)]
        shown = replace(survey, photos=photos, held_out=0)
        samples = validation_batches(shown, batch_size=PHOTOS)
        self.lightness, self.real_ab = next(iter(samples))
        self._writer = tf.summary.create_file_writer(str(self.log_dir))

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        fake_ab = self.model.averaged_generator(self.lightness, training=False)
        columns = [
            encoding.decode_rgb(self.lightness, ab).numpy()
            for ab in (tf.zeros_like(fake_ab), fake_ab, self.real_ab)
        ]
        sheet = contact_sheet(np.stack(columns, axis=1), self.titles)
        with whole_file(self.folder / f"epoch_{epoch + 1:04d}.png") as path:
            sheet.save(path)
        with self._writer.as_default():
            image = np.asarray(sheet)[None]
            tf.summary.image("grey | colorized | true", image, step=epoch)
        self._writer.flush()


def contact_sheet(photos: np.ndarray, titles: Sequence[str]) -> Image.Image:
    """Lays out photos in a grid with a margin around each.

    Args:
        photos: `(rows, columns, h, w, 3)` uint8.
        titles: Of the columns.
    """
    sides = [(0, 0), (0, 0), (MARGIN, 0), (MARGIN, 0), (0, 0)]
    cells = np.pad(photos, sides, constant_values=255)
    rows, columns, height, width, _ = cells.shape
    grid = cells.swapaxes(1, 2).reshape(rows * height, columns * width, 3)
    borders = [(HEADING, MARGIN), (0, MARGIN), (0, 0)]
    sheet = Image.fromarray(np.pad(grid, borders, constant_values=255))
    draw = ImageDraw.Draw(sheet)
    for i, title in enumerate(titles):
        draw.text((MARGIN + i * width, MARGIN), title, fill="black")
    return sheet
