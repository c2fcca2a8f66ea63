"""Every device's part of the numbered batches."""

from collections.abc import Callable, Iterator

import tensorflow as tf

from keras_colorizer.config import TrainingConfig
from keras_colorizer.data.encoded_squares import encode_aged_squares
from keras_colorizer.data.photo_reader import PhotoReader
from keras_colorizer.data.pipeline import training_batches
from keras_colorizer.training.devices import Devices


def device_batches(
    devices: Devices,
    reader: PhotoReader,
    config: TrainingConfig,
    *,
    first_step: int,
) -> Iterator:
    """Returns an endless stream of uint8 batches, cut up for the devices.

    The parts of all devices are, in order, the batch of the same number that
    one device alone would see. Every worker reads its own devices' photos.

    Args:
        devices: Of this run.
        reader: The photos to draw from.
        config: The settings.
        first_step: Number of the batch to start with.
    """
    size = config.batch_size // devices.count

    def parts(worker: tf.distribute.InputContext):
        batches = training_batches(
            reader,
            batch_size=config.batch_size,
            seed=config.seed,
            first_step=first_step,
            balance=config.balance,
            part=(worker.input_pipeline_id, worker.num_input_pipelines),
        )
        if devices.count == worker.num_input_pipelines:
            return batches
        return batches.rebatch(size, drop_remainder=True)

    return iter(devices.strategy.distribute_datasets_from_function(parts))


def device_encoding(devices: Devices, config: TrainingConfig) -> Callable:
    """Returns what a device makes of its part before it trains on it.

    Args:
        devices: Of this run.
        config: The settings.

    Returns:
        A function of `(n, square, square, 3)` uint8 and the step's number
        that returns `lightness` and `ab`, as of `encode_squares`.
    """
    # On a processor XLA is several times faster at it. On a GPU either way is
    # a thousandth of the step, and XLA needs a compiler that may be missing.
    encode = tf.function(
        encode_aged_squares, jit_compile=not devices.has_gpus, autograph=False
    )

    def encode_part(rgb, step):
        context = tf.distribute.get_replica_context()
        device = tf.cast(context.replica_id_in_sync_group, tf.int64)
        seed = tf.stack([config.seed, step * devices.count + device])
        return encode(rgb, seed, share=config.old_photos)

    return encode_part
