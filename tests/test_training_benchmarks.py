"""The scripts that measure training and its pipeline, run for a moment."""

import math
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

TINY = "--preset tiny --discriminator patchgan_70_light --batch-size 8"


def table_of(script, *options):
    """Runs it; returns the rows of its table by name, as numbers."""
    command = [sys.executable, f"benchmarks/{script}", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [x for x in done.stdout.splitlines() if x.startswith("|")]
    rows = [[cell.strip() for cell in x.strip("|").split("|")] for x in lines]
    return {
        name: [float(cell.replace(",", "").rstrip("%")) for cell in cells]
        for name, *cells in rows[2:]
    }


def test_trainings_are_timed_with_their_waits_and_memory():
    options = ("--steps", "0", "--rounds", "1", "--epochs", "1")
    table = table_of("train_step.py", *options, f"--networks={TINY}")
    seconds, waits, megabytes = table["train.py"]
    assert 0 < seconds < math.inf
    assert 0 <= waits <= 100
    assert megabytes > 100


def test_every_loader_is_timed():
    table = table_of("pipeline.py", "--duration", "0.1", "--repeats", "1")
    assert len(table) == 5
    for numbers in table.values():
        assert all(0 < number < math.inf for number in numbers)
