"""Processes that color photos, and are killed."""

import hashlib
import sys

import psutil
import pytest
import skimage.data
from fixtures.endless_photo import kill, killing_readers
from PIL import Image

from keras_colorizer import Colorizer
from keras_colorizer.bulk.batch import Settings, colorize_batch
from keras_colorizer.bulk.folders import LocalFolder, open_folder
from keras_colorizer.bulk.processes import Processes
from keras_colorizer.bulk.records import Task
from keras_colorizer.errors import ArtifactError
from keras_colorizer.photos import MAX_PIXELS
from keras_colorizer.pretrained import DEFAULT, TFLITE, pretrained_file

MODEL = pretrained_file(DEFAULT, TFLITE)


@pytest.fixture
def scans(tmp_path):
    """Twelve small photos and a file that is none."""
    folder = tmp_path / "scans"
    folder.mkdir()
    camera = Image.fromarray(skimage.data.camera())
    for number in range(12):
        camera.rotate(number).resize((96, 64)).save(folder / f"{number}.png")
    (folder / "broken.png").write_text("no photo")
    return folder


def settings(scans, out):
    return Settings((LocalFolder(scans),), LocalFolder(out), 1.0, MAX_PIXELS)


def tasks(scans):
    return [Task(0, path.name, path.name) for path in sorted(scans.iterdir())]


def contents(folder):
    """Of the results; a killed process leaves a hidden file, half written."""
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


def one_by_one(scans, out):
    """What the plainest use of the package writes."""
    colorizer = Colorizer.load(MODEL)
    out.mkdir()
    for path in scans.iterdir():
        if path.stem.isdecimal():
            colorizer.colorize(path).save(out / path.name)
    return out


def check(records, scans, out):
    """Every photo once: its result described, or the reason why not."""
    assert sorted(record.output for record in records) == sorted(
        path.name for path in scans.iterdir()
    )
    for record in records:
        assert record.input == str(scans / record.output)
        if record.reason is None:
            content = (out / record.output).read_bytes()
            assert record.size == len(content)
            assert record.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("count", [1, 3])
def test_processes_write_what_one_process_writes(count, scans, tmp_path):
    out = tmp_path / "out"
    colored = Processes(MODEL, settings(scans, out), count).color(tasks(scans))
    records = list(colored)
    check(records, scans, out)
    (failure,) = (r for r in records if r.reason)
    assert failure.output == "broken.png"
    assert f"`{scans / 'broken.png'}` is not a JPEG" in failure.reason
    assert contents(out) == contents(one_by_one(scans, tmp_path / "expected"))
    assert not workers()


def workers():
    """The processes that color, in the order they were started."""
    return [
        child
        for child in psutil.Process().children()
        if any("spawn_main" in word for word in child.cmdline())
    ]


def test_a_killed_process_costs_no_photo(scans, tmp_path):
    out = tmp_path / "out"
    colored = Processes(MODEL, settings(scans, out), 2).color(tasks(scans))
    records = [next(colored)]
    killed, other = workers()
    killed.kill()
    records += colored
    check(records, scans, out)
    assert contents(out) == contents(one_by_one(scans, tmp_path / "expected"))


def test_a_process_killed_while_it_waits_costs_no_photo(scans, tmp_path):
    out = tmp_path / "out"
    running = Processes(MODEL, settings(scans, out), 1)

    def given():
        """Kills the only process before it is given each photo but two."""
        for number, task in enumerate(tasks(scans)):
            if number in (3, 7):
                (worker,) = workers()
                kill(worker)
            yield task

    check(list(running.color(given())), scans, out)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_photo_that_kills_its_process_twice_is_a_dead_letter(scans, tmp_path):
    out, bad = tmp_path / "out", scans / "bad.png"
    with killing_readers(bad, times=2) as killed:
        colored = Processes(MODEL, settings(scans, out), 2).color(tasks(scans))
        records = list(colored)
    assert len(set(killed)) == 2
    check(records, scans, out)
    reasons = {r.output: r.reason for r in records if r.reason}
    assert set(reasons) == {"bad.png", "broken.png"}
    assert f"`{bad}`: the process" in reasons["bad.png"]
    assert "died twice (SIGKILL)" in reasons["bad.png"]


def test_who_stops_leaves_no_process(scans, tmp_path):
    colored = Processes(MODEL, settings(scans, tmp_path / "out"), 2).color(
        tasks(scans)
    )
    next(colored)
    started = workers()
    colored.close()  # As an error or Ctrl-C ends it.
    assert len(started) == 2
    assert not any(worker.is_running() for worker in started)


def test_a_damaged_model_is_named_once(scans, tmp_path):
    model = tmp_path / "model.tflite"
    model.write_bytes(MODEL.read_bytes()[:1000])
    with pytest.raises(ArtifactError, match=r"model\.tflite` cannot be read"):
        list(
            Processes(model, settings(scans, tmp_path / "out"), 2).color(
                tasks(scans)
            )
        )


def test_results_that_are_there_are_recorded_and_stay(scans, tmp_path):
    (tmp_path / "0.png").write_bytes(b"old")
    task = Task(0, "0.png", "0.png", is_there=True)
    batch = settings(scans, tmp_path)
    (record,) = colorize_batch(Colorizer.load(MODEL), [task], batch)
    assert record.sha256 == hashlib.sha256(b"old").hexdigest()
    assert record.seconds is None
    assert (tmp_path / "0.png").read_bytes() == b"old"


def test_photos_in_stores_are_colored_as_those_here(scans, tmp_path):
    pytest.importorskip("pyarrow")
    out = tmp_path / "out"
    batch = Settings(
        (open_folder(f"file://{scans}"),),
        open_folder(f"file://{out}/1950"),
        1.0,
        MAX_PIXELS,
    )
    records = list(Processes(MODEL, batch, 2).color(tasks(scans)))
    (failure,) = (record for record in records if record.reason)
    assert f"`file://{scans}/broken.png` is not" in failure.reason
    assert contents(out / "1950") == contents(
        one_by_one(scans, tmp_path / "expected")
    )


def test_results_that_cannot_be_written_are_named(scans, tmp_path):
    (tmp_path / "file").touch()
    batch = settings(scans, tmp_path / "file/out")
    (record,) = colorize_batch(Colorizer.load(MODEL), tasks(scans)[:1], batch)
    assert f"`{tmp_path}/file/out/0.png` cannot be written" in record.reason
    # Wider than the format can hold, and with no word of temporary names.
    Image.new("L", (17_000, 1)).save(scans / "wide.png")
    task = Task(0, "wide.png", "wide.webp")
    batch = settings(scans, tmp_path / "out")
    (record,) = colorize_batch(Colorizer.load(MODEL), [task], batch)
    assert record.reason.startswith(f"`{tmp_path}/out/wide.webp` cannot hold")
