"""The recipe for several machines: two processes here train one run."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

RECIPE = Path(__file__).parents[1] / "recipes/several_machines.py"
PATIENCE = 600  # Seconds; a machine with much to do is slow to start.

pytestmark = pytest.mark.slow


def start_both(flags, run_dir):
    doors = [socket.create_server(("", 0)) for _ in range(2)]
    workers = [f"localhost:{door.getsockname()[1]}" for door in doors]
    for door in doors:
        door.close()
    return [start(flags, run_dir, workers, index) for index in range(2)]


def start(flags, run_dir, workers, index):
    task = {"type": "worker", "index": index}
    described = json.dumps({"cluster": {"worker": workers}, "task": task})
    return subprocess.Popen(
        [sys.executable, RECIPE, *flags, "--run-dir", str(run_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "TF_CONFIG": described,
            "PYTHONPATH": str(RECIPE.parents[1]),
        },
    )


def finish(processes):
    outputs = [
        process.communicate(timeout=PATIENCE)[0] for process in processes
    ]
    assert [process.returncode for process in processes] == [0, 0], outputs
    return outputs


def wait_for(path, processes):
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        for process in processes:
            assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def newest_state(run_dir):
    arrays = {}
    newest = sorted((run_dir / "checkpoint").glob("step_*"))[-1]

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(newest) as file:
        file.visititems(keep)
    return arrays


@pytest.fixture(scope="module")
def whole_run(tiny_flags, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("workers") / "run"
    return run_dir, finish(start_both(tiny_flags, run_dir))


def test_first_worker_alone_prints_and_writes(whole_run):
    run_dir, (first, second) = whole_run
    assert len(re.findall(r"generator_loss", first)) == 4
    assert "generator_loss" not in second
    assert (run_dir / "generator.keras").exists()
    assert len(newest_state(run_dir)) > 100


@pytest.mark.parametrize("victim", [0, 1])
def test_killed_worker_ends_both_and_they_go_on(
    victim, whole_run, tiny_flags, tmp_path
):
    run_dir = tmp_path / "run"
    both = start_both(tiny_flags, run_dir)
    wait_for(run_dir / "checkpoint/step_000000004.weights.h5", both)
    both[victim].kill()  # SIGKILL: no handler runs.
    output, _ = both[1 - victim].communicate(timeout=PATIENCE)
    both[victim].communicate()
    assert both[1 - victim].returncode == 1, output
    assert "Error: A worker was lost" in output
    assert "Traceback" not in output
    finish(start_both(tiny_flags, run_dir))
    expected, state = newest_state(whole_run[0]), newest_state(run_dir)
    assert state.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(state[name], array, err_msg=name)
