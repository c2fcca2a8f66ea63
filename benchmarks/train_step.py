"""How fast training is: beside PyTorch, and beside another checkout.

Run it as `python benchmarks/train_step.py [--torch-python PATH]`.
"""

import csv
import json
import os
import statistics
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import tyro
from measuring import interleaved, print_machine, print_table
from natural_photos import write_crops

HERE = Path(__file__).parent
WARM_UP = 3
# Each is a process of its own: precision, and how it is compiled or, for
# PyTorch, the layout.
OURS = {
    "ours, float32": ("float32", "plain"),
    "ours, float32, XLA": ("float32", "xla"),
    "ours, bfloat16": ("bfloat16", "plain"),
    "ours, bfloat16, XLA": ("bfloat16", "xla"),
}
PYTORCH = {
    "PyTorch, float32": ("float32", "contiguous_format"),
    "PyTorch, float32, channels last": ("float32", "channels_last"),
    "PyTorch, bfloat16": ("bfloat16", "contiguous_format"),
    "PyTorch, bfloat16, channels last": ("bfloat16", "channels_last"),
}
NETWORKS = (
    "--preset quick --discriminator patchgan_70_light --batch-size 8 "
    "--pretrain-epochs 0"
)
WAITING = "IteratorGetNextOp::DoCompute"  # In TensorFlow's own traces.


def main(
    *,
    torch_python: Path | None = None,
    beside: Path | None = None,
    batch_size: int = 4,
    steps: int = 6,
    rounds: int = 3,
    epochs: int = 3,
    networks: str = NETWORKS,
) -> None:
    """Compares training steps on noise, and whole trainings on photos.

    The steps are those of `unet_256` and `patchgan_70` at 256 pixels, ours by
    `fit`; each row is a process on all cores, started anew each round. "Times
    PyTorch" is against its faster layout of the same precision.

    The trainings are `train.py` on 200 photos cut out of scikit-image's. "A
    step" is the time of the last epoch over its steps, validation included;
    "waits for data" is how long a step asks for its batch and has none, as a
    share of five profiled steps: where networks compute on the same cores as
    the pipeline, what that costs is for the most part a slower step.

    Args:
        torch_python: A Python that has PyTorch; it needs nothing else.
        beside: Another checkout of this package, measured by turns.
        batch_size: Squares per step on noise.
        steps: Steps timed in each process, after three to warm up; 0 leaves
            them out.
        rounds: How often each process is started.
        epochs: Of each training; 0 leaves trainings out.
        networks: Flags of `train.py`.
    """
    print_machine("tensorflow", "keras")
    checkouts = {"": HERE.parent}
    if beside is not None:
        checkouts[f", {beside}"] = beside
    if steps:
        processes = {
            name + where: partial(_ours, checkout, batch_size, steps, *row)
            for name, row in OURS.items()
            for where, checkout in checkouts.items()
        }
        if torch_python is not None:
            processes |= {
                name: partial(_pytorch, torch_python, batch_size, steps, *row)
                for name, row in PYTORCH.items()
            }
        _print_steps(interleaved(processes, repeats=rounds), batch_size)
    if epochs:
        _compare_trainings(checkouts, rounds, epochs, networks)


def _ours(checkout, batch_size, steps, *row):
    command = [sys.executable, __file__, str(batch_size), str(steps), *row]
    return _output(command, checkout)


def _pytorch(python, batch_size, steps, *row):
    script = HERE / "pytorch_pix2pix.py"
    return _output([python, script, str(batch_size), str(steps), *row], HERE)


def _output(command, checkout):
    process = subprocess.run(
        command, stdout=subprocess.PIPE, check=True, env=_environment(checkout)
    )
    return json.loads(process.stdout.splitlines()[-1])


def _environment(checkout):
    return {**os.environ, "PYTHONPATH": str(checkout.resolve())}


def _print_steps(reports, batch_size):
    steps = {
        name: statistics.median(second for report in found for second in report)
        for name, found in reports.items()
    }
    rows = []
    for name, seconds in steps.items():
        precision = "bfloat16" if "bfloat16" in name else "float32"
        peers = [
            steps[p]
            for p, row in PYTORCH.items()
            if p in steps and precision in row
        ]
        ratio = min(peers) / seconds if peers else "-"
        rows.append((name, batch_size / seconds, seconds, ratio))
    columns = ["one training step", "images/s", "seconds", "times PyTorch"]
    print_table(columns, rows)


def _compare_trainings(checkouts, rounds, epochs, networks):
    with TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        photos.mkdir()
        write_crops(photos, count=200, size=(500, 375))
        trainings = {
            f"train.py{where}": partial(
                _training, checkout, photos, epochs, networks.split()
            )
            for where, checkout in checkouts.items()
        }
        reports = interleaved(trainings, repeats=rounds)
    rows = []
    for name, found in reports.items():
        step, waiting, megabytes = map(
            statistics.median, zip(*found, strict=True)
        )
        rows.append((name, step, f"{waiting:.2%}", megabytes))
    print_table(["training", "a step, s", "waits for data", "peak MB"], rows)


def _training(checkout, photos, epochs, networks):
    """Returns seconds a step, the share of waiting, and the most memory."""
    with TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        flags = ["--data", photos, "--run-dir", run, "--epochs", str(epochs)]
        script = checkout / "train.py"
        command = [sys.executable, script, *flags, *networks, "--profile"]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, env=_environment(checkout)
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{script} failed.")
        with (run / "history.csv").open() as file:
            *_, last = csv.DictReader(file)
        report = json.loads((run / "report.json").read_text())
        batch = json.loads((run / "config.json").read_text())["batch_size"]
        steps = report["photos"]["training"] // batch
        (trace,) = run.rglob("*.xplane.pb")
        waiting = _waiting_share(trace)
    return float(last["seconds"]) / steps, waiting, usage.ru_maxrss / 1024


def _waiting_share(path):
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    trace = xplane_pb2.XSpace.FromString(path.read_bytes())
    waits, steps = 0, 0
    for plane in trace.planes:
        roots = {
            key
            for key, stat in plane.stat_metadata.items()
            if stat.name == "_r"
        }
        for event in (event for line in plane.lines for event in line.events):
            name = plane.event_metadata[event.metadata_id].name
            is_step = any(stat.metadata_id in roots for stat in event.stats)
            waits += event.duration_ps * (name == WAITING)
            steps += event.duration_ps * (name == "train" and is_step)
    return waits / steps


def time_our_steps(
    batch_size: str, steps: str, precision: str, compiler: str
) -> None:
    """Prints the seconds of steps on noise as JSON."""
    import keras
    import tensorflow as tf

    from keras_colorizer import (
        ColorizationGAN,
        build_discriminator,
        build_generator,
    )

    if precision != "float32":
        keras.config.set_dtype_policy(f"mixed_{precision}")
    gan = ColorizationGAN(build_generator(), build_discriminator())
    adams = [keras.optimizers.Adam(2e-4, 0.5, epsilon=1e-8) for _ in range(2)]
    gan.compile(*adams, jit_compile=compiler == "xla")
    ends: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter())
    )
    shapes = [(int(batch_size), 256, 256, channels) for channels in (1, 2)]
    noise = tuple(tf.random.uniform(shape, -1, 1) for shape in shapes)
    gan.fit(
        tf.data.Dataset.from_tensors(noise).repeat(),
        steps_per_epoch=WARM_UP + int(steps),
        verbose=0,
        callbacks=[clock],
        shuffle=False,
    )
    taken = [end - start for start, end in pairwise(ends[WARM_UP - 1 :])]
    print(json.dumps(taken))


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1].isdigit():
        time_our_steps(*sys.argv[1:])
    else:
        tyro.cli(main)
