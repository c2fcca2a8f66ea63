"""A watch on losses and weights: training stops when it goes wrong."""

import keras
import numpy as np
from rich.console import Console

from keras_colorizer.errors import TrainingError

WON = 0.01  # junyanz's advice: a lower discriminator loss teaches nothing.
PATIENCE = 200


class LossWatch(keras.callbacks.Callback):
    """Stops on losses or weights that are not finite numbers.

    It also warns, once, when the discriminator has won: when its loss, the
    mean since the epoch began, stays low for `patience` steps in a row. It
    must come before the callbacks that write anything of an epoch.
    """

    # Keras then reads the losses beside the steps, which need not wait for it.
    async_safe = True

    def __init__(self, console: Console, *, patience: int = PATIENCE) -> None:
        super().__init__()
        self.console = console
        self.patience = patience
        self.steps_won = 0

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        for name, loss in logs.items():
            if not np.isfinite(loss):
                raise _not_finite(f"{name.replace('_', ' ')} is")
        won = logs.get("discriminator_loss", 1.0) < WON
        self.steps_won = self.steps_won + 1 if won else 0
        if self.steps_won == self.patience:
            self.console.print(
                "[yellow]The discriminator has won:[/] its loss has stayed "
                f"below {WON} for {self.patience} steps, so it teaches the "
                "generator nothing any more. More photos, more "
                "--pretrain-epochs or a higher --l1-weight help."
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        check_finite(self.model)


def check_finite(gan: keras.Model) -> None:
    """Refuses weights that no longer are numbers, however good the last loss.

    Raises:
        TrainingError: If a weight of either network is not finite.
    """
    for network in (gan.generator, gan.discriminator):
        if not all(np.isfinite(w).all() for w in network.get_weights()):
            raise _not_finite(f"weights of the {network.name} are")


def _not_finite(what: str) -> TrainingError:
    return TrainingError(
        f"The {what} no longer finite: the last checkpoint is kept, continue "
        "from it with --resume and a lower --learning-rate."
    )
