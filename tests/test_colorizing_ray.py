"""Ray Data on this machine, with workers that are killed."""

import io
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import skimage.data
from fixtures.named_pipe import killing_readers
from numpy.testing import assert_array_equal
from PIL import Image

import keras_colorizer
from keras_colorizer import Colorizer
from keras_colorizer.colorizing.coloring import Settings, Task
from keras_colorizer.colorizing.colorize import color_tasks
from keras_colorizer.photos import MAX_PIXELS
from keras_colorizer.pretrained import DEFAULT, TFLITE, pretrained_file

ray = pytest.importorskip("ray", reason="Ray is not installed.")
pytestmark = pytest.mark.slow

MODEL = str(pretrained_file(DEFAULT, TFLITE))
REPOSITORY = Path(keras_colorizer.__file__).parents[1]
PHOTOS = 32
PATIENCE = 300  # Seconds, on a busy machine.


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Photos in two folders, one of them empty, and one that is none."""
    folder = tmp_path_factory.mktemp("scans")
    (folder / "1950").mkdir()
    camera = Image.fromarray(skimage.data.camera())
    for number in range(PHOTOS):
        path = folder / ("1950" if number % 2 else "") / f"{number}.png"
        camera.rotate(number).save(path)
    (folder / "broken.png").write_text("no photo")
    (folder / "1950/empty.png").touch()
    return folder


@pytest.fixture(scope="module")
def expected(scans, tmp_path_factory):
    """The results of the plainest use of the package, by name."""
    colorizer = Colorizer.load(MODEL)
    path, results = tmp_path_factory.mktemp("one") / "one.png", {}
    for photo in scans.rglob("[0-9]*.png"):
        colorizer.colorize(photo).save(path)
        results[photo.relative_to(scans).as_posix()] = path.read_bytes()
    return results


def started(scans, out):
    return subprocess.Popen(
        [sys.executable, "-m", "keras_colorizer", "colorize", scans]
        + ["-o", out, "--engine", "ray"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("[!.]*.png")
    }


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def colorizers(process):
    """The actors of the cluster that a command has started."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if "RowColorizer" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def test_a_killed_worker_costs_no_photo(scans, expected, tmp_path):
    out = tmp_path / "out"
    with started(scans, out) as process:
        wait_for(lambda: len(contents(out)) > 5)
        colorizers(process)[0].kill()
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert output == f"{PHOTOS} of {PHOTOS + 2} colored, in {out}\n"
    assert contents(out) == expected
    failed = [line for line in errors.splitlines() if "Failed:" in line]
    assert len(failed) == 2
    assert f"`{scans}/1950/empty.png` is empty (0 bytes)" in errors
    assert f"`{scans}/broken.png` is not a JPEG" in errors


def test_a_killed_run_goes_on_where_it_was(scans, expected, tmp_path):
    out = tmp_path / "out"
    with started(scans, out) as process:
        wait_for(lambda: len(contents(out)) > 5)
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    # Nothing of the cluster stays behind; some of it needs two minutes.
    assert not psutil.wait_procs(family, timeout=PATIENCE)[1]
    times = {path: path.stat().st_mtime_ns for path in out.rglob("[0-9]*.png")}
    assert 5 < len(times) < PHOTOS
    with started(scans, out) as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert f"{len(times)} skipped" in errors
    assert contents(out) == expected
    assert all(path.stat().st_mtime_ns == t for path, t in times.items())


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_photo_that_kills_two_workers_fails_alone(scans, expected, tmp_path):
    bad, out = tmp_path / "bad.png", tmp_path / "out"
    photos = [str(bad), *map(str, scans.glob("1950/[0-9]*.png"))]
    tasks = [Task(p, str(out / "1950" / os.path.basename(p))) for p in photos]
    settings = Settings(MODEL, 1.0, MAX_PIXELS, overwrite=False)
    with killing_readers(bad, times=2) as killed:
        outcomes = list(color_tasks(tasks, settings, engine="ray"))
    ray.shutdown()
    assert len(set(killed)) == 2
    assert sorted(outcome.photo for outcome in outcomes) == sorted(photos)
    (failed,) = (outcome for outcome in outcomes if outcome.reason)
    assert failed.photo == str(bad)
    assert "died twice" in failed.reason
    assert contents(out).items() <= expected.items()


@pytest.fixture
def cluster(monkeypatch):
    """A cluster that RAY_ADDRESS names, and that asks for a token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head"]
    command += ["--block", "--num-cpus", "2", "--include-dashboard", "false"]
    command += ["--port", address.rpartition(":")[2]]
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", 32 * "ab")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:
        wait_for(lambda: answers(address))
        yield
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(PATIENCE)
        for left in filter(psutil.Process.is_running, family):
            left.kill()


def answers(address):
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_a_running_cluster_colors_files_and_stores(
    scans, expected, tmp_path, cluster
):
    results = {name: expected[name] for name in expected if name[:5] == "1950/"}
    with started(scans / "1950", tmp_path / "out/1950") as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert "1950/empty.png` is empty" in errors
    assert contents(tmp_path / "out") == results
    # And the same photos as those of an object store.
    command = [sys.executable, "recipes/color_stores.py"]
    command += [f"file://{scans}/1950", f"file://{tmp_path}/stored"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, cwd=REPOSITORY, text=True
    ) as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "1950/empty.png: The photo is empty" in errors
    for name, content in results.items():
        stored = Image.open(tmp_path / f"stored/{os.path.basename(name)}.png")
        assert_array_equal(stored, Image.open(io.BytesIO(content)))
