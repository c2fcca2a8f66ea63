"""The two networks trained against each other."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from keras_colorizer import losses
from keras_colorizer.networks.precision import with_precision

LOSS_NAMES = (
    "generator_loss",
    "discriminator_loss",
    "adversarial_loss",
    "l1_loss",
)
EMA_WARM_UP = 10.0  # Steps over which the moving average gains its length.


class ColorizationGAN(keras.Model):
    """A generator and the discriminator that trains it.

    Steps follow pix2pix: the discriminator is updated first, then the
    generator against the updated discriminator. Validation and prediction use
    a moving average of the generator in inference mode, in float32.

    Built in the scope of a `tf.distribute` strategy, every device takes a
    part of each batch, and the step is that of the whole batch: gradients and
    losses are means over all devices, and batch norm is given statistics of
    the whole batch. Dropout draws for every device anew.

    Args:
        generator: Maps lightness to ab.
        discriminator: Maps `[lightness, ab]` to a patch map of logits.
        l1_weight: Weight of the L1 loss against the adversarial one.
        ema_decay: Decay of the generator's moving average, in [0, 1); 0 keeps
            the live weights.

    Attributes:
        averaged_generator: The moving average, a model of its own.
        pretraining: Whether steps train the generator alone, with L1.
        devices: How many take part in a step.

    Source:
        Isola et al., 2017, section 3.1. https://arxiv.org/abs/1611.07004
    """

    def __init__(
        self, generator, discriminator, *, l1_weight=100.0, ema_decay=0.999
    ):
        super().__init__(name="colorization_gan")
        self.generator = generator
        self.discriminator = discriminator
        self.averaged_generator = with_precision(generator, "float32")
        self.l1_weight = l1_weight
        self.ema_decay = ema_decay
        self.steps = self.add_weight(
            name="steps", dtype="int64", initializer="zeros", trainable=False
        )
        self.loss_means = [keras.metrics.Mean(name) for name in LOSS_NAMES]
        self.devices = self.distribute_strategy.num_replicas_in_sync
        if self.devices > 1:
            _synchronize_batch_norm(generator, discriminator)
        self._pretraining = False
        # Both networks are functional, hence built; Keras refuses to save or
        # restore the weights of a model that it does not know to be.
        self.built = True

    def compile(self, generator_optimizer, discriminator_optimizer, **kwargs):
        """Takes one optimizer for each network.

        Args:
            generator_optimizer: A Keras optimizer, not shared.
            discriminator_optimizer: Another one.
            **kwargs: As for `keras.Model.compile`.
        """
        super().compile(optimizer=None, **kwargs)
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        # An optimizer not built before a checkpoint loads stays empty.
        generator_optimizer.build(self.generator.trainable_variables)
        discriminator_optimizer.build(self.discriminator.trainable_variables)

    @property
    def steps_done(self) -> int:
        """How many steps the networks have been trained for."""
        return int(self.steps.numpy())

    @property
    def pretraining(self) -> bool:
        return self._pretraining

    @pretraining.setter
    def pretraining(self, value):
        self._pretraining = value
        self.train_function = None  # Traced anew by the next `fit`.

    def call(self, lightness, training=False):
        generator = self.generator if training else self.averaged_generator
        return generator(lightness, training=training)

    def train_step(self, data):
        lightness, real_ab, _ = keras.utils.unpack_x_y_sample_weight(data)
        step = self._pretrain if self._pretraining else self._play
        with self._own_randomness():
            logs = step(lightness, real_ab)
        self.steps.assign_add(1)
        self._average()
        return self._logged(logs)

    def test_step(self, data):
        lightness, real_ab, _ = keras.utils.unpack_x_y_sample_weight(data)
        fake_ab = self.averaged_generator(lightness, training=False)
        real_logits = self.discriminator([lightness, real_ab], training=False)
        fake_logits = self.discriminator([lightness, fake_ab], training=False)
        discriminator_loss = losses.discriminator_loss(real_logits, fake_logits)
        logs = self._generator_losses(fake_logits, fake_ab, real_ab)
        return self._logged({**logs, "discriminator_loss": discriminator_loss})

    def save_own_variables(self, store):
        for name, variable in self._own_variables().items():
            store[name] = variable.numpy()

    def load_own_variables(self, store):
        for name, variable in self._own_variables().items():
            variable.assign(store[name])

    def _own_variables(self):
        # Keras saves no random state, but a resumed run needs its dropout's.
        random = enumerate(self._random_states())
        return {"steps": self.steps, **{f"random_{i}": v for i, v in random}}

    def _random_states(self):
        saved = {id(weight) for weight in self.generator.weights}
        return [v for v in self.generator.variables if id(v) not in saved]

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """Gives each device seeds of its own for one step.

        Between steps all hold the same state, so that it can be saved.
        """
        if self.devices == 1:
            yield
            return
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        shift = tf.stack([tf.cast(replica, tf.int64), 0])
        for state in self._random_states():
            state.assign(state + tf.cast(shift, state.dtype))
        yield
        for state in self._random_states():
            state.assign(state - tf.cast(shift, state.dtype))

    def _play(self, lightness, real_ab):
        with tf.GradientTape() as tape:
            fake_ab = self.generator(lightness, training=True)
            discriminator_loss = self._train_discriminator(
                lightness, real_ab, tf.stop_gradient(fake_ab)
            )
            fake_logits = self._judged(lightness, fake_ab)
            logs = self._generator_losses(fake_logits, fake_ab, real_ab)
            share = logs["generator_loss"] / self.devices
            scaled = self.generator_optimizer.scale_loss(share)
        _descend(self.generator, self.generator_optimizer, tape, scaled)
        return {**logs, "discriminator_loss": discriminator_loss}

    def _train_discriminator(self, lightness, real_ab, fake_ab):
        with tf.GradientTape() as tape:
            real_logits = self._judged(lightness, real_ab)
            fake_logits = self._judged(lightness, fake_ab)
            loss = losses.discriminator_loss(real_logits, fake_logits)
            share = loss / self.devices
            scaled = self.discriminator_optimizer.scale_loss(share)
        _descend(self.discriminator, self.discriminator_optimizer, tape, scaled)
        return loss

    def _pretrain(self, lightness, real_ab):
        with tf.GradientTape() as tape:
            fake_ab = self.generator(lightness, training=True)
            l1_loss = losses.l1_loss(fake_ab, real_ab)
            generator_loss = self.l1_weight * l1_loss
            share = generator_loss / self.devices
            scaled = self.generator_optimizer.scale_loss(share)
        _descend(self.generator, self.generator_optimizer, tape, scaled)
        return {"generator_loss": generator_loss, "l1_loss": l1_loss}

    def _judged(self, lightness, ab):
        return self.discriminator([lightness, ab], training=True)

    def _generator_losses(self, fake_logits, fake_ab, real_ab):
        return {
            "generator_loss": losses.generator_loss(
                fake_logits, fake_ab, real_ab, self.l1_weight
            ),
            "adversarial_loss": losses.adversarial_loss(fake_logits),
            "l1_loss": losses.l1_loss(fake_ab, real_ab),
        }

    def _average(self):
        steps = tf.cast(self.steps.value, tf.float32)
        decay = tf.minimum(self.ema_decay, steps / (EMA_WARM_UP + steps))
        pairs = zip(
            self.averaged_generator.weights, self.generator.weights, strict=True
        )
        for average, live in pairs:
            change = tf.cast(live.value, tf.float32) - average
            average.assign_add((1.0 - decay) * change)

    def _logged(self, values):
        if self.devices > 1:
            replica = tf.distribute.get_replica_context()
            values = replica.all_reduce(tf.distribute.ReduceOp.MEAN, values)
        means = [mean for mean in self.loss_means if mean.name in values]
        for mean in means:
            mean.update_state(values[mean.name])
        return {mean.name: mean.result() for mean in means}


def _synchronize_batch_norm(*networks):
    """Lets batch norm see the whole batch: a device may hold a photo or two."""
    for network in networks:
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True


def _descend(network, optimizer, tape, loss):
    # The optimizer adds up the gradients of all devices: hence their shares.
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
