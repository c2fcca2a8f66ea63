"""Judges the generator after every epoch, beside leaving the photos grey."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from keras_colorizer import encoding
from keras_colorizer.metrics import (
    SCORE_NAMES,
    Scores,
    colorfulness,
    mean_scores,
    score,
)


class Validation(keras.callbacks.Callback):
    """Adds `val_psnr`, `val_ciede2000` and `val_colorfulness` to the logs.

    The moving average of the generator is judged, in inference mode.

    Args:
        batches: Encoded validation batches.
        console: Where to print one line an epoch.

    Attributes:
        grey: The scores of the same photos with ab = 0.
        true_colorfulness: That of the true photos.
    """

    def __init__(self, batches: tf.data.Dataset, console: Console):
        super().__init__()
        self.batches = batches
        self.console = console
        self.grey = self._scores(lambda lightness, ab: tf.zeros_like(ab))
        self.true_colorfulness = self._true_colorfulness()

    def on_train_begin(self, logs=None):
        # One function for all epochs: it is traced once.
        self._predict = tf.function(self.model.averaged_generator)

    def on_epoch_end(self, epoch, logs=None):
        scores = self._scores(
            lambda lightness, ab: self._predict(lightness, training=False)
        )
        for name in SCORE_NAMES:
            logs[f"val_{name}"] = getattr(scores, name)
        self.console.print(
            f"  validation: PSNR {scores.psnr:.2f} dB (grey "
            f"{self.grey.psnr:.2f}), CIEDE2000 {scores.ciede2000:.2f} (grey "
            f"{self.grey.ciede2000:.2f}), colorfulness "
            f"{scores.colorfulness:.1f} (grey 0, true "
            f"{self.true_colorfulness:.1f})",
            highlight=False,
        )

    def _scores(self, predict: Callable) -> Scores:
        scores: list[Scores] = []
        for lightness, real_ab in self.batches:
            fake_ab = predict(lightness, real_ab)
            fakes = encoding.decode_rgb(lightness, fake_ab).numpy()
            reals = encoding.decode_rgb(lightness, real_ab).numpy()
            scores += map(score, reals, fakes)
        return mean_scores(scores)

    def _true_colorfulness(self) -> float:
        photos = (encoding.decode_rgb(*batch).numpy() for batch in self.batches)
        return float(np.mean([colorfulness(p) for b in photos for p in b]))
