"""Devices of a run: one, or all GPUs of the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import tensorflow as tf

from keras_colorizer.config import TrainingConfig
from keras_colorizer.errors import ConfigError, TrainingError, first_line


def choose_strategy(config: TrainingConfig) -> tf.distribute.Strategy:
    """Returns what spreads a step over the devices that `--strategy` names.

    Raises:
        ConfigError: If the settings do not suit the devices.
    """
    devices = tf.config.list_logical_devices("GPU")
    devices = devices or tf.config.list_logical_devices("CPU")
    if config.strategy == "single" or len(devices) == 1:
        return tf.distribute.get_strategy()
    check_suits(config, len(devices))
    return _mirrored(tuple(device.name for device in devices))


@cache  # A second one in a process takes the first one's messages for its own.
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(devices)


def check_suits(config: TrainingConfig, count: int) -> None:
    """Refuses settings that `count` devices, several of them, cannot do.

    Raises:
        ConfigError: If there is such a setting.
    """
    if config.batch_size % count:
        raise ConfigError(
            "--batch-size must be a multiple of the number of devices, "
            f"{count}. Received: {config.batch_size}"
        )
    if config.precision == "float16":  # One device's gradients set the scale.
        raise ConfigError(
            "--precision float16 is for one device: take bfloat16, or "
            "--strategy single."
        )
    if config.jit_compile:
        raise ConfigError(
            "--jit-compile is for one device: leave it out, or add --strategy "
            "single."
        )


@contextmanager
def device_errors() -> Iterator[None]:
    """Raises a TrainingError in place of TensorFlow's errors and of disks'."""
    try:
        yield
    except BrokenPipeError:
        raise  # Of the terminal, not of a disk.
    except OSError as error:
        raise TrainingError(
            f"`{error.filename or 'A file'}`: {error.strerror or error}. If a "
            "disk is full, make room and continue from the last checkpoint "
            "with --resume; if there is none yet, start a new run in another "
            "--run-dir."
        ) from error
    except tf.errors.OpError as error:
        raise TrainingError(
            f"TensorFlow had to stop: {first_line(error)}. If a disk is full, "
            "make room and --resume; if memory ran out, lower --batch-size or "
            "--image-size; if a photo is gone or damaged, --resume goes on "
            "without it."
        ) from None
