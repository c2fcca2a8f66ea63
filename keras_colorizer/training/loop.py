"""The loop over epochs and steps, the same for every kind of devices."""

from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

from keras_colorizer.gan import ColorizationGAN
from keras_colorizer.training.schedule import Segment


def fit(
    gan: ColorizationGAN,
    batches: Iterator,
    segment: Segment,
    callbacks: Sequence[keras.callbacks.Callback],
    *,
    verbose: int,
) -> None:
    """Trains for some epochs, as `gan.fit` does.

    Keras' own `fit` fails where several machines train together: it reduces
    scalars along an axis they do not have. This loop runs the same
    `train_step` and drives the same callbacks.

    Args:
        gan: Compiled networks, built in the scope of a strategy.
        batches: Of that strategy: every device takes the next part of each.
        segment: The epochs.
        callbacks: Keras callbacks, in order.
        verbose: As of `keras.Model.fit`.
    """
    called = keras.callbacks.CallbackList(
        list(callbacks),
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=segment.end_epoch,
        steps=segment.steps,
        model=gan,
    )
    step, reset_metrics = _step_function(gan), _reset_function(gan)
    called.on_train_begin()
    logs: dict = {}
    for epoch in range(segment.first_epoch, segment.end_epoch):
        reset_metrics()
        called.on_epoch_begin(epoch)
        for number in range(segment.steps):
            called.on_train_batch_begin(number)
            logs = step(batches)
            called.on_train_batch_end(number, logs)
        called.on_epoch_end(epoch, dict(logs))
    called.on_train_end(logs)


def _step_function(gan) -> Callable[[Iterator], dict]:
    strategy = gan.distribute_strategy
    train_step = tf.function(
        gan.train_step, jit_compile=gan.jit_compile, autograph=False
    )

    def step(iterator):
        logs = strategy.run(train_step, args=(next(iterator),))
        # Means over all devices already: each holds the same.
        return {
            name: strategy.experimental_local_results(value)[0]
            for name, value in logs.items()
        }

    return tf.function(step, autograph=False)


def _reset_function(gan) -> Callable[[], None]:
    # On each device for itself: from outside, workers would have to agree.
    strategy = gan.distribute_strategy
    return tf.function(lambda: strategy.run(gan.reset_metrics), autograph=False)
