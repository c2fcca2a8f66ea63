"""Keeps the generator that validated best."""

from pathlib import Path

import keras

from keras_colorizer.callbacks.history import History, stage_name
from keras_colorizer.errors import TrainingError
from keras_colorizer.networks.generator_file import save_generator


class BestGenerator(keras.callbacks.Callback):
    """Writes `generator.keras` whenever validation CIEDE2000 falls.

    Only epochs of one stage compete: L1 alone always scores better than
    adversarial training, which takes risks for the sake of color, so that
    across stages the best would be the dullest.

    Args:
        path: The file.
        history: The run's earlier epochs.
        **about: What `save_generator` says of the generator.
    """

    def __init__(self, path: Path, history: History, **about):
        super().__init__()
        self.path = path
        self.about = about
        self.history = history

    def on_epoch_end(self, epoch, logs=None):
        earlier = [
            row["val_ciede2000"]
            for row in self.history.rows
            if row["stage"] == stage_name(self.model)
        ]
        if logs["val_ciede2000"] < min(earlier, default=float("inf")):
            self._save()

    def _save(self):
        generator = self.model.averaged_generator
        try:
            save_generator(generator, self.path, **self.about)
        except (OSError, RuntimeError) as error:
            raise TrainingError(
                f"The generator `{self.path}` cannot be written ({error}). "
                "Make room and continue with --resume."
            ) from None
