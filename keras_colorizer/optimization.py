"""Optimizers of two networks, and their steps on one or several replicas.

Under a `tf.distribute` strategy a model has a replica on each device.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from keras_colorizer.errors import ConfigError

Optimizer: TypeAlias = keras.optimizers.Optimizer


def pix2pix_adam(name: str) -> Optimizer:
    """Returns the optimizer that pix2pix trains either network with.

    Source:
        junyanz/pytorch-CycleGAN-and-pix2pix, models/pix2pix_model.py.
    """
    return keras.optimizers.Adam(
        2e-4, beta_1=0.5, beta_2=0.999, epsilon=1e-8, name=name
    )


def built_optimizer(
    given: Optimizer | str | None, network: keras.Model, *, scale_loss: bool
) -> Optimizer:
    """Returns an optimizer with the variables for a network.

    One not built before a checkpoint is loaded would stay empty.

    Args:
        given: An optimizer or its name; None for pix2pix's.
        network: The network that it updates.
        scale_loss: Whether it must scale losses, as float16 needs it.
    """
    optimizer = keras.optimizers.get(given or pix2pix_adam(network.name))
    scaling = keras.optimizers.LossScaleOptimizer
    if scale_loss and not isinstance(optimizer, scaling):
        optimizer = scaling(optimizer)
    optimizer.build(network.trainable_variables)
    return optimizer


def optimizer_pair(
    one: Optimizer, other: Optimizer, iterations: keras.Variable
) -> SimpleNamespace:
    """Returns two optimizers in the place where Keras looks for one.

    `LearningRateScheduler`, `ReduceLROnPlateau` and `TensorBoard` go through
    its `optimizers`: they drive and show the learning rates of both.

    Raises:
        ConfigError: If the two are one object.
    """
    if one is other:
        raise ConfigError("Each network needs an optimizer object of its own.")
    return SimpleNamespace(
        optimizers=[one, other],
        variables=[*one.variables, *other.variables],
        iterations=iterations,
        built=True,
    )


def descend(
    network: keras.Model,
    optimizer: Optimizer,
    tape: tf.GradientTape,
    loss: tf.Tensor,
) -> None:
    """Updates a network along the gradient of a loss.

    Args:
        network: The network.
        optimizer: Built for it.
        tape: Has recorded the loss.
        loss: Scalar, the mean over the replica's part of the batch. Its
            gradient is divided by the number of replicas, since the optimizer
            adds up those of all.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    share = optimizer.scale_loss(tf.ones_like(loss) / replicas)
    variables = network.trainable_variables
    gradients = tape.gradient(loss, variables, output_gradients=share)
    optimizer.apply(gradients, variables)


@contextmanager
def seeds_of_replica(states: Sequence[keras.Variable]) -> Iterator[None]:
    """Gives each replica other random numbers for one step.

    Between steps all hold the same state, so that it can be saved.

    Args:
        states: Of the random generators: `(2,)` each, seed and counter.
    """
    replica = tf.distribute.get_replica_context()
    if replica.num_replicas_in_sync == 1:
        yield
        return
    number = tf.cast(replica.replica_id_in_sync_group, tf.int64)
    for state in states:
        state.assign(state + tf.cast(tf.stack([number, 0]), state.dtype))
    yield
    for state in states:
        state.assign(state - tf.cast(tf.stack([number, 0]), state.dtype))


class ReplicatedMean(keras.metrics.Mean):
    """A mean of values that all replicas share, read from the first of them.

    Keras' own reads as the sum over all replicas, for which all machines wait
    for each other: one alone could not save it.
    """

    def add_variable(self, *args: Any, **kwargs: Any) -> keras.Variable:
        kwargs["aggregation"] = "only_first_replica"
        return super().add_variable(*args, **kwargs)


def mean_of_replicas(values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Returns the mean over all replicas of each value."""
    replica = tf.distribute.get_replica_context()
    if replica.num_replicas_in_sync == 1:
        return values
    return replica.all_reduce(tf.distribute.ReduceOp.MEAN, values)
