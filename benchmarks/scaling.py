"""How training grows with workers, and what it would send.

Run it as `python benchmarks/scaling.py [--workers 1 2]`, on a machine with
nothing else to do.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import tyro
from measuring import interleaved, print_machine, print_table

from keras_colorizer.presets import DISCRIMINATORS, GENERATORS
from keras_colorizer.silence import silent_stderr

FLOAT32 = 4  # Bytes; gradients are sent in the precision of the weights.
PATIENCE = 1800  # Seconds for the slowest run.


def main(
    *,
    workers: tuple[int, ...] = (1, 2),
    preset: str = "tiny",
    discriminator: str = "patchgan_70_light",
    image_size: int = 64,
    batch_size: int = 8,
    warm_up: int = 3,
    steps: int = 20,
    repeats: int = 3,
) -> None:
    """Trains with one worker and with more, each of them kept to one core.

    Every worker is a process of its own, which finds the others through
    TF_CONFIG, draws random batches without reading photos, and takes
    `batch_size` squares a step: all of them together take as many times more
    as there are workers (weak scaling). "Efficiency" is images per second for
    each worker, as a share of one worker's. Gradients go through the
    machine's own network, from process to process.

    Then come the bytes of gradients that one step has every worker reduce.

    Args:
        workers: How many, each count in its own row.
        preset: The generator to train.
        discriminator: The discriminator.
        image_size: Side of the squares in pixels.
        batch_size: Squares of one worker's step.
        warm_up: Steps before the clock starts.
        steps: Steps that are timed.
        repeats: Rounds of which the median is taken.
    """
    _check(workers)
    print_machine("tensorflow", "keras")
    task = {
        "preset": preset,
        "discriminator": discriminator,
        "image_size": image_size,
        "batch_size": batch_size,
        "warm_up": warm_up,
        "steps": steps,
    }
    turns = interleaved(
        {str(count): partial(_speed, count, task) for count in workers},
        repeats=repeats,
    )
    speeds = {count: statistics.median(turns[str(count)]) for count in workers}
    _print_speeds(speeds, task)
    _print_messages()


def _check(workers):
    cores = len(os.sched_getaffinity(0))
    if min(workers) < 1 or max(workers) > cores:
        raise SystemExit(
            f"--workers must be between 1 and the number of cores, {cores}, "
            f"one for each. Received: {workers}"
        )


def _speed(count, task) -> float:
    """Returns images per second of some workers together."""
    addresses = [f"localhost:{port}" for port in _free_ports(count)]
    with TemporaryDirectory() as folder:
        processes = [
            _start(index, addresses, task, Path(folder) / f"{index}.json")
            for index in range(count)
        ]
        try:
            ended = [process.wait(PATIENCE) for process in processes]
        finally:
            for process in processes:
                process.kill()
        if any(ended):
            raise SystemExit("A worker failed: see above.")
        seconds = json.loads((Path(folder) / "0.json").read_text())
    return count * task["batch_size"] * task["steps"] / seconds


def _free_ports(count):
    doors = [socket.create_server(("", 0)) for _ in range(count)]
    ports = [door.getsockname()[1] for door in doors]
    for door in doors:
        door.close()
    return ports


def _start(index, addresses, task, result):
    cluster = {
        "cluster": {"worker": addresses},
        "task": {"type": "worker", "index": index},
    }
    command = [sys.executable, __file__, "--worker", json.dumps(task)]
    core = sorted(os.sched_getaffinity(0))[index]
    return subprocess.Popen(
        [*command, str(core), str(result)],
        env={**os.environ, "TF_CONFIG": json.dumps(cluster)},
        stdout=subprocess.DEVNULL,
    )


def _work(task, core, result) -> None:
    """Trains as one worker, and writes the seconds that its steps took."""
    os.sched_setaffinity(0, {int(core)})
    with silent_stderr():
        from keras_colorizer import TrainingConfig
        from keras_colorizer.training.devices import (
            choose_devices,
            chosen_cluster,
        )
        from keras_colorizer.training.workers import wait_for_all
    task = json.loads(task)
    timed = {key: task.pop(key) for key in ("warm_up", "steps")}
    task["batch_size"] *= _worker_count()
    config = TrainingConfig(**task)
    cluster = chosen_cluster(config)
    devices = choose_devices(config, cluster)
    seconds = _trained(config, devices, **timed)
    wait_for_all(devices)
    Path(result).write_text(json.dumps(seconds))


def _worker_count():
    return len(json.loads(os.environ["TF_CONFIG"])["cluster"]["worker"])


def _trained(config, devices, *, warm_up, steps):
    from keras_colorizer.training.loop import fit
    from keras_colorizer.training.networks import build_gan
    from keras_colorizer.training.schedule import Segment

    with devices.strategy.scope():
        gan = build_gan(config, warm_up + steps)
    clock = _clock(warm_up)
    batches = devices.strategy.distribute_datasets_from_function(
        lambda context: _noise(config.batch_size // devices.count, config)
    )
    segment = Segment(0, 1, warm_up + steps)
    fit(gan, iter(batches), _as_it_is, segment, [clock], verbose=0)
    return time.perf_counter() - clock.started


def _as_it_is(pair, step):
    """Noise needs no encoding."""
    return pair


def _clock(warm_up):
    import keras

    class Clock(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == warm_up:
                self.started = time.perf_counter()

    return Clock()


def _noise(count, config):
    """The same random batch again and again: nothing is read."""
    import tensorflow as tf

    shape = (count, config.square, config.square)
    batch = tuple(
        tf.random.stateless_uniform((*shape, channels), (channels, 0), -1, 1)
        for channels in (1, 2)
    )
    return tf.data.Dataset.from_tensors(batch).cache().repeat().prefetch(2)


def _print_speeds(speeds, task):
    alone = min(speeds)
    print(
        f"{task['preset']} and {task['discriminator']}, squares of "
        f"{task['image_size']} x {task['image_size']} pixels, batches of "
        f"{task['batch_size']} for each worker, one core each.\n"
    )
    each = {count: speed / count for count, speed in speeds.items()}
    print_table(
        ["workers", "images/s", "images/s each", "efficiency"],
        [
            (count, speed, each[count], f"{each[count] / each[alone]:.0%}")
            for count, speed in speeds.items()
        ],
    )


def _print_messages():
    with silent_stderr():
        from keras_colorizer import build_discriminator, build_generator
    networks = [
        *((name, build_generator(name)) for name in GENERATORS),
        *((name, build_discriminator(name)) for name in DISCRIMINATORS),
    ]
    print_table(
        ["network", "gradients a step, MB", "batch norms", "channels of them"],
        [(name, *_messages(network)) for name, network in networks],
    )


def _messages(network):
    """Returns megabytes of gradients, and what batch norm has to agree on."""
    import keras

    parameters = sum(
        v.value.shape.num_elements() for v in network.trainable_weights
    )
    norms = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    channels = sum(norm.moving_mean.shape[0] for norm in norms)
    return FLOAT32 * parameters / 1e6, len(norms), channels


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        _work(*sys.argv[2:])
    else:
        tyro.cli(main)
