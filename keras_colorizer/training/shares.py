"""Every device's part of the numbered batches."""

from collections.abc import Iterator

import tensorflow as tf

from keras_colorizer.config import TrainingConfig
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
    """Returns an endless stream of batches, cut up for the devices.

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
            old_photos=config.old_photos,
            part=(worker.input_pipeline_id, worker.num_input_pipelines),
        )
        if devices.count == worker.num_input_pipelines:
            return batches
        return batches.rebatch(size, drop_remainder=True)

    return iter(devices.strategy.distribute_datasets_from_function(parts))
