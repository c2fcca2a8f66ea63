"""`prepare` as its users meet it: files, words, exit codes, and kills."""

import csv
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import skimage.data
from PIL import Image

import keras_colorizer
from keras_colorizer.cli import commands
from keras_colorizer.data.shards.manifest import Manifest

REPOSITORY = Path(keras_colorizer.__file__).parents[1]
SMALL = ("--short-side", "48", "--photos-per-shard", "3", "--workers", "1")


@pytest.fixture
def prepare(run_main):
    """Runs the command; returns exit code, output, errors in one line."""

    def run(*arguments):
        code, out, err = run_main(
            commands.main, "keras-colorizer", "prepare", *arguments
        )
        return code, " ".join(out.split()), " ".join(err.split())

    return run


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def left_out(folder):
    with (folder / "left_out.csv").open() as file:
        return {row["photo"]: row["kind"] for row in csv.DictReader(file)}


@pytest.fixture
def mixed_folder(tmp_path):
    """One photo five times over, another one, and what cannot be trained on."""
    folder = tmp_path / "mixed"
    (folder / "cats").mkdir(parents=True)
    cat = Image.fromarray(skimage.data.chelsea())
    cat.save(folder / "cats/cat.png")
    shutil.copy(folder / "cats/cat.png", folder / "again.png")
    cat.save(folder / "low.jpg", quality=40)
    cat.reduce(2).save(folder / "small.webp", quality=90)
    cat.crop((3, 2, 449, 298)).save(folder / "cropped.png")
    Image.fromarray(skimage.data.coffee()).save(folder / "coffee.jpg")
    Image.fromarray(skimage.data.camera()).save(folder / "grey.png")
    (folder / "text.jpg").write_text("not a photo")
    (folder / "empty.png").touch()
    return folder


def test_only_different_photos_in_color_are_stored(
    prepare, mixed_folder, tmp_path
):
    out = tmp_path / "shards"
    code, output, errors = prepare(mixed_folder, "-o", out, *SMALL)
    assert code == 1
    assert "2 of 9 photos stored" in output
    assert "text.jpg" in errors
    assert "empty.png" in errors
    kinds = left_out(out)
    assert kinds.pop("grey.png") == "colorless"
    assert kinds.pop("text.jpg") == kinds.pop("empty.png") == "unreadable"
    assert len(kinds) == 4  # Of the five cats.
    # Which of them came first decides which are the same file.
    assert set(kinds.values()) <= {"duplicate", "near-duplicate"}
    manifest = Manifest.load(str(out))
    assert manifest.left_out == {
        "unreadable": 2,
        "colorless": 1,
        "duplicate": list(kinds.values()).count("duplicate"),
        "near-duplicate": list(kinds.values()).count("near-duplicate"),
    }


def test_what_is_left_out_can_be_kept(prepare, mixed_folder, tmp_path):
    out = tmp_path / "shards"
    keep = ("--keep-colorless", "--keep-near-duplicates")
    code, output, _ = prepare(mixed_folder, "-o", out, *SMALL, *keep)
    assert code == 1  # Two cannot be read.
    assert "6 of 9 photos stored" in output
    kinds = left_out(out)
    assert sorted(kinds.values()) == ["duplicate", "unreadable", "unreadable"]


def test_command_without_failures_ends_with_0_and_again(
    prepare, photo_folder, tmp_path
):
    out = tmp_path / "shards"
    code, output, errors = prepare(photo_folder, "-o", out, *SMALL)
    assert (code, errors) == (0, "")
    assert f"train.py --data {out}" in output
    before = {path: path.stat().st_mtime_ns for path in out.glob("shard-*")}
    assert len(before) == 8  # 12 photos: four shards and their indexes.
    assert prepare(photo_folder, "-o", out, *SMALL)[0] == 0
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_bytes_depend_on_neither_place_nor_time(
    prepare, photo_folder, tmp_path
):
    moved = tmp_path / "elsewhere/photos"
    moved.mkdir(parents=True)
    for path in sorted(photo_folder.iterdir(), reverse=True):
        shutil.copy(path, moved)
        os.utime(moved / path.name, (0, 0))
    prepare(photo_folder, "-o", tmp_path / "one", *SMALL)
    prepare(f"{moved}/*.png", "-o", tmp_path / "two", *SMALL)
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    del one["manifest.json"], two["manifest.json"]  # They name the source.
    assert one == two


def test_lost_shards_alone_are_made_anew(prepare, photo_folder, tmp_path):
    out = tmp_path / "shards"
    prepare(photo_folder, "-o", out, *SMALL)
    whole = contents(out)
    for number in (0, 2):
        (out / f"shard-0000{number}.tfrecord").unlink()
    kept = [*out.glob("shard-00001.*"), *out.glob("shard-00003.*")]
    before = [path.stat().st_mtime_ns for path in kept]
    assert prepare(photo_folder, "-o", out, *SMALL)[0] == 0
    assert contents(out) == whole
    assert before == [path.stat().st_mtime_ns for path in kept]


def test_other_settings_or_photos_do_not_mix(prepare, photo_folder, tmp_path):
    out = tmp_path / "shards"
    prepare(photo_folder, "-o", out, *SMALL)
    code, _, errors = prepare(photo_folder, "-o", out, *SMALL, "--quality", 70)
    assert code == 2
    assert "--quality 85 and cannot go on with --quality 70" in errors
    pattern = f"{photo_folder}/0*.png"
    code, _, errors = prepare(pattern, "-o", out, *SMALL)
    assert code == 2
    assert "other photos" in errors


def test_dry_run_says_how_much_and_writes_nothing(
    prepare, mixed_folder, tmp_path
):
    out = tmp_path / "shards"
    code, output, _ = prepare(mixed_folder, "-o", out, *SMALL, "--dry-run")
    assert code == 0
    assert "9 photos found" in output
    assert "2 cannot be read and 1 have no color" in output
    assert not out.exists()


@pytest.mark.parametrize(
    ("output", "flags", "message"),
    [
        ("{file}/shards", [], "cannot be written"),
        ("nowhere://bucket/shards", [], "nowhere"),
        ("{new}", ["--quality", "101"], "--quality must be between 1 and 95"),
        ("{new}", ["--short-side", "8"], "--short-side must be between 32"),
        ("{new}", ["--workers", "0"], "--workers must be at least 1"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    prepare, photo_folder, tmp_path, output, flags, message
):
    (tmp_path / "file").touch()
    output = output.format(file=tmp_path / "file", new=tmp_path / "new")
    code, _, errors = prepare(photo_folder, "-o", output, *SMALL, *flags)
    assert code == 2
    assert message in errors
    assert errors.startswith("Error:")


def test_no_photo_fit_to_store_is_an_error(prepare, tmp_path):
    (tmp_path / "photos").mkdir()
    Image.fromarray(skimage.data.camera()).save(tmp_path / "photos/grey.png")
    out = tmp_path / "shards"
    code, _, errors = prepare(tmp_path / "photos", "-o", out, *SMALL)
    assert code == 2
    assert "Not one photo" in errors
    assert "1 colorless" in errors


def test_tensorflow_datasets_are_prepared(prepare, photo_folder, tmp_path):
    pytest.importorskip("tensorflow_datasets", reason="an extra")
    for number, path in enumerate(sorted(photo_folder.iterdir())):
        target = tmp_path / "set" / ("train", "test")[number % 2] / "a"
        target.mkdir(parents=True, exist_ok=True)
        Image.open(path).save(target / f"{number}.jpg", quality=95)
    out = tmp_path / "shards"
    code, output, _ = prepare(f"tfds:{tmp_path}/set", "-o", out, *SMALL)
    assert code == 0
    assert "12 of 12 photos stored" in output


def start(*arguments):
    command = [sys.executable, "-m", "keras_colorizer", "prepare"]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def many_photos(tmp_path_factory):
    """A folder of 300 photos, each of its own colors."""
    folder = tmp_path_factory.mktemp("many")
    rng = np.random.default_rng(0)
    for number in range(300):
        cells = rng.integers(0, 256, (8, 8, 3), "uint8")
        photo = Image.fromarray(cells).resize((900, 700))
        photo.save(folder / f"{number:03}.jpg", quality=95)
    return folder


@pytest.mark.slow
def test_killed_preparation_goes_on_to_the_same_bytes(many_photos, tmp_path):
    flags = ("--short-side", 64, "--photos-per-shard", 20)
    whole = tmp_path / "whole"
    process = start(many_photos, "-o", whole, *flags, "--workers", 1)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    out = tmp_path / "killed"
    process = start(many_photos, "-o", out, *flags, "--workers", 2)
    workers = wait_for(out / "shard-00001.npz", process)
    process.kill()  # SIGKILL: no handler runs.
    process.communicate(timeout=60)
    psutil.wait_procs(workers, timeout=30)
    assert not any(worker.is_running() for worker in workers)
    assert not Manifest.load(str(out)).is_complete
    finished = {p: p.stat().st_mtime_ns for p in out.glob("shard-0000[01].*")}
    assert len(finished) == 4
    process = start(many_photos, "-o", out, *flags, "--workers", 3)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    assert finished == {p: p.stat().st_mtime_ns for p in finished}
    assert contents(out) == contents(whole)


def wait_for(path, process):
    """Waits for a file; returns the processes that were started meanwhile."""
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    return workers


@pytest.mark.slow
def test_killed_worker_is_one_sentence(many_photos, tmp_path):
    out = tmp_path / "shards"
    flags = ("--short-side", 64, "--photos-per-shard", 20, "--workers", 2)
    process = start(many_photos, "-o", out, *flags)
    wait_for(out / "shard-00000.npz", process)[-1].kill()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "A worker process was killed" in " ".join(output.split())
    assert "Traceback" not in output
    assert not list(out.glob(".*"))  # Nothing half-written.
