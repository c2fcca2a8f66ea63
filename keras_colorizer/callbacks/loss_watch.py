"""Warns, or stops, when the losses show that training goes wrong."""

import keras
import numpy as np
from rich.console import Console

from keras_colorizer.errors import TrainingError

# junyanz's advice: a discriminator loss below 0.01 teaches nothing.
WON = 0.01
PATIENCE = 200


class LossWatch(keras.callbacks.Callback):
    """Stops on losses or weights that are not finite numbers.

    It also warns, once, when the discriminator has won. It must come
    before the callbacks that write anything of an epoch.

    Args:
        console: Where to warn.
        patience: For how many steps in a row the discriminator's loss, the
            mean since the epoch began, must stay below 0.01.
    """

    def __init__(self, console: Console, *, patience: int = PATIENCE):
        super().__init__()
        self.console = console
        self.patience = patience
        self.steps_won = 0

    def on_train_batch_end(self, batch, logs=None):
        broken = [name for name, loss in logs.items() if not np.isfinite(loss)]
        if broken:
            raise TrainingError(
                f"The {broken[0].replace('_', ' ')} is no longer a finite "
                "number. The last checkpoint is kept: continue from it with "
                "--resume and a lower --learning-rate."
            )
        won = not self.model.pretraining and logs["discriminator_loss"] < WON
        self.steps_won = self.steps_won + 1 if won else 0
        if self.steps_won == self.patience:
            self.console.print(
                "[yellow]The discriminator has won:[/] its loss has stayed "
                f"below {WON} for {self.patience} steps, so it teaches the "
                "generator nothing any more. More photos, more "
                "--pretrain-epochs or a higher --l1-weight help."
            )

    def on_epoch_end(self, epoch, logs=None):
        check_finite(self.model)


def check_finite(gan: keras.Model) -> None:
    """Refuses weights that no longer are numbers, however good the last loss.

    Args:
        gan: A `ColorizationGAN`.

    Raises:
        TrainingError: If a weight of either network is not finite.
    """
    for network in (gan.generator, gan.discriminator):
        if not all(np.isfinite(w).all() for w in network.get_weights()):
            raise TrainingError(
                f"The weights of the {network.name} are no longer finite "
                "numbers. The last checkpoint is kept: continue from it with "
                "--resume and a lower --learning-rate."
            )
