"""What a run computes on: one device, several, or several machines."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import tensorflow as tf
from rich.console import Console

from keras_colorizer.config import TrainingConfig
from keras_colorizer.errors import ConfigError, TrainingError, first_line
from keras_colorizer.training.cluster import Cluster, meet, read_cluster

PATIENCE = 300.0  # Seconds for the last worker to come.

# A process that ends this one, unless its input ends before.
WATCH = """
import os, select, signal, sys
if not select.select([sys.stdin], [], [], float(sys.argv[1]))[0]:
    print(sys.argv[2], file=sys.stderr)
    os.kill(os.getppid(), signal.SIGKILL)
"""
LATE = (
    "Error: A worker has answered but not joined: it must have ended "
    "meanwhile. Start all of them again."
)


@dataclass(frozen=True)
class Devices:
    """All devices of a run.

    Attributes:
        strategy: Spreads a step over them; networks are built in its scope.
        cluster: The workers, where there are several.
    """

    strategy: tf.distribute.Strategy
    cluster: Cluster | None = None

    @property
    def count(self) -> int:
        return self.strategy.num_replicas_in_sync

    @property
    def has_gpus(self) -> bool:
        return bool(tf.config.list_physical_devices("GPU"))

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run folder."""
        return self.cluster is None or self.cluster.is_chief


def chosen_cluster(config: TrainingConfig) -> Cluster | None:
    """Returns the workers of a run, where there are to be several.

    Args:
        config: The settings.

    Raises:
        ConfigError: If TF_CONFIG is wrong, or missing where it is needed.
    """
    if config.strategy not in ("auto", "multi_worker"):
        return None
    cluster = read_cluster()
    if config.strategy == "multi_worker" and cluster is None:
        raise ConfigError(
            "--strategy multi_worker needs the environment variable TF_CONFIG, "
            "which names all workers: see docs/scaling.md."
        )
    alone = cluster is None or len(cluster.addresses) == 1
    return None if alone else cluster


def choose_devices(config: TrainingConfig, cluster: Cluster | None) -> Devices:
    """Prepares the devices that `--strategy` asks for.

    Must come before all else that TensorFlow does: workers meet while it
    starts.

    Args:
        config: The settings.
        cluster: Of `chosen_cluster`.

    Raises:
        ConfigError: If the settings do not suit the devices.
        TrainingError: If a worker does not come.
    """
    if cluster is not None:
        devices = Devices(_meeting_strategy(cluster), cluster)
    elif config.strategy == "single" or len(_local()) == 1:
        devices = Devices(tf.distribute.get_strategy())
    else:
        devices = Devices(tf.distribute.MirroredStrategy(_local()))
    check_suits(config, devices.count)
    return devices


def check_suits(config: TrainingConfig, count: int) -> None:
    """Refuses settings that several devices cannot do.

    Args:
        config: The settings.
        count: How many devices there are.

    Raises:
        ConfigError: If there is such a setting.
    """
    if config.batch_size % count:
        raise ConfigError(
            "--batch-size must be a multiple of the number of devices, "
            f"{count}, each of which takes a part. Received: "
            f"{config.batch_size}"
        )
    if count > 1 and config.precision == "float16":
        raise ConfigError(
            "--precision float16 is for one device, because it scales losses "
            "by what one device finds: take bfloat16, or --strategy single."
        )
    if count > 1 and config.jit_compile:
        raise ConfigError(
            "--jit-compile is for one device: leave it out, or add --strategy "
            "single."
        )


def describe(devices: Devices) -> str:
    """Says in words what a run computes on."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        kind = details.get("device_name", "GPU")
    else:
        kind = f"CPU, {os.cpu_count()} cores"
    if devices.cluster is not None:
        workers = len(devices.cluster.addresses)
        each = f"{devices.count // workers} x {kind}"
        return f"{workers} workers of {each} (multi_worker)"
    if devices.count > 1:
        return f"{devices.count} x {kind} (mirrored)"
    return kind if len(gpus) < 2 else f"{kind}, one of {len(gpus)} (single)"


def _local():
    devices = tf.config.list_logical_devices("GPU")
    devices = devices or tf.config.list_logical_devices("CPU")
    return [device.name for device in devices]


def _meeting_strategy(cluster):
    with Console(stderr=True).status("Starting") as status:
        meet(cluster, patience=PATIENCE, on_wait=status.update)
    try:
        with _deadline(PATIENCE):
            return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise TrainingError(
            f"The workers could not join ({first_line(error)}): start all of "
            "them again."
        ) from None


@contextmanager
def _deadline(seconds) -> Iterator[None]:
    # A worker that ends between answering and joining leaves the others in
    # TensorFlow's C++ code, which holds Python's lock: no thread and no signal
    # handler of this process could end it.
    command = [sys.executable, "-c", WATCH, str(seconds), LATE]
    watch = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        yield
    finally:
        watch.communicate()
