"""The command `colorize` over many photos: stopped, killed, with Ray."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import skimage.data
from fixtures.ordinary_user import ordinary_user
from PIL import Image

from keras_colorizer.cli import commands

COMMAND = [sys.executable, "-m", "keras_colorizer", "colorize"]
several_cores = pytest.mark.skipif(
    os.cpu_count() == 1 or sys.platform == "win32",
    reason="one core is one process; Windows has no such signals",
)


@pytest.fixture
def scans(tmp_path):
    """Sixty photos, which take some seconds."""
    folder = tmp_path / "scans"
    folder.mkdir()
    camera = Image.fromarray(skimage.data.camera()).resize((256, 256))
    for number in range(60):
        camera.rotate(number).save(folder / f"{number}.png")
    return folder


def started(scans, out):
    """The command when it has written some results, and its processes."""
    process = subprocess.Popen(
        [*COMMAND, scans, "-o", out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(list(out.glob("[0-9]*"))) < 3:
        time.sleep(0.02)
    return process, psutil.Process(process.pid).children()


def takes_interrupts(process):
    """Whether Ctrl-C would reach it, by Linux' masks of signals."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return False
    lines = dict(x.split(":\t", 1) for x in status.read_text().splitlines())
    kept = int(lines["SigBlk"], 16) | int(lines["SigIgn"], 16)
    return not kept & 1 << signal.SIGINT - 1


@several_cores
def test_ctrl_c_ends_all_processes_and_says_what_is_done(scans, tmp_path):
    out = tmp_path / "out"
    process, workers = started(scans, out)
    with process:
        assert not any(map(takes_interrupts, workers))
        for each in (process, *workers):  # As a terminal does.
            each.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert not psutil.wait_procs(workers, timeout=10)[1]
    done = len(list(out.glob("[0-9]*")))
    assert not list(out.glob(".[0-9a-f]*.png"))  # Nothing half written.
    # Of results just written, the news may have been on its way.
    told = int(output.split(" of 60 colored")[0])
    assert done - len(workers) <= told <= done < 60
    assert errors.startswith(f"Stopped, {60 - told} are left")


@several_cores
def test_a_killed_command_leaves_no_process_and_can_go_on(scans, tmp_path):
    out = tmp_path / "out"
    process, workers = started(scans, out)
    with process:
        process.kill()
        assert not psutil.wait_procs(workers, timeout=30)[1]
    times = {path: path.stat().st_mtime_ns for path in out.glob("[0-9]*")}
    assert 3 <= len(times) < 60
    done = subprocess.run(
        [*COMMAND, scans, "-o", out], capture_output=True, check=True, text=True
    )
    assert f"{60 - len(times)} of {60 - len(times)} colored" in done.stdout
    assert f"{len(times)} skipped" in done.stderr
    assert len(list(out.glob("[0-9]*"))) == 60
    assert all(path.stat().st_mtime_ns == t for path, t in times.items())


@pytest.mark.parametrize("kind", ["missing", "unreachable"])
def test_ray_that_cannot_be_had_is_told_at_once(
    kind, run_main, monkeypatch, tmp_path
):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    if kind == "missing":
        monkeypatch.setitem(sys.modules, "ray", None)
        message = 'pip install "keras-colorizer[ray]"'
    else:
        pytest.importorskip("ray")
        with socket.socket() as probe:  # A port that nothing listens on.
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", address)
        message = f"no Ray cluster answers at {address}"
    code, _, errors = run_main(
        *(commands.main, "keras-colorizer", "colorize", tmp_path / "a.png"),
        *("-o", tmp_path / "out", "--engine", "ray"),
    )
    assert code == 2
    assert message in " ".join(errors.split())


def test_what_is_left_out_or_odd_is_said_and_the_rest_colored(
    run_main, open_folder
):
    scans = open_folder / "scans"
    for folder in (scans, scans / "lost+found", scans / "@eaDir"):
        folder.mkdir()
    camera = Image.fromarray(skimage.data.camera()).resize((64, 64))
    camera.save(scans / "esc\x1b[31m\n\udcf6.png")
    camera.save(scans / "cut.jpg")
    (scans / "cut.jpg").write_bytes((scans / "cut.jpg").read_bytes()[:-2])
    pages = {"save_all": True, "append_images": [camera.rotate(90)]}
    camera.save(scans / "pages.tif", **pages)
    (scans / "raw.dng").touch()
    (scans / "lost+found").chmod(0)
    command = (commands.main, "keras-colorizer", "colorize", scans, "-o")
    run_main(*command, open_folder / "imports")
    with ordinary_user():
        code, output, errors = run_main(*command, open_folder / "out")
    assert code == 1
    assert output == f"3 of 3 colored, in {open_folder}/out\n"
    assert errors.splitlines() == [
        "1 file left out: 1 .dng.",
        f"1 folder left out: {scans}/@eaDir.",
        f"`{scans}/cut.jpg` lacks its end, but no pixel: it may be a bad copy.",
        f"`{scans}/pages.tif` holds 2 pages: the first was taken (--pages"
        " colors all).",
        f"Failed: `{scans}/lost+found` cannot be listed: Permission denied.",
    ]
    command = (*command[:3], scans / "pages.tif", "-o")
    out = open_folder / "all.tif"
    code, _, errors = run_main(*command, out, "--pages")
    assert (code, errors) == (0, "")
    with Image.open(out) as image:
        assert image.n_frames == 2


# What a shell does with the streams, and what is then on them.
STREAMS = {
    "2>&-": "1 of 2 colored, in ",
    ">&- 2>&- <&-": "",
    "| true": "Failed: ",
}


@pytest.mark.skipif(sys.platform == "win32", reason="is about a POSIX shell")
@pytest.mark.parametrize("streams", STREAMS)
def test_closed_streams_and_ascii_terminals_cost_no_result(tmp_path, streams):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "b\x1b\udcff.png").touch()
    words = [*COMMAND[:-1], "colorize", *tmp_path.iterdir(), "-o"]
    command = [*words, tmp_path / "ö"]
    finished = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {streams}', "bash", *command],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert finished.returncode == 1
    assert [path.name for path in (tmp_path / "ö").iterdir()] == ["a.png"]
    said = (finished.stdout + finished.stderr).decode("ascii")
    assert said.startswith(STREAMS[streams])
    assert bool(said) == bool(STREAMS[streams])
    assert "\x1b" not in said
    if said.startswith("Failed"):
        assert r"b\x1b\xff.png` is empty" in said
