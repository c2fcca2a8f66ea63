"""What the workers of a run tell each other besides gradients."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from keras_colorizer.config import TrainingConfig
from keras_colorizer.errors import ConfigError, TrainingError, first_line
from keras_colorizer.gan import ColorizationGAN
from keras_colorizer.training.devices import Devices
from keras_colorizer.training.photo_split import PhotoSplit
from keras_colorizer.training.report import fingerprint

# What may differ from worker to worker: where things are, and what the chief
# alone does.
OWN_SETTINGS = {
    "cache",
    "checkpoint_minutes",
    "data",
    "init",
    "preset",
    "profile",
    "resume",
    "run_dir",
    "strategy",
}


def check_agreement(
    devices: Devices, config: TrainingConfig, split: PhotoSplit
) -> None:
    """Refuses workers that would not train the same run.

    Args:
        devices: Of all workers.
        config: This worker's settings.
        split: This worker's photos.

    Raises:
        ConfigError: If settings or photos differ, on all workers.
    """
    if devices.cluster is None:
        return
    count = len(devices.cluster.addresses)
    own = tf.one_hot(devices.cluster.index, count, dtype=tf.int64)
    digests = _sum(devices, own * _digest(config, split)).numpy()
    for index, digest in enumerate(digests):
        if digest != digests[0]:
            raise ConfigError(
                f"{devices.cluster.name(index)} has other settings or photos "
                "than worker 0: give all workers the same command line and "
                "the same photos."
            )


def share_state(devices: Devices, gan: ColorizationGAN) -> None:
    """Gives all workers the chief's weights, optimizers and step.

    Only the chief needs to see the run folder, and no worker can go on from
    an older checkpoint than the others.
    """
    if devices.cluster is None:
        return

    def take():
        replica = tf.distribute.get_replica_context()
        is_first = tf.equal(replica.replica_id_in_sync_group, 0)
        for variable in _state(gan):
            own = tf.convert_to_tensor(variable.value)
            given = tf.where(is_first, own, tf.zeros_like(own))
            variable.assign(replica.all_reduce("SUM", given))

    tf.function(lambda: devices.strategy.run(take), autograph=False)()


def wait_for_all(devices: Devices) -> None:
    """Returns once every worker has come here."""
    if devices.cluster is not None:
        _sum(devices, tf.constant(1))


@contextmanager
def lost_workers(devices: Devices) -> Iterator[None]:
    """Says which worker was lost, when TensorFlow finds that one was.

    Raises:
        TrainingError: In place of TensorFlow's error, or if its own work
            failed, as when memory runs out.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if devices.cluster is None or not _is_of_a_peer(error):
            raise TrainingError(
                f"TensorFlow had to stop: {first_line(error)}. If memory ran "
                "out, lower --batch-size or --image-size; then go on with "
                "--resume."
            ) from None
        raise TrainingError(
            f"{_lost(devices.cluster, error)} was lost. Start all workers "
            "again, with --resume: the run goes on from its last checkpoint."
        ) from None


def _state(gan):
    stateful = (
        gan.generator,
        gan.discriminator,
        gan.averaged_generator,
        gan.generator_optimizer,
        gan.discriminator_optimizer,
    )
    return [gan.steps, *(v for part in stateful for v in part.variables)]


def _sum(devices, value):
    # In a graph: eagerly, TensorFlow leaves a pool of threads behind, which
    # complains when the process ends.
    add = devices.strategy.reduce
    return tf.function(lambda x: add("SUM", x, axis=None), autograph=False)(
        value
    )


def _digest(config, split):
    settings = dataclasses.asdict(config)
    own = {name: v for name, v in settings.items() if name not in OWN_SETTINGS}
    own |= {"generator": config.generator, "photos": fingerprint(split)}
    text = json.dumps(own, sort_keys=True).encode()
    digest = hashlib.blake2b(text, digest_size=7).digest()
    return int.from_bytes(digest, "big")


def _is_of_a_peer(error):
    lost = (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
        tf.errors.FailedPreconditionError,
    )
    return isinstance(error, lost) or "Collective ops is aborted" in str(error)


def _lost(cluster, error):
    """Names the first other worker that the error's text speaks of."""
    for job, number in re.findall(r"/job:(\w+)/\S*task:(\d+)", str(error)):
        index = cluster.number(job, int(number))
        if index != cluster.index:
            return cluster.name(index)
    return "Another worker"
