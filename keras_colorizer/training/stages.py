"""Stages and learning rates over the epochs of a run."""

from collections.abc import Iterator
from typing import NamedTuple

import keras
from rich.console import Console

from keras_colorizer.config import TrainingConfig
from keras_colorizer.gan import ColorizationGAN


class Stage(NamedTuple):
    """Epochs that one `fit` runs, from `first_epoch`, counted from 0."""

    first_epoch: int
    end_epoch: int
    steps: int  # Of each epoch.
    pretraining: bool

    def begin(self, gan: ColorizationGAN, console: Console) -> None:
        """Sets which networks `fit` trains, and says so."""
        gan.pretraining = self.pretraining
        networks = "the generator against the discriminator"
        if self.pretraining:
            networks = "pretraining, the generator alone with L1"
        epochs = f"Epochs {self.first_epoch + 1} to {self.end_epoch}"
        console.print(f"[bold]{epochs}: {networks}")


def remaining_stages(
    config: TrainingConfig, gan: ColorizationGAN, steps_per_epoch: int
) -> Iterator[Stage]:
    """Cuts what is left of a run where the networks change.

    A run stopped within an epoch starts with the rest of that epoch. After a
    stage in which a callback has stopped training, none follows.
    """
    pretrained = config.recipe.pretrain_epochs
    epoch, done = divmod(gan.steps_done, steps_per_epoch)
    if done:
        rest = steps_per_epoch - done
        yield Stage(epoch, epoch + 1, rest, epoch < pretrained)
        epoch += 1
    for end_epoch in (pretrained, config.epochs):
        if epoch < end_epoch and not gan.stop_training:
            yield Stage(epoch, end_epoch, steps_per_epoch, epoch < pretrained)
            epoch = end_epoch


class SecondHalfDecay(keras.callbacks.Callback):
    """Holds both learning rates for half of the epochs, then lowers them.

    Source:
        junyanz/pytorch-CycleGAN-and-pix2pix, models/networks.py,
        get_scheduler, "linear".
    """

    def __init__(self, rate: float, epochs: int) -> None:
        super().__init__()
        self.rate = rate
        self.epochs = epochs

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        held = self.epochs - self.epochs // 2
        past = max(0, epoch + 1 - held) / (self.epochs // 2 + 1)
        for optimizer in self.model.optimizer.optimizers:
            optimizer.learning_rate = self.rate * (1 - past)
