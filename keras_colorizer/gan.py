"""A conditional GAN for colorization, trained by Keras' `fit`."""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from keras_colorizer import losses
from keras_colorizer.hint_simulation import MOST, simulate_hints
from keras_colorizer.networks.hint_propagation import colors_with_hints
from keras_colorizer.networks.precision import with_precision
from keras_colorizer.optimization import (
    Optimizer,
    ReplicatedMean,
    built_optimizer,
    descend,
    mean_of_replicas,
    optimizer_pair,
    seeds_of_replica,
)

LOSSES = ("discriminator_loss", "adversarial_loss", "l1_loss")
OPTIMIZERS = ("generator_optimizer", "discriminator_optimizer")
HINT_SHARE = 0.5  # Of the L1 loss with hints, beside that without.
EMA_WARM_UP = 10.0  # Steps over which the moving average gains its length.

Logs = dict[str, tf.Tensor]
Given: TypeAlias = Optimizer | str | None


@keras.saving.register_keras_serializable("keras_colorizer")
class ColorizationGAN(keras.Model):
    """A generator and the discriminator that trains it.

    Steps follow pix2pix: the discriminator is updated first, then the
    generator against the updated discriminator. Validation and prediction use
    a moving average of the generator in inference mode, in float32.

    A generator that holds a `HintPropagation` is trained to take hints, too:
    the same L1 loss of its prediction with simulated ones is added, by half.

    Built in the scope of a `tf.distribute` strategy, every device takes a
    part of each batch, and the step is that of the whole batch, batch norm
    included; dropout draws for every device anew.

    Args:
        generator: Maps lightness to ab.
        discriminator: Maps `[lightness, ab]` to a patch map of logits.
        l1_weight: Weight of the L1 loss against the adversarial one.
        ema_decay: Decay of the generator's moving average, in [0, 1); 0 keeps
            the live weights.
        **kwargs: As for `keras.Model`.

    Attributes:
        averaged_generator: The moving average, a model of its own.
        pretraining: Whether steps train the generator alone, with L1.

    Example:
        ```python
        gan = ColorizationGAN(build_generator("quick"), build_discriminator())
        gan.compile()
        photos = photo_dataset("photos/", image_size=128, batch_size=16)
        gan.fit(photos, epochs=20)
        gan.save("gan.keras")
        ```

    Source:
        Isola et al., 2017, section 3.1. https://arxiv.org/abs/1611.07004
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        l1_weight: float = 100.0,
        ema_decay: float = 0.999,
        name: str = "colorization_gan",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.averaged_generator = with_precision(generator, "float32")
        self.l1_weight = l1_weight
        self.ema_decay = ema_decay
        self.steps = self.add_weight(
            name="steps", dtype="int64", initializer="zeros", trainable=False
        )
        self.loss_means = [
            ReplicatedMean(name) for name in ("generator_loss", *LOSSES)
        ]
        replicas = self.distribute_strategy.num_replicas_in_sync
        for layer in [*generator.layers, *discriminator.layers]:
            if isinstance(layer, keras.layers.BatchNormalization):
                # A device may hold a photo or two, which say little of others.
                layer.synchronized = replicas > 1
        # In a closure, Keras does not track the same layers twice.
        both = colors_with_hints(generator, count=MOST)
        self._with_hints = both and (lambda pair: both(pair, training=True))
        self._pretraining = False
        # Both networks are functional, hence built; Keras refuses to save or
        # restore the weights of a model that it does not know to be.
        self.built = True

    def compile(
        self,
        generator_optimizer: Given = None,
        discriminator_optimizer: Given = None,
        *,
        discriminator_loss: Callable = losses.discriminator_loss,
        adversarial_loss: Callable = losses.adversarial_loss,
        l1_loss: Callable = losses.l1_loss,
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Configures training: without arguments, as pix2pix is trained.

        Keras' `LearningRateScheduler` and `ReduceLROnPlateau` then drive the
        learning rates of both networks: they find them in `gan.optimizer`.

        Args:
            generator_optimizer: A Keras optimizer or its name; pix2pix's Adam
                by default.
            discriminator_optimizer: Likewise, and another object.
            discriminator_loss: A function of `(real_logits, fake_logits)`.
            adversarial_loss: A function of `fake_logits`.
            l1_loss: A function of `(fake_ab, real_ab)`, weighted by
                `l1_weight`; the loss of pretraining.
            jit_compile: Whether to compile the step with XLA.
            **kwargs: As for `keras.Model.compile`.

        Raises:
            ConfigError: If both networks are given the same optimizer.
        """
        super().compile(optimizer=None, jit_compile=jit_compile, **kwargs)
        self.discriminator_loss = discriminator_loss
        self.adversarial_loss = adversarial_loss
        self.l1_loss = l1_loss
        scale_loss = self.dtype_policy.name == "mixed_float16"
        self.generator_optimizer = built_optimizer(
            generator_optimizer, self.generator, scale_loss=scale_loss
        )
        self.discriminator_optimizer = built_optimizer(
            discriminator_optimizer, self.discriminator, scale_loss=scale_loss
        )
        self.optimizer = optimizer_pair(
            self.generator_optimizer, self.discriminator_optimizer, self.steps
        )

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "l1_weight": self.l1_weight,
            "ema_decay": self.ema_decay,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict | None = None
    ) -> "ColorizationGAN":
        deserialize = keras.saving.deserialize_keras_object
        networks = {
            name: deserialize(config[name], custom_objects)
            for name in ("generator", "discriminator")
        }
        return cls(**{**config, **networks})

    def get_compile_config(self) -> dict[str, Any]:
        config = super().get_compile_config()
        del config["optimizer"]
        serialize = keras.saving.serialize_keras_object
        names = (*OPTIMIZERS, *LOSSES)
        return config | {n: serialize(getattr(self, n)) for n in names}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))

    @property
    def steps_done(self) -> int:
        """How many steps the networks have been trained for."""
        return int(self.steps.numpy())

    @property
    def loss_sums(self) -> list[keras.Variable]:
        """The sums that the losses of an epoch are the means of."""
        return [v for mean in self.loss_means for v in mean.variables]

    @property
    def pretraining(self) -> bool:
        return self._pretraining

    @pretraining.setter
    def pretraining(self, value: bool) -> None:
        self._pretraining = value
        self.train_function = None  # Traced anew by the next `fit`.

    def call(self, lightness: tf.Tensor, training: bool = False) -> tf.Tensor:
        generator = self.generator if training else self.averaged_generator
        return generator(lightness, training=training)

    def train_step(self, data: tuple) -> Logs:
        lightness, real_ab, _ = keras.utils.unpack_x_y_sample_weight(data)
        losses_of = self._l1_losses if self.pretraining else self._all_losses
        with seeds_of_replica(self._random_states()), tf.GradientTape() as tape:
            fake_ab, hint_loss = self._colored(lightness, real_ab)
            logs = losses_of(lightness, real_ab, fake_ab)
            loss = logs["generator_loss"] + hint_loss
        descend(self.generator, self.generator_optimizer, tape, loss)
        self.steps.assign_add(1)
        self._update_average()
        return self._logged(logs)

    def _colored(
        self, lightness: tf.Tensor, real_ab: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor | float]:
        """Returns ab, and the loss that hints leave."""
        if self._with_hints is None:
            return self.generator(lightness, training=True), 0.0
        replica = tf.distribute.get_replica_context()
        number = tf.cast(replica.replica_id_in_sync_group, tf.int64)
        seed = tf.stack([tf.cast(self.steps.value, tf.int64), 10 * number])
        hints = simulate_hints(real_ab, seed)
        fake_ab, hinted_ab = self._with_hints([lightness, hints])
        hint_loss = self.l1_loss(hinted_ab, real_ab)
        return fake_ab, HINT_SHARE * self.l1_weight * hint_loss

    def _l1_losses(
        self, lightness: tf.Tensor, real_ab: tf.Tensor, fake_ab: tf.Tensor
    ) -> Logs:
        l1_loss = self.l1_loss(fake_ab, real_ab)
        return {"generator_loss": self.l1_weight * l1_loss, "l1_loss": l1_loss}

    def _all_losses(
        self, lightness: tf.Tensor, real_ab: tf.Tensor, fake_ab: tf.Tensor
    ) -> Logs:
        """Trains the discriminator, and returns its loss and those after it."""
        network, stopped_ab = self.discriminator, tf.stop_gradient(fake_ab)
        with tf.GradientTape() as tape:
            real_logits = network([lightness, real_ab], training=True)
            fake_logits = network([lightness, stopped_ab], training=True)
            loss = self.discriminator_loss(real_logits, fake_logits)
        descend(network, self.discriminator_optimizer, tape, loss)
        fake_logits = network([lightness, fake_ab], training=True)
        logs = self._generator_losses(fake_logits, fake_ab, real_ab)
        return {**logs, "discriminator_loss": loss}

    def test_step(self, data: tuple) -> Logs:
        lightness, real_ab, _ = keras.utils.unpack_x_y_sample_weight(data)
        fake_ab = self.averaged_generator(lightness, training=False)
        real_logits = self.discriminator([lightness, real_ab], training=False)
        fake_logits = self.discriminator([lightness, fake_ab], training=False)
        loss = self.discriminator_loss(real_logits, fake_logits)
        logs = self._generator_losses(fake_logits, fake_ab, real_ab)
        return self._logged({**logs, "discriminator_loss": loss})

    def save_own_variables(self, store: dict) -> None:
        for name, variable in self._own_variables().items():
            store[name] = variable.numpy()

    def load_own_variables(self, store: dict) -> None:
        for name, variable in self._own_variables().items():
            # Earlier files have no sums of losses.
            if name in store or not name.startswith("loss_"):
                variable.assign(store[name])

    def _own_variables(self) -> dict[str, keras.Variable]:
        # Keras saves no metrics and no random state, but a run resumed within
        # an epoch needs the sums of its losses, and any its dropout's.
        random = enumerate(self._random_states())
        return {
            "steps": self.steps,
            **{f"random_{i}": v for i, v in random},
            **{f"loss_{i}": v for i, v in enumerate(self.loss_sums)},
        }

    def _random_states(self) -> list[keras.Variable]:
        saved = {id(weight) for weight in self.generator.weights}
        return [v for v in self.generator.variables if id(v) not in saved]

    def _generator_losses(
        self, fake_logits: tf.Tensor, fake_ab: tf.Tensor, real_ab: tf.Tensor
    ) -> Logs:
        adversarial_loss = self.adversarial_loss(fake_logits)
        l1_loss = self.l1_loss(fake_ab, real_ab)
        return {
            "generator_loss": adversarial_loss + self.l1_weight * l1_loss,
            "adversarial_loss": adversarial_loss,
            "l1_loss": l1_loss,
        }

    def _update_average(self) -> None:
        steps = tf.cast(self.steps.value, tf.float32)
        decay = tf.minimum(self.ema_decay, steps / (EMA_WARM_UP + steps))
        pairs = zip(
            self.averaged_generator.weights, self.generator.weights, strict=True
        )
        for average, live in pairs:
            change = tf.cast(live.value, tf.float32) - average
            average.assign_add((1.0 - decay) * change)

    def _logged(self, values: Logs) -> Logs:
        values = mean_of_replicas(values)
        means = [mean for mean in self.loss_means if mean.name in values]
        for mean in means:
            mean.update_state(values[mean.name])
        return {mean.name: mean.result() for mean in means}
