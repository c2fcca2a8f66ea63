"""The loop over epochs and steps, the same for every kind of devices."""

import math
import time
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

from keras_colorizer.gan import ColorizationGAN
from keras_colorizer.training.schedule import Segment

# Seconds between two looks at the losses. Each look waits for the device, which
# would otherwise have its next step already.
PAUSE = 0.2


def fit(
    gan: ColorizationGAN,
    batches: Iterator,
    encode: Callable,
    segment: Segment,
    callbacks: Sequence[keras.callbacks.Callback],
    *,
    verbose: int,
) -> None:
    """Trains for some epochs, as `gan.fit` does.

    Keras' own `fit` fails where several machines train together: it reduces
    scalars along an axis they do not have. This loop runs the same
    `train_step` and drives the same callbacks. Losses that it gives them
    within an epoch may be a moment old; those of the first and the last step
    are not.

    Args:
        gan: Compiled networks, built in the scope of a strategy.
        batches: Of that strategy: every device takes the next part of each.
        encode: Makes `lightness` and `ab` of a device's part of a batch and
            the number of the step, on that device.
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
    step, reset_metrics = _step_function(gan, encode), _reset_function(gan)
    called.on_train_begin()
    logs: dict[str, float] = {}
    for epoch in range(segment.first_epoch, segment.end_epoch):
        reset_metrics()
        called.on_epoch_begin(epoch)
        logs = _train_epoch(step, batches, segment.steps, called)
        called.on_epoch_end(epoch, dict(logs))
    called.on_train_end(logs)


def _train_epoch(step, batches, count, called) -> dict[str, float]:
    """Returns the means of the losses over all steps."""
    logs: dict[str, float] = {}
    looked = -math.inf
    for number in range(count):
        called.on_train_batch_begin(number)
        # What a profile takes for a step: Keras' own mark lacks the `_r`.
        with tf.profiler.experimental.Trace("train", step_num=number, _r=1):
            means = step(batches)
        if number == count - 1 or time.monotonic() - looked > PAUSE:
            logs = {name: float(mean) for name, mean in means.items()}
            looked = time.monotonic()
        called.on_train_batch_end(number, logs)
    return logs


def _step_function(gan, encode) -> Callable[[Iterator], dict]:
    strategy = gan.distribute_strategy

    def train(part):
        return gan.train_step(encode(part, gan.steps.value))

    train = tf.function(train, jit_compile=gan.jit_compile, autograph=False)

    def step(iterator):
        logs = strategy.run(train, args=(next(iterator),))
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
