"""Many photos: how results are named, and processes that are killed."""

import os
import shutil
import subprocess
import sys

import psutil
import pytest
import skimage.data
from fixtures.named_pipe import kill, killing_readers
from PIL import Image

from keras_colorizer import Colorizer
from keras_colorizer.colorizing.coloring import Settings, Task, colorize_task
from keras_colorizer.colorizing.colorize import (
    color_tasks,
    colorize_photos,
    process_count,
)
from keras_colorizer.colorizing.plan import plan_run
from keras_colorizer.colorizing.processes import color_in_processes
from keras_colorizer.errors import (
    ArtifactError,
    ConfigError,
    DataError,
    ServingError,
)
from keras_colorizer.litert import available_cores
from keras_colorizer.photos import MAX_PIXELS
from keras_colorizer.pretrained import DEFAULT, TFLITE, pretrained_file

MODEL = str(pretrained_file(DEFAULT, TFLITE))
SETTINGS = Settings(MODEL, 1.0, MAX_PIXELS, overwrite=False)
RESULTS = {"a.jpg", "b/c.PNG", "b/d/e.png", "b/d/f.tif"}


@pytest.fixture
def tree(tmp_path):
    """Four names of photos, and others that are none."""
    photos = ["a.jpg", "b/c.PNG", "b/d/e.gif", "b/d/f.tif"]
    for name in (*photos, "notes.txt", ".hidden.jpg", ".hidden/g.jpg"):
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "scans"


@pytest.fixture
def scans(tmp_path):
    """Twenty small photos and a file that is none."""
    folder = tmp_path / "scans"
    folder.mkdir()
    camera = Image.fromarray(skimage.data.camera())
    for number in range(20):
        camera.rotate(number).resize((96, 64)).save(folder / f"{number}.png")
    (folder / "broken.png").write_text("no photo")
    return folder


@pytest.fixture
def expected(scans):
    """The results of the plainest use of the package, by name."""
    colorizer, results = Colorizer.load(MODEL), {}
    for path in scans.glob("[0-9]*"):
        colorizer.colorize(path).save(scans.parent / "one.png")
        results[path.name] = (scans.parent / "one.png").read_bytes()
    return results


def planned(sources, output, *, overwrite=False):
    """Names of results below the output folder, and all else."""
    names = [str(source) for source in sources]
    tasks, others = plan_run(names, str(output), overwrite=overwrite)
    return {os.path.relpath(task.result, output) for task in tasks}, others


def tasks(scans, out):
    names = sorted(path.name for path in scans.iterdir())
    return [Task(str(scans / name), str(out / name)) for name in names]


def contents(folder):
    """The results; a killed process may leave a hidden file beside them."""
    return {path.name: path.read_bytes() for path in folder.glob("[!.]*")}


def workers():
    """The processes that color, in the order in which they were started."""
    children = psutil.Process().children()
    return [c for c in children if any("spawn_main" in w for w in c.cmdline())]


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr("keras_colorizer.litert.available_cores", lambda: 2)


def test_results_keep_the_tree_and_gif_becomes_png(tree, tmp_path):
    assert planned([tree], tmp_path / "out")[0] == RESULTS
    assert planned([tree / "b/*"], tmp_path / "out")[0] == {
        "c.PNG",
        "d/e.png",
        "d/f.tif",
    }


def test_results_that_exist_are_skipped_unless_overwritten(tree, tmp_path):
    (tmp_path / "out/b").mkdir(parents=True)
    (tmp_path / "out/b/c.PNG").touch()
    names, others = planned([tree], tmp_path / "out")
    assert names == RESULTS - {"b/c.PNG"}
    assert others.skipped == 1
    assert planned([tree], tmp_path / "out", overwrite=True)[0] == RESULTS


def test_results_in_the_folder_are_no_photos(tree):
    (tree / "out").mkdir()
    (tree / "out/old.jpg").touch()
    assert planned([tree], tree / "out")[0] == RESULTS
    assert planned([tree], f"{tree}/../scans/out")[0] == RESULTS
    with pytest.raises(ConfigError, match="lie in the output folder"):
        planned([tree / "out"], tree / "out")


def test_no_photo_and_no_result_is_replaced_by_another(tree, tmp_path):
    (tree / "b/d/e.png").touch()
    twin = tmp_path / "twin/a.jpg"
    twin.parent.mkdir()
    twin.touch()
    names, others = planned([tree, twin], tmp_path / "out")
    assert names == RESULTS
    assert set(others.failed) == {str(twin), str(tree / "b/d/e.png")}
    assert "would both become" in others.failed[str(twin)]
    names, others = planned([tree / "a.jpg"], tree)
    assert not names
    assert "replaced by its own result" in others.failed[str(tree / "a.jpg")]


def test_a_single_photo_goes_to_a_file_of_any_name(tree, tmp_path):
    output = str(tmp_path / "x.webp")
    photo = str(tree / "a.jpg")
    assert plan_run([photo], output, overwrite=False)[0] == [
        Task(photo, output)
    ]
    with pytest.raises(ConfigError, match="one file, but there are 4"):
        plan_run([str(tree)], output, overwrite=False)
    with pytest.raises(ConfigError, match="replace the photo itself"):
        plan_run([photo], photo, overwrite=True)


def test_uris_and_folders_without_photos_are_refused(tmp_path):
    for sources, output in (["s3://b/in"], "out"), (["in"], "s3://b/out"):
        with pytest.raises(ConfigError, match="mount the store"):
            plan_run(sources, output, overwrite=False)
    with pytest.raises(DataError, match="holds no photo"):
        planned([tmp_path], tmp_path / "out")


def test_names_that_are_no_unicode_are_colored(scans, tmp_path):
    name = os.fsdecode(b"\xe9.png")
    shutil.copy(scans / "0.png", scans / name)
    colorize_photos([scans / name], tmp_path / "out")
    assert (tmp_path / "out" / name).exists()


@pytest.mark.parametrize("count", [1, 3])
def test_processes_write_what_one_colorizer_writes(
    count, scans, expected, tmp_path
):
    out = tmp_path / "out"
    outcomes = list(
        color_in_processes(tasks(scans, out), SETTINGS, count=count)
    )
    assert sorted(o.photo for o in outcomes) == sorted(
        str(path) for path in scans.iterdir()
    )
    (failure,) = (o for o in outcomes if o.reason)
    assert f"`{scans / 'broken.png'}` is not a JPEG" in failure.reason
    assert contents(out) == expected
    assert not workers()


def test_a_run_tells_what_is_done_and_what_is_left(scans, expected, tmp_path):
    out, steps = tmp_path / "out", []
    out.mkdir()
    (out / "0.png").write_bytes(b"an older result")
    result = colorize_photos(
        [scans],
        out,
        progress=lambda so_far, left: steps.append((so_far.done, left)),
    )
    assert (result.done, result.skipped, result.in_color) == (19, 1, [])
    assert set(result.failed) == {str(scans / "broken.png")}
    assert steps[0] == (0, 20)
    assert [left for _, left in steps] == list(range(20, -1, -1))
    assert contents(out) == {**expected, "0.png": b"an older result"}


def test_a_killed_process_costs_no_photo(scans, expected, tmp_path, two_cores):
    out = tmp_path / "out"
    todo = tasks(scans, out)
    running = color_tasks(todo, SETTINGS, engine="processes")
    outcomes = [next(running), next(running)]
    before = {path: path.stat().st_mtime_ns for path in out.glob("[!.]*")}
    workers()[0].kill()
    outcomes += running
    assert sorted(o.photo for o in outcomes) == [task.photo for task in todo]
    (failed,) = (o.photo for o in outcomes if o.reason)
    assert failed == str(scans / "broken.png")
    assert contents(out) == expected
    # What was done before is not done again.
    assert all(path.stat().st_mtime_ns == t for path, t in before.items())


def test_a_process_killed_while_it_waits_is_replaced(scans, tmp_path):
    todo = tasks(scans, tmp_path / "out")

    def given():
        """Kills the only process before it is given one of the photos."""
        for task in todo:
            if task is todo[3]:
                kill(*workers())
            yield task

    outcomes = list(color_in_processes(given(), SETTINGS, count=1))
    photos = [outcome.photo for outcome in outcomes]
    assert photos == [task.photo for task in todo if task is not todo[3]]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_photo_that_kills_two_processes_fails_alone(
    scans, expected, tmp_path, two_cores
):
    out, bad = tmp_path / "out", scans / "bad.png"
    with killing_readers(bad, times=2) as killed:
        outcomes = list(
            color_tasks(tasks(scans, out), SETTINGS, engine="processes")
        )
    assert len(set(killed)) == 2
    reasons = {o.photo: o.reason for o in outcomes if o.reason}
    assert set(reasons) == {str(bad), str(scans / "broken.png")}
    assert "died twice" in reasons[str(bad)]
    assert len(outcomes) == 22
    assert contents(out) == expected


def test_a_run_that_is_left_leaves_no_process(scans, tmp_path):
    todo = tasks(scans, tmp_path / "out")
    running = color_in_processes(todo, SETTINGS, count=2)
    next(running)
    started = workers()
    running.close()  # As an error or Ctrl-C does.
    assert len(started) == 2
    assert not any(worker.is_running() for worker in started)


def test_a_damaged_model_ends_the_run(scans, tmp_path, two_cores):
    model = tmp_path / "model.tflite"
    model.write_bytes(b"no model")
    with pytest.raises(ArtifactError, match=r"model\.tflite` cannot be read"):
        colorize_photos([scans], tmp_path / "out", model=model)


class BusyNetwork:
    """The network of a server that has no time."""

    render_size = 64

    def predict_ab(self, lightness):
        raise ServingError("http://localhost:8501 answers 503.")


def test_a_photo_that_a_server_refuses_fails_alone(scans, tmp_path):
    task = Task(str(scans / "0.png"), str(tmp_path / "0.png"))
    outcome = colorize_task(Colorizer(BusyNetwork()), task, SETTINGS)
    assert outcome.reason == (
        f"`{scans / '0.png'}`: http://localhost:8501 answers 503."
    )


def test_results_that_cannot_be_written_are_named(scans, tmp_path):
    task = Task(str(scans / "0.png"), str(scans / "1.png/0.png"))
    outcome = colorize_task(Colorizer.load(MODEL), task, SETTINGS)
    assert f"`{scans}/1.png/0.png` cannot be written" in outcome.reason


@pytest.mark.parametrize(
    ("photos", "model", "count"),
    [
        (0, MODEL, 1),
        (15, MODEL, 1),  # They wait for no second process.
        (1000, MODEL, 2),
        (1000, "run/generator.keras", 1),  # TensorFlow takes all cores.
        (1000, "http://localhost:8501/v1/models/colorizer", 4),
    ],
)
def test_processes_suit_the_photos_and_the_model(
    photos, model, count, two_cores
):
    assert process_count(photos, model) == count


@pytest.mark.parametrize(
    ("limit", "cores"), [("1", 1), ("999", None), ("", None), ("2,1", None)]
)
def test_threads_are_no_more_than_the_environment_allows(
    limit, cores, monkeypatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    expected = cores or len(os.sched_getaffinity(0))
    assert available_cores() == expected


STOPPED_WHILE_IT_ENDS = """
import multiprocessing, os, signal, time
from keras_colorizer.colorizing import processes

class Work:
    def __init__(self, settings):
        pass

    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)

processes.PhotoColorizer = Work
ours, theirs = multiprocessing.Pipe()
ours.close()
processes._work(theirs, None)
"""


def test_a_worker_that_is_stopped_while_it_ends_says_nothing():
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_IT_ENDS], capture_output=True
    )
    assert done.stderr == b""
