"""Stages and learning rates over the epochs of a run."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_colorizer")
class SecondHalfDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Holds the rate for half of the epochs, then lowers it linearly.

    Args:
        rate: The learning rate of the first half.
        epochs: Epochs of the whole run.
        steps_per_epoch: Steps in each.
        first_step: Step of the run at which the optimizer starts.

    Source:
        junyanz/pytorch-CycleGAN-and-pix2pix, models/networks.py,
        get_scheduler, "linear".
    """

    def __init__(self, rate, *, epochs, steps_per_epoch, first_step=0):
        self.rate = rate
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.first_step = first_step

    def __call__(self, step):
        run_step = ops.cast(step, "int64") + self.first_step
        epoch = ops.cast(run_step // self.steps_per_epoch, "float32")
        held = self.epochs - self.epochs // 2
        past = ops.maximum(0.0, epoch + 1 - held)
        return self.rate * (1 - past / (self.epochs // 2 + 1))

    def get_config(self):
        return {
            "rate": self.rate,
            "epochs": self.epochs,
            "steps_per_epoch": self.steps_per_epoch,
            "first_step": self.first_step,
        }


@dataclass(frozen=True)
class Segment:
    """Epochs that one `fit` runs.

    Attributes:
        first_epoch: Number of the first, from 0.
        end_epoch: Number after the last.
        steps: Steps of each epoch.
    """

    first_epoch: int
    end_epoch: int
    steps: int


def segments(
    first_step: int, *, epochs: int, pretrain_epochs: int, steps_per_epoch: int
) -> Iterator[Segment]:
    """Cuts what is left of a run where the stage changes.

    A run stopped within an epoch starts with the rest of that epoch.
    """
    epoch, done = divmod(first_step, steps_per_epoch)
    if done:
        yield Segment(epoch, epoch + 1, steps_per_epoch - done)
        epoch += 1
    for end_epoch in (pretrain_epochs, epochs):
        if epoch < end_epoch:
            yield Segment(epoch, end_epoch, steps_per_epoch)
            epoch = end_epoch
