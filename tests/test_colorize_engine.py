"""`colorize` with many photos: engines, records, and what it refuses."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import skimage.data
from fixtures.colorizing_server import free_port
from PIL import Image

from keras_colorizer.bulk.engines import process_count
from keras_colorizer.cli import commands
from keras_colorizer.litert import available_cores
from keras_colorizer.pretrained import DEFAULT, TFLITE, pretrained_file

MODEL = pretrained_file(DEFAULT, TFLITE)


@pytest.fixture
def colorize(run_main):
    """Runs the command; returns exit code, output, errors in one line."""

    def run(*arguments):
        code, out, err = run_main(
            commands.main, "keras-colorizer", "colorize", *arguments
        )
        return code, " ".join(out.split()), " ".join(err.split())

    return run


@pytest.fixture
def scans(tmp_path):
    """Three photos in a tree, and a file that is none."""
    camera = Image.fromarray(skimage.data.camera()).resize((64, 48))
    for name in ("a.jpg", "b/c.png", "b/d.png"):
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        camera.save(path)
    (tmp_path / "scans/broken.jpg").write_text("no photo")
    return tmp_path / "scans"


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_few_photos_leave_no_other_files(colorize, scans, tmp_path):
    out = tmp_path / "out"
    assert colorize(scans, "-o", out)[0] == 1
    assert {path.name for path in out.rglob("*")} == {
        "a.jpg",
        "b",
        "c.png",
        "d.png",
    }


def test_a_manifest_describes_every_result_once(colorize, scans, tmp_path):
    out, records = tmp_path / "out", tmp_path / "records"
    for _ in range(2):
        colorize(scans, "-o", out, "--manifest", records)
    listed = rows(records / "manifest.jsonl")
    assert sorted(row["output"] for row in listed) == [
        "a.jpg",
        "b/c.png",
        "b/d.png",
    ]
    for row in listed:
        content = (out / row["output"]).read_bytes()
        assert row["input"] == str(scans / row["output"])
        assert row["size"] == len(content)
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["seconds"] > 0
    (letter,) = rows(records / "dead_letters.jsonl")
    assert letter["output"] == "broken.jpg"
    assert "is not a JPEG" in letter["reason"]


def test_uris_are_read_and_written(colorize, scans, tmp_path):
    pytest.importorskip("pyarrow")
    out = tmp_path / "out"
    code, output, errors = colorize(f"file://{scans}", "-o", f"file://{out}")
    assert code == 1
    assert f"3 of 4 colored, in file://{out}" in output
    assert f"`file://{scans}/broken.jpg` is not a JPEG" in errors
    colorize(scans, "-o", tmp_path / "same")
    for name in ("a.jpg", "b/c.png", "b/d.png"):
        expected = (tmp_path / "same" / name).read_bytes()
        assert (out / name).read_bytes() == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "0"], "--workers must be at least 1. Received: 0"),
        (["--address", "here:1"], "--address is for --engine ray"),
        (["-o", "ftp://host/out"], "`ftp://host/out` cannot be used"),
        (["-o", "file:///proc/out"], "`file:///proc/out` cannot be written to"),
        (["--manifest", "/proc/out"], "`/proc/out` cannot be written to"),
    ],
)
def test_wrong_command_lines_exit_with_2(colorize, scans, arguments, message):
    pytest.importorskip("pyarrow")
    code, _, errors = colorize(scans, *arguments)
    assert code == 2
    assert message in errors


def test_ray_that_is_not_installed_is_told_how_to_get(
    colorize, scans, monkeypatch
):
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, errors = colorize(scans, "--engine", "ray")
    assert code == 2
    assert 'pip install "keras_colorizer[ray]"' in errors


def test_a_cluster_that_does_not_answer_is_named_soon(colorize, scans):
    pytest.importorskip("ray")
    address = f"127.0.0.1:{free_port()}"
    start = time.monotonic()
    code, _, errors = colorize(scans, "--engine", "ray", "--address", address)
    assert code == 2
    assert f"no Ray cluster answers at {address}" in errors
    assert time.monotonic() - start < 10


def test_ray_takes_tflite_files_alone(colorize, scans, tmp_path):
    pytest.importorskip("ray")
    code, _, errors = colorize(scans, "--engine", "ray", "--model", tmp_path)
    assert code == 2
    assert "colors with a .tflite file" in errors


@pytest.mark.parametrize("photos", [0, 1, 15])
def test_few_photos_wait_for_no_second_process(photos):
    assert process_count(photos, MODEL) == 1


def test_many_photos_use_all_cores_but_not_with_tensorflow(monkeypatch):
    monkeypatch.setattr("keras_colorizer.litert.available_cores", lambda: 3)
    assert process_count(1000, MODEL) == 3
    assert process_count(1000, MODEL.with_suffix(".keras")) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
def takes_interrupts(process):
    """Whether Ctrl-C would reach it, by Linux' masks of signals."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return False
    lines = dict(x.split(":\t", 1) for x in status.read_text().splitlines())
    kept = int(lines["SigBlk"], 16) | int(lines["SigIgn"], 16)
    return not kept & 1 << signal.SIGINT - 1


def test_ctrl_c_ends_all_processes_and_what_was_done_is_kept(scans, tmp_path):
    camera = Image.fromarray(skimage.data.camera())
    for number in range(100):
        camera.rotate(number).save(scans / f"{number}.png")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "keras_colorizer", "colorize", scans]
    command += ["-o", out, "--manifest", out, "--workers", "2"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, start_new_session=True, text=True
    ) as process:
        while len(list(out.glob("[0-9]*"))) < 3:
            time.sleep(0.02)
        workers = psutil.Process(process.pid).children()
        assert not any(map(takes_interrupts, workers))
        for each in (process, *workers):  # As a terminal does.
            each.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert not errors
    assert not psutil.wait_procs(workers, timeout=10)[1]
    done = {path.name for path in out.glob("[0-9]*")}
    assert 3 <= len(done) < 100
    assert not list(out.glob(".[0-9a-f]*.png"))  # Nothing half written.
    (part,) = (out / ".manifest").iterdir()
    recorded = {row["output"] for row in rows(part) if "sha256" in row}
    assert len(recorded) >= len(done) - 2  # Whose records were on their way.


@pytest.mark.parametrize(
    ("limit", "cores"), [("1", 1), ("999", None), ("", None), ("2,1", None)]
)
def test_threads_are_no_more_than_the_environment_allows(
    limit, cores, monkeypatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    expected = cores or len(os.sched_getaffinity(0))
    assert available_cores() == expected
