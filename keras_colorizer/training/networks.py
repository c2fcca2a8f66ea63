"""The two networks of a run."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from keras_colorizer.config import TrainingConfig
from keras_colorizer.errors import ConfigError
from keras_colorizer.gan import ColorizationGAN
from keras_colorizer.networks.discriminator import build_discriminator
from keras_colorizer.networks.efficientnet_unet import freeze_encoder
from keras_colorizer.networks.generator import build_generator
from keras_colorizer.networks.generator_file import load_generator


def build_gan(
    config: TrainingConfig,
    strategy: tf.distribute.Strategy,
    *,
    generator: keras.Model | None = None,
    discriminator: keras.Model | None = None,
) -> ColorizationGAN:
    """Builds and compiles both networks, from the run's seed.

    Copies of those that are given take the place of the presets'.

    Raises:
        ConfigError: If the initial generator is of another preset.
        ArtifactError: If it cannot be read.
    """
    keras.utils.set_random_seed(config.seed)
    with strategy.scope(), _precision(config.precision):
        generator = _copy(generator) or _generator(config)
        discriminator = _copy(discriminator)
        if discriminator is None:
            discriminator = build_discriminator(config.recipe.discriminator)
        gan = ColorizationGAN(
            generator,
            discriminator,
            l1_weight=config.l1_weight,
            ema_decay=config.ema_decay,
        )
        gan.compile(jit_compile=config.jit_compile)
    return gan


@contextmanager
def _precision(precision: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    mixed = precision if precision == "float32" else f"mixed_{precision}"
    keras.config.set_dtype_policy(mixed)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _copy(network: keras.Model | None) -> keras.Model | None:
    """Returns the network with variables on all devices of the strategy."""
    if network is None:
        return None
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    return copy


def _generator(config: TrainingConfig) -> keras.Model:
    generator = build_generator(config.generator)
    # A resumed run has weights of its own; its start may be gone by now.
    if not config.resume and config.initial_generator is not None:
        initial = load_generator(config.initial_generator).generator
        try:
            generator.set_weights(initial.get_weights())
        except ValueError:
            raise ConfigError(
                f"--init {config.init} does not fit --preset "
                f"{config.generator}: leave --preset out."
            ) from None
    if config.freeze_encoder:
        freeze_encoder(generator)
    return generator
