"""Hint files on the command line: beside photos, and named."""

import os

import numpy as np
import pytest
import skimage.data
from PIL import Image

from keras_colorizer import Colorizer, Hint, build_generator, write_hints
from keras_colorizer.cli import commands
from keras_colorizer.colorizing.coloring import Settings, Task
from keras_colorizer.colorizing.colorize import colorize_photos
from keras_colorizer.colorizing.processes import color_in_processes
from keras_colorizer.exporting.conversion import convert
from keras_colorizer.inference.keras_network import KerasNetwork
from keras_colorizer.photos import MAX_PIXELS

HINTS = [Hint(0.3, 0.45, "firebrick"), Hint(0.9, 0.2, "#204080")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An untrained network in a file that takes hints."""
    network = KerasNetwork(build_generator("tiny"), render_size=32)
    path = tmp_path_factory.mktemp("model") / "ab.tflite"
    path.write_bytes(convert(network, precision="float32", any_size=False))
    return path


@pytest.fixture
def scans(tmp_path):
    """Two photos, one of them with hints."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(skimage.data.camera()[::4, ::4]).save(folder / name)
    write_hints(folder / "a.png.hints.json", HINTS)
    return folder


@pytest.fixture
def run(model, run_main, tmp_path):
    """Runs `colorize` into `tmp_path / "out"`."""
    out = ("--output", tmp_path / "out", "--model", model)

    def run(*words):
        return run_main(commands.main, "", "colorize", *words, *out)

    return run


def levels(path):
    return np.asarray(Image.open(path)).astype(int)


def assert_hinted(result, photo, model, hints):
    expected = Colorizer.load(model).colorize(photo, hints=hints)
    assert np.abs(levels(result) - np.asarray(expected)).max() <= 1


def test_hints_beside_a_photo_are_used_and_counted(run, scans, model, tmp_path):
    code, out, _ = run(scans)
    assert code == 0
    assert out.startswith("2 of 2 colored, 1 with hints, in ")
    result = tmp_path / "out/a.png"
    assert np.ptp(levels(result), axis=-1).max() > 50
    assert_hinted(result, scans / "a.png", model, HINTS)
    assert_hinted(tmp_path / "out/b.png", scans / "b.png", model, [])


def test_no_hints_leaves_them_unused(run, scans, model, tmp_path):
    code, out, _ = run(scans, "--no-hints")
    assert code == 0
    assert "with hints" not in out
    assert_hinted(tmp_path / "out/a.png", scans / "a.png", model, [])


def test_photos_are_colored_again_when_their_hints_change(run, scans, tmp_path):
    run(scans)
    assert run(scans)[1].startswith("0 of 0 colored")
    a_minute_ago = os.stat(scans / "a.png.hints.json").st_mtime - 60
    for name in ("a.png", "b.png"):
        os.utime(tmp_path / "out" / name, (a_minute_ago, a_minute_ago))
    code, out, err = run(scans)
    assert out.startswith("1 of 1 colored, 1 with hints")
    assert "1 skipped" in err
    assert run(scans)[1].startswith("0 of 0 colored")


def test_a_named_hint_file_is_for_one_photo(run, scans, model, tmp_path):
    write_hints(tmp_path / "mine.json", HINTS[:1])
    hints = ("--hints", tmp_path / "mine.json")
    assert run(scans / "a.png", *hints)[0] == 0
    assert_hinted(tmp_path / "out/a.png", scans / "a.png", model, HINTS[:1])
    for words, sentence in [
        ((scans, *hints), "are for one photo, but there are 2"),
        ((scans / "b.png", "--hints", "none"), "There is no hint file `none`"),
        ((scans / "b.png", *hints, "--no-hints"), "contradict each other"),
    ]:
        code, _, err = run(*words)
        assert code == 2
        assert sentence in err


def test_a_broken_hint_file_fails_its_photo_alone(run, scans, tmp_path):
    (scans / "a.png.hints.json").write_text('{"hints": [{"x": 2}]}')
    code, out, err = run(scans)
    assert code == 1
    assert out.startswith("1 of 2 colored, in")
    assert "a.png.hints.json`: Hint 1 has no `y`" in err
    assert not (tmp_path / "out/a.png").exists()


def test_a_model_that_takes_no_hints_fails_those_photos_alone(scans, tmp_path):
    network = KerasNetwork(build_generator("tiny"), render_size=32)
    old = tmp_path / "old.tflite"
    grey = [np.full((1, 32, 32, 1), 50, "float32")]
    old.write_bytes(
        convert(network, precision="int8", any_size=False, views=grey)
    )
    result = colorize_photos([scans], tmp_path / "out", model=old)
    assert result.done == 1
    assert "a.png`: The model takes no hints" in str(result.failed)


def test_processes_read_hints(scans, model, tmp_path):
    settings = Settings(str(model), 1.0, MAX_PIXELS, overwrite=False)
    file = str(scans / "a.png.hints.json")
    tasks = [
        Task(str(scans / name), str(tmp_path / name), hints)
        for name, hints in (("a.png", file), ("b.png", ""))
    ]
    outcomes = list(color_in_processes(tasks, settings, count=2))
    assert sorted(outcome.hinted for outcome in outcomes) == [False, True]
    assert_hinted(tmp_path / "a.png", scans / "a.png", model, HINTS)


@pytest.mark.slow
def test_ray_reads_hints(scans, model, tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="Ray is not installed.")
    monkeypatch.chdir(tmp_path)  # Its workers have a folder of their own.
    result = colorize_photos(
        ["scans"], "out", model=model, engine="ray", hints=None
    )
    assert (result.done, result.hinted) == (2, 1)
    assert_hinted(tmp_path / "out/a.png", scans / "a.png", model, HINTS)
