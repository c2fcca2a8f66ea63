"""What training takes as `train.py` runs it: time, waiting and memory.

Run it as `python benchmarks/training.py [--data FOLDER]`.
"""

import os
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import tyro
from keras_pix2pix import MATMUL_SIDE, matmul_seconds, set_precision
from measuring import (
    in_new_process,
    interleaved_medians,
    new_process,
    peak_megabytes,
    print_machine,
    print_table,
    use_cores,
)
from pipeline import check_cores, photo_folder, prepare

from keras_colorizer.config import TrainingConfig
from keras_colorizer.errors import ColorizerError
from keras_colorizer.silence import silent_stderr

SIZE = (500, 375)  # Of the photos made, in pixels.
# Steps after those that are timed: some that take what was prefetched while the
# trace started, then those whose waits are summed up.
SETTLING, TRACED = 3, 5
WAITING = "IteratorGetNextOp::DoCompute"  # In TensorFlow's own traces.


def main(
    *,
    data: Path | None = None,
    networks: tuple[str, ...] = (
        "small/patchgan_70_light/128",
        "unet_256/patchgan_70/256",
    ),
    batch_sizes: tuple[int, ...] = (1, 4, 8, 16),
    cores: tuple[int, ...] = tuple(sorted({1, len(os.sched_getaffinity(0))})),
    precision: Literal["float32", "bfloat16"] = "float32",
    warm_up: int = 3,
    steps: int = 10,
    rounds: int = 1,
) -> None:
    """Trains on prepared photos with the loop and the pipeline of `train.py`.

    Every line is a process of its own kept to so many cores. "Waits for data"
    is the time in which a step asks for its batch and has none, as a share of
    the whole time, taken from TensorFlow's trace of five steps after those
    that are timed: tracing slows. Where the networks compute on the same cores
    as the pipeline, what it costs is for the most part not waiting but slower
    steps. "Of peak" is the share of the fastest multiplication of two square
    matrices on the same cores. Memory is the most that the process has held,
    Python and TensorFlow included, before the trace; a GPU's is not in it.

    "MB per image" is by how much that grows from the smallest batch to the
    largest, with the most cores. It says nothing of networks so small that
    compiling the step takes more memory than the step.

    Args:
        data: A folder of photos. By default 360 are cut out of scikit-image's
            photos.
        networks: Generator, discriminator and side of the squares, with
            slashes between them.
        batch_sizes: Squares per step.
        cores: How many the processes are kept to.
        precision: Of the networks' arithmetic.
        warm_up: Steps before the clock starts.
        steps: Steps that are timed.
        rounds: How often each process is started; the median counts.
    """
    check_cores(cores)
    rows = {
        f"{name}, batch {size}, cores {count}": (name, size, count)
        for name in networks
        for size in batch_sizes
        for count in cores
    }
    options = {"precision": precision, "warm_up": warm_up, "steps": steps}
    _check(rows.values(), **options)
    print_machine("tensorflow", "keras")
    with photo_folder(data, SIZE) as photos, TemporaryDirectory() as shards:
        in_new_process(prepare, photos, shards)
        runs = {
            key: partial(_trained_alone, shards, *row, **options)
            for key, row in rows.items()
        }
        found = interleaved_medians(runs, repeats=rounds)
    measured = {row: found[key] for key, row in rows.items()}
    _print_speeds(measured, precision)
    _print_memory(measured, max(cores))


def _check(rows, *, precision, warm_up, steps):
    if warm_up < 1 or steps < 1:
        raise SystemExit(
            "--warm-up and --steps must be at least 1. Received: "
            f"{warm_up} and {steps}"
        )
    for networks, batch_size, _ in rows:
        try:
            _config(networks, batch_size, precision)
        except ColorizerError as error:
            raise SystemExit(f"{networks} cannot train: {error}") from None


def _config(networks, batch_size, precision):
    generator, discriminator, side = _parts(networks)
    return TrainingConfig(
        preset=generator,
        discriminator=discriminator,
        image_size=side,
        batch_size=batch_size,
        precision=precision,
        strategy="single",
    )


def _parts(networks):
    try:
        generator, discriminator, side = networks.split("/")
        return generator, discriminator, int(side)
    except ValueError:
        raise SystemExit(
            "--networks must be like small/patchgan_70_light/128: generator, "
            f"discriminator, side in pixels. Received: {networks}"
        ) from None


def _trained_alone(shards, networks, batch_size, cores, **options):
    """Trains in a process of its own; returns what its line shows."""
    with new_process(use_cores, cores) as process:
        return process.submit(
            _trained, shards, networks, batch_size, **options
        ).result()


def _trained(shards, networks, batch_size, *, precision, warm_up, steps):
    with silent_stderr(), TemporaryDirectory() as folder:
        set_precision(precision)
        clock = _clock(warm_up, steps, folder)
        config = _config(networks, batch_size, precision)
        _fit(config, shards, clock, warm_up + steps + SETTLING + TRACED)
        waiting = _waiting_seconds(Path(folder)) / clock.traced
        peak = 2 * MATMUL_SIDE**3 / min(matmul_seconds(precision)) / 1e9
    return steps * batch_size / clock.timed, waiting, clock.megabytes, peak


def _fit(config, shards, clock, steps):
    from keras_colorizer.data.photo_reader import PhotoReader
    from keras_colorizer.data.shards.prepared_photos import survey_shards
    from keras_colorizer.training.devices import choose_devices
    from keras_colorizer.training.loop import fit
    from keras_colorizer.training.networks import build_gan
    from keras_colorizer.training.schedule import Segment
    from keras_colorizer.training.shares import device_batches, device_encoding

    devices = choose_devices(config, None)
    photos = survey_shards(
        shards, square=config.square, keep_colorless=True
    ).photos
    gan = build_gan(config, steps)
    reader = PhotoReader(photos, square=config.square)
    batches = device_batches(devices, reader, config, first_step=0)
    encode = device_encoding(devices, config)
    fit(gan, batches, encode, Segment(0, 1, steps), [clock], verbose=0)


def _clock(warm_up, steps, folder):
    import keras
    import tensorflow as tf

    class Clock(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == warm_up:
                self.started = self.now()
            if batch == warm_up + steps:
                self.timed = self.now() - self.started
                self.megabytes = peak_megabytes()
                tf.profiler.experimental.start(folder)
            if batch == warm_up + steps + SETTLING:
                self.started = self.now()

        def on_train_end(self, logs=None):
            self.traced = self.now() - self.started
            tf.profiler.experimental.stop()

        def now(self):
            int(self.model.steps.numpy())  # Waits for a GPU to be so far.
            return time.perf_counter()

    return Clock()


def _waiting_seconds(folder):
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    (path,) = folder.rglob("*.xplane.pb")
    trace = xplane_pb2.XSpace.FromString(path.read_bytes())
    waits = sorted(
        (line.timestamp_ns * 1000 + event.offset_ps, event.duration_ps)
        for plane in trace.planes
        for line in plane.lines
        for event in line.events
        if plane.event_metadata[event.metadata_id].name == WAITING
    )
    if len(waits) != SETTLING + TRACED:
        raise RuntimeError(f"TensorFlow traced {len(waits)} of {WAITING}.")
    return sum(duration for _, duration in waits[SETTLING:]) / 1e12


def _print_speeds(measured, precision):
    counts = in_new_process(_step_counts, {row[0] for row in measured})
    table = []
    for row, (speed, waiting, megabytes, peak) in measured.items():
        gflops = 2 * counts[row[0]] * speed / 1e9
        shares = f"{waiting:.2%}", gflops, f"{gflops / peak:.0%}"
        table.append((*row, speed, *shares, megabytes))
    print_table(
        ["networks", "batch", "cores", "images/s", "waits for data"]
        + ["GFLOPS", "of peak", "peak MB"],
        table,
    )
    print(f"Networks compute in {precision}.\n")


def _step_counts(networks):
    """Returns the multiply-adds of a step for one square, by networks."""
    with silent_stderr():
        from arithmetic import step_multiply_adds
    return {
        name: step_multiply_adds(
            generator=generator, discriminator=discriminator, side=side
        )
        for name in networks
        for generator, discriminator, side in [_parts(name)]
    }


def _print_memory(measured, cores):
    held: dict[str, dict[int, float]] = {}
    for (networks, batch_size, count), (*_, megabytes, _) in measured.items():
        if count == cores:
            held.setdefault(networks, {})[batch_size] = megabytes
    rows = [(n, _slope(peaks)) for n, peaks in held.items() if len(peaks) > 1]
    if rows:
        print_table(["networks", "MB per image"], rows)


def _slope(peaks):
    least, most = min(peaks), max(peaks)
    return (peaks[most] - peaks[least]) / (most - least)


if __name__ == "__main__":
    tyro.cli(main)
