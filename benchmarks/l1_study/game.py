"""One run: the generator against a discriminator, measured on the way."""

import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from l1_study.results import Gradients
from l1_study.settings import Run, StudyConfig

from keras_colorizer import losses
from keras_colorizer.data.encoded_squares import encode_aged_squares
from keras_colorizer.data.pipeline import PhotoReader, training_batches
from keras_colorizer.errors import TrainingError
from keras_colorizer.gan import LOSS_NAMES, ColorizationGAN
from keras_colorizer.networks.discriminator import build_discriminator
from keras_colorizer.networks.generator_file import load_generator


class Game:
    """Both networks at the start of a run.

    Args:
        config: The settings.
        run: Which run.
        start: The `.keras` file of the generator.

    Attributes:
        gan: The networks.
        gradients: What was measured so far.
        losses: By name, that of each step so far.
    """

    def __init__(self, config: StudyConfig, run: Run, start: Path):
        self.config = config
        self.run = run
        self.gan = _gan(config, run, start)
        self.gradients: list[Gradients] = []
        self.losses: dict[str, list[float]] = {name: [] for name in LOSS_NAMES}
        self._measure = tf.function(_term_gradients)

    def play(self, photos: PhotoReader, *, after_step: Callable) -> None:
        """Plays all steps.

        Args:
            photos: To train on.
            after_step: Called without arguments.

        Raises:
            TrainingError: If a loss becomes infinite.
        """
        batches = training_batches(
            photos,
            batch_size=self.config.batch_size,
            seed=self.run.seed,
            balance=self.config.balance,
        )
        encode = tf.function(encode_aged_squares, jit_compile=True)
        measured = _measured_steps(self.config.steps, self.config.measures)
        for step, rgb in enumerate(batches.take(self.config.steps)):
            aging = tf.stack([self.run.seed, step])
            batch = encode(rgb, aging, share=self.config.old_photos)
            if step in measured:
                self._measure_gradients(step, batch)
            self._step(batch)
            after_step()

    def _step(self, batch):
        self.gan.reset_metrics()  # Or they were means over all steps so far.
        logs = self.gan.train_on_batch(*batch, return_dict=True)
        for name, values in self.losses.items():
            values.append(float(logs[name]))
            if not math.isfinite(values[-1]):
                raise TrainingError(
                    f"{self.run.name} diverged: its {name} became "
                    f"{values[-1]} at step {len(values)}."
                )

    def _measure_gradients(self, step, batch):
        """Measures with the networks as they are, and leaves them so."""
        variables = self.gan.generator.variables + (
            self.gan.discriminator.variables
        )
        # Batch norm's statistics, the kernels that spectral norm divides, and
        # the state of dropout.
        before = [variable.numpy() for variable in variables]
        measures = map(float, self._measure(self.gan, *batch))
        self.gradients.append(Gradients(step, *measures))
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)


def _gan(config, run, start):
    """Builds all from the run's seed, with the optimizers of training."""
    keras.utils.set_random_seed(run.seed)
    widths = config.discriminator_widths
    overrides = {} if widths is None else {"widths": widths}
    gan = ColorizationGAN(
        load_generator(start).generator,
        build_discriminator(run.discriminator, **overrides),
        l1_weight=run.l1_weight,
        ema_decay=config.ema_decay,
    )
    gan.compile(_adam(config), _adam(config))
    return gan


def _adam(config):
    return keras.optimizers.Adam(
        config.learning_rate, beta_1=0.5, beta_2=0.999, epsilon=1e-8
    )


def _measured_steps(steps, measures):
    """The middles of equal parts: at step 0 the discriminator is a stranger."""
    middles = (np.arange(measures) + 0.5) / measures
    return set((middles * steps).astype(int))


def _term_gradients(gan, lightness, real_ab):
    """Returns both norms, and the cosine between the gradients."""
    with tf.GradientTape(persistent=True) as tape:
        fake_ab = gan.generator(lightness, training=True)
        fake_logits = gan.discriminator([lightness, fake_ab], training=True)
        adversarial_loss = losses.adversarial_loss(fake_logits)
        l1_loss = gan.l1_weight * losses.l1_loss(fake_ab, real_ab)
    variables = gan.generator.trainable_variables
    adversarial = _flat(tape.gradient(adversarial_loss, variables))
    l1 = _flat(tape.gradient(l1_loss, variables))
    norms = tf.norm(adversarial), tf.norm(l1)
    return *norms, tf.tensordot(adversarial, l1, 1) / (norms[0] * norms[1])


def _flat(gradients):
    return tf.concat([tf.reshape(gradient, [-1]) for gradient in gradients], 0)
