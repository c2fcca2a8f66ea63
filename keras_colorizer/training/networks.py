"""Both networks of a run, with their optimizers."""

import keras

from keras_colorizer.config import TrainingConfig
from keras_colorizer.errors import ConfigError
from keras_colorizer.gan import ColorizationGAN
from keras_colorizer.networks.discriminator import build_discriminator
from keras_colorizer.networks.efficientnet_unet import freeze_encoder
from keras_colorizer.networks.generator import build_generator
from keras_colorizer.networks.generator_file import load_generator
from keras_colorizer.training.schedule import SecondHalfDecay


def build_gan(config: TrainingConfig, steps: int) -> ColorizationGAN:
    """Builds both networks and their optimizers, from the run's seed.

    Args:
        config: The settings.
        steps: Steps of an epoch.

    Raises:
        ConfigError: If the initial generator is of another preset.
        ArtifactError: If it cannot be read.
    """
    keras.utils.set_random_seed(config.seed)
    gan = ColorizationGAN(
        _generator(config),
        build_discriminator(config.discriminator),
        l1_weight=config.l1_weight,
        ema_decay=config.ema_decay,
    )
    gan.compile(
        _optimizer(config, steps, first_step=0),
        _optimizer(config, steps, first_step=config.pretrain_epochs * steps),
        jit_compile=config.jit_compile,
    )
    return gan


def _generator(config):
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


def _optimizer(config, steps, *, first_step):
    rate = SecondHalfDecay(
        config.learning_rate,
        epochs=config.epochs,
        steps_per_epoch=steps,
        first_step=first_step,
    )
    adam = keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.999, epsilon=1e-8)
    if config.precision == "float16":
        return keras.optimizers.LossScaleOptimizer(adam)
    return adam
