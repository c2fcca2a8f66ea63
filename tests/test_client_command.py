"""`python serving/client.py`, against small real servers."""

import io
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import skimage.data
from fixtures.colorizing_server import (
    STATUS,
    Answer,
    colored,
    error,
    free_port,
    running,
)
from PIL import Image
from rich.console import Console

from keras_colorizer.cli.colorize import Colorize
from keras_colorizer.cli.colorize import colorize as colorize_command
from keras_colorizer.errors import ColorizerError

# As for the program that lies there.
sys.path.insert(0, str(Path(__file__).parents[1] / "serving"))

from colorizer_client import ClientError, UnreachableError
from colorizer_client.command import Options, color

SERVING = Path(__file__).parents[1] / "serving"
SERVER = Path(__file__).parent / "fixtures/colorizing_server.py"


@pytest.fixture
def server():
    with running() as server:
        yield server


@pytest.fixture
def scans(tmp_path):
    """A folder of photos, one of them hidden, and one that is none."""
    grey = Image.fromarray(skimage.data.camera()[100:160, 200:280])
    for name in ("a.png", "1920/b.JPG", "1920/c.gif", ".hidden/d.png"):
        (tmp_path / "scans" / name).parent.mkdir(parents=True, exist_ok=True)
        grey.save(tmp_path / "scans" / name)
    (tmp_path / "scans/notes.txt").write_text("Who is who")
    return tmp_path / "scans"


def run(photos, output, server, **options):
    """Runs the command here; returns its exit code and what it told."""
    console = Console(record=True, file=io.StringIO(), width=200)
    photos = tuple(map(str, photos))
    code = color(Options(photos, output, url=server.url, **options), console)
    return code, console.export_text()


def files(folder):
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file()
    )


def test_folders_keep_their_tree(scans, server, tmp_path, capsys):
    code, _ = run([scans], tmp_path / "out", server)
    assert code == 0
    assert files(tmp_path / "out") == ["1920/b.JPG", "1920/c.png", "a.png"]
    assert "3 of 3 colored" in capsys.readouterr().out
    with Image.open(scans / "a.png") as grey:
        expected = colored(np.asarray(grey.convert("RGB")))
    with Image.open(tmp_path / "out/a.png") as result:
        assert np.array_equal(result, expected)
    with Image.open(tmp_path / "out/1920/b.JPG") as result:
        assert result.format == "JPEG"


def test_one_photo_may_become_a_file_of_any_format(scans, server, tmp_path):
    target = tmp_path / "deep/er/result.webp"
    assert run([scans / "a.png"], target, server)[0] == 0
    with Image.open(target) as result:
        assert result.format == "WEBP"


def test_failures_are_named_and_the_others_written(scans, server, tmp_path):
    (scans / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    (scans / "empty.png").touch()
    code, told = run([scans], tmp_path / "out", server)
    assert code == 1
    assert files(tmp_path / "out") == ["1920/b.JPG", "1920/c.png", "a.png"]
    for name, reason in (
        ("broken.jpg", "its beginning is damaged"),
        ("empty.png", "is empty"),
    ):
        (line,) = [line for line in told.splitlines() if name in line]
        assert line.startswith("Failed:")
        assert reason in line


def test_servers_refusals_are_passed_on(scans, server, tmp_path):
    server.answers.append(error(400, "[/bold] too old"))
    code, told = run([scans], tmp_path / "out", server, concurrency=1)
    assert code == 1
    assert f"`{scans / '1920/b.JPG'}`: [/bold] too old (400" in told
    assert len(files(tmp_path / "out")) == 2


def test_existing_results_are_skipped_or_colored_again(scans, server, tmp_path):
    run([scans], tmp_path / "out", server)
    (tmp_path / "out/a.png").write_bytes(b"mine")
    code, told = run([scans], tmp_path / "out", server)
    assert code == 0
    assert "3 skipped" in told
    assert len(server.files) == 3
    assert (tmp_path / "out/a.png").read_bytes() == b"mine"
    run([scans], tmp_path / "out", server, overwrite=True)
    assert len(server.files) == 6
    assert (tmp_path / "out/a.png").read_bytes() != b"mine"


@pytest.mark.parametrize("concurrency", [1, 3])
def test_concurrency_is_bounded_and_used(concurrency, server, tmp_path):
    photos = numbered_photos(tmp_path / "scans", 9)
    server.always = Answer(seconds=0.1)
    run([photos], tmp_path / "out", server, concurrency=concurrency)
    assert server.busiest == concurrency
    assert server.connections <= concurrency + 1


def numbered_photos(folder, count):
    folder.mkdir()
    ramp = np.arange(64 * 64).reshape(64, 64)
    for number in range(count):
        level = np.uint8((ramp + 7 * number) % 256)
        Image.fromarray(level).save(folder / f"{number:02}.png")
    return folder


def test_reduced_photos_are_told(scans, server, tmp_path):
    for full_resolution, size in ((False, (36, 27)), (True, (80, 60))):
        code, told = run(
            [scans / "a.png"],
            tmp_path / f"{full_resolution}",
            server,
            max_pixels=1000,
            full_resolution=full_resolution,
        )
        assert code == 0
        assert ("1 reduced to 1,000 pixels" in told) is not full_resolution
        with Image.open(tmp_path / f"{full_resolution}/a.png") as result:
            assert result.size == size


@pytest.mark.parametrize(
    ("photos", "output"),
    [
        ([], "out"),
        (["missing.png"], "out"),
        (["scans/*.xyz"], "out"),
        (["scans/19**"], "out"),
        (["scans/.hidden"], "scans"),
        (["scans/notes*"], "out"),
        (["scans"], "out/one.jpg"),
        (["scans/a.png"], "scans/a.png"),
        (["scans/1920/*"], "scans/1920"),
    ],
)
def test_wrong_command_lines_are_told_as_colorize_tells_them(
    photos, output, scans, monkeypatch
):
    monkeypatch.chdir(scans.parent)
    with pytest.raises(ColorizerError) as expected:
        colorize_command(Colorize(tuple(photos), output))
    with pytest.raises(ClientError) as told:
        color(Options(tuple(photos), Path(output)), Console())
    assert str(told.value) == str(expected.value)


def test_results_that_would_collide_are_told_as_colorize_tells_them(
    scans, server, tmp_path, capfd
):
    shutil.copy(scans / "a.png", scans / "1920/c.png")
    names = str(scans / "1920/c.gif"), str(scans / "1920/c.png")
    colorize_command(Colorize(names, str(tmp_path / "one")))
    (expected,) = [
        line for line in capfd.readouterr().err.splitlines() if "both" in line
    ]
    _, told = run(names, tmp_path / "two", server)
    (line,) = [line for line in told.splitlines() if "both" in line]
    # `colorize`, which may have millions, keeps no names of earlier photos.
    line = line.replace(f"`{names[0]}`", "a photo before it")
    assert line == expected.replace(f"{tmp_path}/one", f"{tmp_path}/two")


def client(*arguments, folder=SERVING, **options):
    return subprocess.Popen(
        [sys.executable, "client.py", *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-such-flag"], "--no-such-flag"),
        (["missing.png"], "Nothing matches `missing.png`"),
        ([".", "--url", "localhost:8501"], "--url must be such as"),
        ([".", "--concurrency", "0"], "--concurrency must be at least 1"),
    ],
)
def test_wrong_command_lines_end_with_code_2(arguments, words, tmp_path):
    with client(*arguments, folder=SERVING) as process:
        _, told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert words in " ".join(told.split())
    assert "Traceback" not in told


def test_the_client_needs_nothing_of_this_package(scans, server, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(SERVING / "client.py", alone)
    shutil.copytree(SERVING / "colorizer_client", alone / "colorizer_client")
    code = (
        "import sys, client\n"
        f"with client.ColorizerClient({server.url!r}) as c:\n"
        f"    c.colorize({str(scans / 'a.png')!r}).save('new.png')\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "assert not names & {'tensorflow', 'keras', 'keras_colorizer'}"
    )
    subprocess.run([sys.executable, "-c", code], cwd=alone, check=True)
    with Image.open(alone / "new.png") as result:
        assert result.size == (80, 60)


def test_without_a_server_the_command_ends_soon(scans, tmp_path):
    with running() as server:
        url = server.url
    started = time.monotonic()
    with client(scans, "--url", url, "--retries", "100") as process:
        _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"no answer from {url}" in " ".join(told.split())
    assert "Traceback" not in told
    assert time.monotonic() - started < 15


def test_a_server_that_is_gone_is_not_asked_for_each_photo(server, tmp_path):
    photos = numbered_photos(tmp_path / "scans", 30)
    server.answers.extend(4 * [Answer()])
    server.always, server.goes_silent = Answer(drop=True), True
    code, told = run(
        [photos], tmp_path / "out", server, concurrency=1, retries=1
    )
    assert code == 1
    assert "the server is gone: 26 photos are left" in told
    assert len(files(tmp_path / "out")) == 4
    # The fifth twice; a sixth may be under way before the server is known to
    # be gone.
    assert 6 <= len(server.files) <= 8


def test_a_photo_that_breaks_connections_costs_no_other(server, tmp_path):
    photos = numbered_photos(tmp_path / "scans", 5)
    server.answers.extend(2 * [Answer(drop=True)])
    code, told = run(
        [photos], tmp_path / "out", server, concurrency=1, retries=1
    )
    assert code == 1
    assert "00.png`: no answer from" in told
    assert files(tmp_path / "out") == files(photos)[1:]


def server_program(port, seconds):
    process = subprocess.Popen(
        [sys.executable, SERVER, str(port), str(seconds)]
    )
    for _ in range(300):
        try:
            httpx.get(f"http://127.0.0.1:{port}{STATUS}")
            return process
        except httpx.TransportError:
            time.sleep(0.1)
    raise UnreachableError("The server does not start.")


def wait_for(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("It never came.")


def test_a_server_killed_amid_requests_costs_no_photo(tmp_path):
    photos, port = numbered_photos(tmp_path / "scans", 12), free_port()
    out = tmp_path / "out"
    first = server_program(port, 0.3)
    with client(
        photos, "-o", out, "--url", f"http://127.0.0.1:{port}"
    ) as process:
        wait_for(lambda: out.exists() and len(files(out)) >= 2)
        first.kill()  # Four requests are in work now.
        first.wait()
        before = len(files(out))
        second = server_program(port, 0.3)
        told, failed = process.communicate(timeout=120)
        second.kill()
        second.wait()
    assert before < 12
    assert process.returncode == 0, failed
    assert "12 of 12 colored" in told
    assert files(out) == files(photos)
    for name in files(out):
        with Image.open(photos / name) as grey, Image.open(out / name) as got:
            expected = colored(np.asarray(grey.convert("RGB")))
            assert np.array_equal(got, expected), name


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_client_leaves_whole_files_only(stop, server, tmp_path):
    photos, out = numbered_photos(tmp_path / "scans", 40), tmp_path / "out"
    server.always = Answer(seconds=0.05)
    with client(photos, "-o", out, "--url", server.url) as process:
        wait_for(lambda: out.exists() and len(files(out)) >= 3)
        server.always = Answer(seconds=10)
        wait_for(lambda: server.in_work == 4)
        time.sleep(0.2)  # Now all four are those that take long.
        process.send_signal(stop)
        started = time.monotonic()
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert time.monotonic() - started < 5
    assert 3 <= len(files(out)) < 40
    for name in files(out):
        assert name in files(photos)
        with Image.open(out / name) as result:
            result.load()
