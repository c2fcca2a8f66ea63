"""Two workers on this machine: one result, and nothing lost when one dies."""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

WORKER = Path(__file__).parent / "fixtures/training_worker.py"
PATIENCE = 240  # Seconds; a machine with much to do is slow to start.

pytestmark = pytest.mark.slow


def free_ports():
    doors = [socket.create_server(("", 0)) for _ in range(2)]
    ports = [door.getsockname()[1] for door in doors]
    for door in doors:
        door.close()
    return ports


def start(flags, *, devices=1, cluster=None, index=0):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CONFIG"}
    if cluster:
        task = {"type": "worker", "index": index}
        described = {"cluster": {"worker": cluster}, "task": task}
        environment["TF_CONFIG"] = json.dumps(described)
    return subprocess.Popen(
        [sys.executable, str(WORKER), str(devices), *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def start_both(flags, *, also=((), ())):
    cluster = [f"localhost:{port}" for port in free_ports()]
    return [
        start([*flags, *also[index]], cluster=cluster, index=index)
        for index in range(2)
    ]


def finish(process):
    """Returns what a process printed, once it has ended with success."""
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    return output


def digest(output):
    return re.search(r"weights: (\w+)", output)[1]


@pytest.fixture(scope="module")
def workers_run(tiny_flags, tmp_path_factory):
    """A finished run of two workers: its folder, and what both printed."""
    run_dir = tmp_path_factory.mktemp("workers") / "run"
    both = start_both([*tiny_flags, "--run-dir", str(run_dir)])
    return run_dir, [finish(process) for process in both]


def rows(run_dir):
    with (run_dir / "history.csv").open() as file:
        return list(csv.DictReader(file))


def assert_same_history(one, two, *, rtol):
    one, two = rows(one), rows(two)
    assert len(one) == len(two) == 4
    for row, other in zip(one, two, strict=True):
        assert row.keys() == other.keys()
        for name in row.keys() - {"seconds", "stage"}:
            if row[name] or other[name]:
                np.testing.assert_allclose(
                    float(row[name]), float(other[name]), rtol, err_msg=name
                )


def state(run_dir):
    arrays = {}
    newest = sorted((run_dir / "checkpoint").glob("step_*"))[-1]
    with h5py.File(newest) as file:
        file.visititems(
            lambda name, item: (
                arrays.update({name: item[()]})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return arrays


def test_both_workers_hold_the_same_weights(workers_run):
    _, (chief, follower) = workers_run
    assert digest(chief) == digest(follower)


def test_only_the_chief_prints_and_writes(workers_run):
    run_dir, (chief, follower) = workers_run
    assert "2 workers" in chief
    assert "multi_worker" in chief
    assert "worker 0 writes the run" in follower
    assert "validation" not in follower
    assert "Traceback" not in chief + follower
    sheets = sorted(path.name for path in (run_dir / "samples").iterdir())
    assert sheets == [f"epoch_000{number}.png" for number in (1, 2, 3, 4)]
    assert len(list((run_dir / "logs").rglob("*tfevents*"))) == len(
        list((run_dir / "logs").rglob("*tfevents*.v2"))
    )
    report = json.loads((run_dir / "report.json").read_text())
    assert report["epochs_finished"] == 4


@pytest.mark.parametrize("devices", [1, 2])
def test_workers_train_what_one_process_trains(
    workers_run, tiny_flags, tmp_path, devices
):
    """Two devices of one process are mirrored without being asked to."""
    run_dir = tmp_path / "run"
    run = start([*tiny_flags, "--run-dir", str(run_dir)], devices=devices)
    output = finish(run)
    assert ("mirrored" in output) == (devices == 2)
    # Adam divides by the gradient's own size, and two networks play against
    # each other: noise in the seventh digit grows over eight steps.
    assert_same_history(run_dir, workers_run[0], rtol=2e-3)


@pytest.mark.parametrize("victim", [0, 1])
def test_killed_worker_ends_the_others_and_the_run_goes_on(
    workers_run, tiny_flags, tmp_path, victim
):
    run_dir = tmp_path / "run"
    both = start_both([*tiny_flags, "--run-dir", str(run_dir)])
    wait_for(run_dir / "checkpoint/step_000000004.weights.h5", both)
    both[victim].kill()  # SIGKILL: no handler runs.
    survivor = both[1 - victim]
    output, _ = survivor.communicate(timeout=60)
    both[victim].communicate()
    assert survivor.returncode == 1, output
    assert re.search(rf"Error: Worker {victim} \(\S+\) was lost", output)
    assert "Traceback" not in output
    # The other worker needs neither the folder nor to know of it.
    resumed = start_both(
        tiny_flags, also=[("--resume", "--run-dir", str(run_dir)), ()]
    )
    chief, follower = [finish(process) for process in resumed]
    assert digest(chief) == digest(follower) == digest(workers_run[1][0])
    expected = state(workers_run[0])
    arrays = state(run_dir)
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array, err_msg=name)
    assert_same_history(run_dir, workers_run[0], rtol=0)


def wait_for(path, processes):
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        for process in processes:
            assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_workers_with_other_settings_or_photos_are_refused(
    tiny_flags, tmp_path
):
    folder = tmp_path / "photos"
    shutil.copytree(tiny_flags[1], folder)
    next(folder.iterdir()).unlink()
    run_dir = str(tmp_path / "run")
    both = start_both(
        [*tiny_flags, "--run-dir", run_dir], also=[(), ("--data", str(folder))]
    )
    for process in both:
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 2, output
        assert re.search(r"Worker 1 \(\S+\) has other settings", output)
    assert not Path(run_dir).exists()
