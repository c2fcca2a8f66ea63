"""The scripts that measure training and its pipeline, run for a moment."""

import math
import subprocess
import sys

import pytest

from benchmarks.natural_photos import write_crops

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    write_crops(folder, count=24, size=(320, 300))
    return folder


def tables_of(script, *options):
    """Runs it; returns each table's rows of cells by name of the column."""
    command = [sys.executable, f"benchmarks/{script}", *map(str, options)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    blocks = [block.splitlines() for block in finished.stdout.split("\n\n")]
    return [
        [dict(zip(cells(lines[0]), cells(line), strict=True)) for line in rows]
        for lines in blocks
        if (rows := [line for line in lines[2:] if line.startswith("|")])
    ]


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def numbers(rows, *columns):
    return [
        float(row[column].replace(",", "").rstrip("%"))
        for row in rows
        for column in columns
    ]


def are_positive(values):
    return all(0 < value < math.inf for value in values)


def test_training_is_measured_with_every_batch_size_and_core(photos):
    speeds, memory = tables_of(
        "training.py",
        *("--data", photos, "--networks", "tiny/patchgan_70_light/32"),
        *("--batch-sizes", 1, 8, "--cores", 1, "--steps", 2, "--warm-up", 1),
    )
    assert [(row["batch"], row["cores"]) for row in speeds] == [
        ("1", "1"),
        ("8", "1"),
    ]
    waits = numbers(speeds, "waits for data")
    assert all(0 <= wait <= 100 for wait in waits)
    assert are_positive(numbers(speeds, "images/s", "GFLOPS", "peak MB"))
    # Its sign is chance: so small networks need less than compiling them.
    (slope,) = numbers(memory, "MB per image")
    assert math.isfinite(slope)


def test_pipeline_is_measured_on_cores_and_for_a_gpu(photos):
    loaders, cores, model = tables_of(
        "pipeline.py",
        *("--data", photos, "--cores", 1, "--duration", 0.1, "--repeats", 1),
    )
    names = [row["loader"] for row in loaders]
    assert "ours, from shards, encoded" in names
    assert are_positive(numbers(loaders, "photos/s", "per busy core"))
    assert [(row["loader"], row["side"], row["cores"]) for row in cores] == [
        (name, side, "1")
        for side in ("256", "128")
        for name in (
            "ours, from shards",
            "ours, from memory",
            "bare decoding (the limit)",
        )
    ]
    assert are_positive(numbers(cores, "photos/s", "per busy core"))
    # 494e12 / (2 x 43.0e9 multiply-adds), and a fifth of it.
    assert numbers(model, "images/s")[0] == pytest.approx(1149, abs=1)
    assert len(model) == 2 * 2 * 3
    for row in model:
        (needed,) = numbers([row], "images/s")
        side = row["networks on one H200 (a model)"].rsplit(", ", 1)[1]
        for loader in ("shards", "memory"):
            fed = next(
                line
                for line in cores
                if (line["loader"], line["side"])
                == (f"ours, from {loader}", side)
            )
            # Three digits are printed of each.
            assert numbers([row], f"cores, from {loader}") == pytest.approx(
                [needed / number for number in numbers([fed], "per busy core")],
                rel=0.02,
            )


@pytest.mark.parametrize(
    ("script", "option", "value"),
    [
        ("training.py", "--networks", "small"),
        ("training.py", "--networks", "smal/patchgan_70/128"),
        ("training.py", "--networks", "unet_256/patchgan_70/100"),
        ("training.py", "--cores", "1000"),
        ("training.py", "--steps", "0"),
        ("pipeline.py", "--cores", "0"),
        ("pipeline.py", "--data", "nowhere"),
        ("training.py", "--data", "nowhere"),
    ],
)
def test_mistake_is_answered_in_one_sentence(script, option, value):
    command = [sys.executable, f"benchmarks/{script}", option, value]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 1
    assert finished.stderr.strip().count("\n") == 0
    assert value in finished.stderr
