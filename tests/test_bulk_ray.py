"""A real Ray cluster on this machine, whose processes are killed."""

import hashlib
import json
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest
import skimage.data
from fixtures.colorizing_server import free_port
from fixtures.endless_photo import killing_readers
from PIL import Image

from keras_colorizer.bulk.batch import Settings
from keras_colorizer.bulk.folders import LocalFolder
from keras_colorizer.bulk.ray_engine import RayCluster
from keras_colorizer.bulk.records import Task
from keras_colorizer.photos import MAX_PIXELS
from keras_colorizer.pretrained import DEFAULT, TFLITE, pretrained_file

pytest.importorskip("ray", reason="Ray is not installed.")
pytestmark = pytest.mark.slow

MODEL = pretrained_file(DEFAULT, TFLITE)
PHOTOS = 32
PATIENCE = 240  # Seconds, on a busy machine.


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """Ray keeps the token of its clusters in the home folder."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


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
    """What the local engine makes of them."""
    out = tmp_path_factory.mktemp("expected")
    with started(scans, "-o", out, "--workers", "1") as process:
        process.communicate(timeout=PATIENCE)
    return contents(out)


def started(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "keras_colorizer", "colorize", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(*arguments):
    """Exit code, output and errors, each in one line."""
    with started(*arguments) as process:
        out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, " ".join(out.split()), " ".join(err.split())


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*.png")
        if path.name[0] != "."
    }


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def check(out, expected):
    """Every result is right and recorded once, every failure too."""
    assert contents(out) == expected
    rows = lines(out / "manifest.jsonl")
    assert sorted(row["output"] for row in rows) == sorted(expected)
    for row in rows:
        content = expected[row["output"]]
        assert row["size"] == len(content)
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
    letters = lines(out / "dead_letters.jsonl")
    assert {letter["output"]: letter["reason"] for letter in letters} == {
        letter["output"]: f"`{letter['input']}` {reason}."
        for letter, reason in zip(letters, map(reason_of, letters), strict=True)
    }
    assert len(letters) == 2


def reason_of(letter):
    if letter["output"] == "1950/empty.png":
        return "is empty (0 bytes)"
    assert letter["output"] == "broken.png"
    return (
        "is not a JPEG, PNG, WebP, BMP, GIF or TIFF file, or its beginning is "
        "damaged"
    )


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not (met := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return met


def colorists(process):
    """The actors that color, of the cluster that a command has started."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if "Colorist" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def test_a_killed_worker_costs_no_photo(scans, expected, tmp_path):
    out = tmp_path / "out"
    with started(
        scans, "-o", out, "--engine", "ray", "--workers", "2"
    ) as process:
        wait_for(lambda: len(contents(out)) > 5)
        colorists(process)[0].kill()
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert f"{PHOTOS} of {PHOTOS + 2} colored" in output
    # Ray itself says nothing.
    assert all(line.startswith("Failed: `") for line in errors.splitlines())
    assert len(errors.splitlines()) == 2
    check(out, expected)


def test_a_killed_run_goes_on_where_it_was(scans, expected, tmp_path):
    out = tmp_path / "out"
    with started(
        scans, "-o", out, "--engine", "ray", "--workers", "2"
    ) as process:
        wait_for(lambda: len(contents(out)) > 5)
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    # Nothing of the cluster stays behind.
    assert not psutil.wait_procs(family, timeout=60)[1]
    times = {path: path.stat().st_mtime_ns for path in out.rglob("[0-9]*.png")}
    assert 5 < len(times) < PHOTOS
    code, output, _ = finished(scans, "-o", out, "--engine", "ray")
    assert code == 1
    assert f"{PHOTOS} of {PHOTOS + 2} colored" in output
    assert all(path.stat().st_mtime_ns == t for path, t in times.items())
    check(out, expected)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_photo_that_kills_its_workers_is_a_dead_letter(scans, tmp_path):
    bad = tmp_path / "bad.png"
    batch = Settings(
        (LocalFolder(tmp_path), LocalFolder(scans)),
        LocalFolder(tmp_path / "out"),
        1.0,
        MAX_PIXELS,
    )
    tasks = [Task(0, "bad.png", "bad.png")]
    tasks += [Task(1, f"{n}.png", f"{n}.png") for n in range(0, PHOTOS, 2)]
    cluster = RayCluster(MODEL, batch, workers=1, address=None)
    with killing_readers(bad, times=2) as killed:
        records = list(cluster.color(tasks))
    assert len(set(killed)) == 2
    assert len(records) == len(tasks) == len({r.output for r in records})
    (failure,) = (record for record in records if record.reason)
    assert failure.output == "bad.png"
    assert "the workers that colored it died twice" in failure.reason


@contextmanager
def cluster(port, client_port):
    """A cluster that somebody else started; with a token, as is wise."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head"]
    command += ["--block", "--num-cpus", "2", "--include-dashboard", "false"]
    command += ["--port", str(port), "--ray-client-server-port"]
    command += [str(client_port), "--object-store-memory", "200000000"]
    command += ["--min-worker-port", "0", "--max-worker-port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            family = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            process.wait(PATIENCE)
            for left in family:
                if left.is_running():
                    left.kill()


def test_any_kind_of_address_will_do(scans, expected, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", hashlib.sha256(b"").hexdigest())
    port, client_port = free_port(), free_port()
    addresses = {
        "gcs": f"127.0.0.1:{port}",
        "client": f"ray://127.0.0.1:{client_port}",
    }
    with cluster(port, client_port):
        for name, address in addresses.items():
            wait_for(lambda a=address: answers(a))
            out = tmp_path / name
            code, _, errors = finished(
                *(f"file://{scans}/1950", "-o", f"file://{out}"),
                *("--engine", "ray", "--address", address),
            )
            assert code == 1, errors
            assert f"`file://{scans}/1950/empty.png` is empty" in errors
            results = contents(out)
            assert {f"1950/{key}": results[key] for key in results} == {
                key: expected[key] for key in expected if key[:4] == "1950"
            }
            rows = lines(out / "manifest.jsonl")
            assert sorted(row["output"] for row in rows) == sorted(results)


def answers(address):
    host, _, port = address.removeprefix("ray://").partition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True
