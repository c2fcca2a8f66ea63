"""`prepare` as its users meet it: files, counts, exit codes, and kills."""

import io
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from skimage.color import rgb2lab

import keras_colorizer
from keras_colorizer.cli import commands

REPOSITORY = Path(keras_colorizer.__file__).parents[1]
SMALL = ("--short-side", "48", "--workers", "1")


@pytest.fixture
def prepare(run_main):
    """Runs the command; returns exit code, output, errors in one line."""

    def run(*arguments):
        code, out, err = run_main(
            commands.main, "keras-colorizer", "prepare", *arguments
        )
        return code, " ".join(out.split()), " ".join(err.split())

    return run


def jpegs(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*.jpg")
    }


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text())


@pytest.fixture
def mixed_folder(tmp_path):
    """One photo five times over, another one, and what cannot be trained on."""
    folder = tmp_path / "mixed"
    (folder / "a/cats").mkdir(parents=True)
    cat = Image.fromarray(skimage.data.chelsea())
    cat.save(folder / "a/cats/cat.png")
    shutil.copy(folder / "a/cats/cat.png", folder / "b_again.png")
    cat.save(folder / "low.jpg", quality=40)
    cat.reduce(2).save(folder / "small.webp", quality=90)
    cat.crop((3, 2, 449, 298)).save(folder / "cropped.png")
    Image.fromarray(skimage.data.coffee()).save(folder / "coffee.JPG")
    Image.fromarray(skimage.data.camera()).save(folder / "grey.png")
    (folder / "text.jpg").write_text("not a photo")
    (folder / "empty.png").touch()
    return folder


def test_only_different_photos_in_color_are_taken(
    prepare, mixed_folder, tmp_path
):
    out = tmp_path / "out"
    code, output, errors = prepare(mixed_folder, "-o", out, *SMALL)
    assert code == 1
    assert "2 of 9 photos" in output
    assert "text.jpg" in errors
    assert "empty.png" in errors
    files = {p.relative_to(out).as_posix() for p in out.rglob("*.*")}
    assert files == {"a/cats/cat.png.jpg", "coffee.JPG", "manifest.json"}
    counts = manifest(out)
    assert (counts["found"], counts["taken"]) == (9, 2)
    assert counts["left_out"] == {
        "unreadable": 2,
        "colorless": 1,
        "near-duplicate": 4,
    }


def test_photos_left_out_can_be_kept(prepare, mixed_folder, tmp_path):
    out = tmp_path / "out"
    keep = ("--keep-colorless", "--keep-near-duplicates")
    code, output, _ = prepare(mixed_folder, "-o", out, *SMALL, *keep)
    assert code == 1  # Two cannot be read.
    assert "7 of 9 photos" in output


def test_small_photos_are_jpegs_of_the_short_side_in_full_color(
    prepare, mixed_folder, tmp_path
):
    out = tmp_path / "out"
    prepare(mixed_folder, "-o", out, *SMALL)
    with Image.open(out / "coffee.JPG") as photo:
        assert (photo.format, photo.mode) == ("JPEG", "RGB")
        assert photo.size == (72, 48)  # From 600 x 400.
        # Sampling factors of the components: 4:4:4.
        assert [layer[1:3] for layer in photo.layer] == [(1, 1)] * 3


def test_color_is_nearer_than_in_a_usual_jpeg_of_as_many_bytes(
    prepare, tmp_path
):
    (tmp_path / "photos").mkdir()
    for name in ("astronaut", "chelsea", "coffee"):
        photo = Image.fromarray(getattr(skimage.data, name)())
        square = photo.crop((0, 0, 300, 300)).resize((288, 288))
        square.save(tmp_path / f"photos/{name}.png")
    out = tmp_path / "out"
    prepare(tmp_path / "photos", "-o", out, "--workers", "1")
    for path in (tmp_path / "photos").iterdir():
        photo, small = Image.open(path), out / f"{path.name}.jpg"
        usual = next(
            jpeg
            for quality in range(70, 96)
            if len(jpeg := usual_jpeg(photo, quality)) >= small.stat().st_size
        )
        # Clearly: the usual table for color is coarser.
        error = ab_error(photo, usual)
        assert ab_error(photo, small.read_bytes()) < 0.92 * error


def usual_jpeg(photo, quality):
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def ab_error(photo, jpeg):
    difference = rgb2lab(photo) - rgb2lab(Image.open(io.BytesIO(jpeg)))
    return np.sqrt(np.mean(difference[..., 1:] ** 2))


def test_done_photos_are_skipped_and_new_ones_taken(
    prepare, photo_folder, tmp_path
):
    whole, out, source = (tmp_path / x for x in ("whole", "out", "photos"))
    shutil.copytree(photo_folder, source)
    prepare(source, "-o", whole, *SMALL)
    shutil.move(source / "00.png", tmp_path)
    assert prepare(source, "-o", out, *SMALL)[::2] == (0, "")
    assert manifest(out)["taken"] == 11
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.jpg")}
    shutil.move(tmp_path / "00.png", source)
    code, output, errors = prepare(source, "-o", out, *SMALL)
    assert (code, errors) == (0, "")
    assert f"train.py --data {out}" in output
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert jpegs(out) == jpegs(whole)


def test_damaged_small_photos_are_made_anew(prepare, photo_folder, tmp_path):
    out = tmp_path / "out"
    prepare(photo_folder, "-o", out, *SMALL)
    whole = jpegs(out)
    (out / "03.png.jpg").write_bytes(whole["03.png.jpg"][:400])
    (out / "04.png.jpg").unlink()
    assert prepare(photo_folder, "-o", out, *SMALL)[0] == 0
    assert jpegs(out) == whole


def test_files_depend_on_neither_place_nor_time(
    prepare, photo_folder, tmp_path
):
    moved = tmp_path / "elsewhere/photos"
    moved.mkdir(parents=True)
    for path in sorted(photo_folder.iterdir(), reverse=True):
        shutil.copy(path, moved)
        os.utime(moved / path.name, (0, 0))
    prepare(photo_folder, "-o", tmp_path / "one", *SMALL)
    prepare(f"{moved}/*.png", "-o", tmp_path / "two", *SMALL)
    assert jpegs(tmp_path / "one") == jpegs(tmp_path / "two")


def test_other_settings_photos_or_files_do_not_mix(
    prepare, photo_folder, tmp_path
):
    out = tmp_path / "out"
    prepare(photo_folder, "-o", out, *SMALL)
    code, _, errors = prepare(photo_folder, "-o", out, *SMALL, "--quality", 70)
    assert code == 2
    assert "begun with other photos or settings" in errors
    assert "'quality': 80" in errors
    code, _, errors = prepare(f"{photo_folder}/0*.png", "-o", out, *SMALL)
    assert code == 2
    assert f"other photos or settings, {photo_folder} and" in errors
    (tmp_path / "manifest.json").write_text("{}")
    others = tmp_path / f".{0:032x}-unfinished.png"  # Of another process.
    others.touch()
    code, _, errors = prepare(photo_folder, "-o", tmp_path, *SMALL)
    assert code == 2
    assert "holds other files" in errors
    assert others.exists()


@pytest.mark.parametrize(
    ("output", "flags", "message"),
    [
        ("{file}/out", [], "cannot be written"),
        ("{photos}/small", [], "not inside that of the photos"),
        ("gs://bucket/out", [], "must be a folder of this machine"),
        ("{new}", ["--quality", "101"], "--quality must be between 1 and 95"),
        ("{new}", ["--short-side", "8"], "--short-side must be between 32"),
        ("{new}", ["--workers", "0"], "--workers must be at least 1"),
    ],
)
def test_impossible_commands_end_in_one_sentence(
    prepare, photo_folder, tmp_path, output, flags, message
):
    (tmp_path / "file").touch()
    output = output.format(
        file=tmp_path / "file", new=tmp_path / "new", photos=photo_folder
    )
    code, _, errors = prepare(photo_folder, "-o", output, *SMALL, *flags)
    assert code == 2
    assert message in errors
    assert errors.startswith("Error:")


def test_no_photo_fit_to_take_is_an_error(prepare, tmp_path):
    (tmp_path / "photos").mkdir()
    Image.fromarray(skimage.data.camera()).save(tmp_path / "photos/grey.png")
    out = tmp_path / "out"
    code, _, errors = prepare(tmp_path / "photos", "-o", out, *SMALL)
    assert code == 2
    assert "1 colorless" in errors


def test_tensorflow_datasets_are_prepared(prepare, photo_folder, tmp_path):
    pytest.importorskip("tensorflow_datasets", reason="an extra")
    for number, path in enumerate(sorted(photo_folder.iterdir())):
        target = tmp_path / "set" / ("train", "test")[number % 2] / "a"
        target.mkdir(parents=True, exist_ok=True)
        Image.open(path).save(target / f"{number}.jpg", quality=95)
    out = tmp_path / "out"
    code, output, _ = prepare(f"tfds:{tmp_path}/set", "-o", out, *SMALL)
    assert code == 0
    assert "12 of 12 photos" in output
    assert {f"{x}-{n}.jpg" for x in ("test", "train") for n in range(6)} == set(
        jpegs(out)
    )


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


def wait_for_photos(out, process):
    deadline = time.monotonic() + 300
    while len(list(out.glob("*.jpg"))) < 10:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_killed_preparation_goes_on_to_the_same_files(many_photos, tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "killed"
    process = start(many_photos, "-o", whole, *SMALL)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    flags = ("--short-side", 48, "--workers")
    process = start(many_photos, "-o", out, *flags, 2)
    wait_for_photos(out, process)
    process.kill()  # SIGKILL: no handler runs.
    process.communicate(timeout=60)
    assert manifest(out)["found"] == 0
    # As one that was being written.
    (out / f".{'a1' * 16}-unfinished.jpg").touch()
    finished = {p: p.stat().st_mtime_ns for p in out.glob("[0-9]*.jpg")}
    assert 10 <= len(finished) < 300
    process = start(many_photos, "-o", out, *flags, 3)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert finished == {p: p.stat().st_mtime_ns for p in finished}
    assert jpegs(out) == jpegs(whole)
    assert len(jpegs(out)) == 300
