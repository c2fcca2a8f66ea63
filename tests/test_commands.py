"""The command lines as their users meet them: files, words, exit codes."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

import keras_colorizer
from keras_colorizer.cli import commands
from keras_colorizer.cli import train as train_command

REPOSITORY = Path(keras_colorizer.__file__).parents[1]


@pytest.fixture
def command(run_main, tiny_run):
    """Runs `keras-colorizer`; returns exit code, output, errors in one line."""

    def run(*arguments, model=tiny_run.run_dir):
        chosen = () if model is None else ("--model", model)
        code, out, err = run_main(
            commands.main, "keras-colorizer", *arguments, *chosen
        )
        return code, " ".join(out.split()), " ".join(err.split())

    return run


@pytest.fixture
def train(run_main):
    """Runs `train.py`; returns exit code and errors in one line."""

    def run(*arguments):
        code, _, err = run_main(train_command.main, "train.py", *arguments)
        return code, " ".join(err.split())

    return run


@pytest.fixture
def scans(tmp_path):
    """A shoebox: a tree of three photos."""
    camera = Image.fromarray(skimage.data.camera()).resize((64, 48))
    for name in ("a.jpg", "1950/b.PNG", "1950/summer/c.tif"):
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        camera.save(path)
    return tmp_path / "scans"


def files(folder):
    return {
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.is_file()
    }


def png_bomb(path, side):
    """A PNG of zeros, compressed: kilobytes that decode to gigabytes."""

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return (
            struct.pack(">I", len(data))
            + kind
            + data
            + struct.pack(">I", check)
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * 100), 9)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


def test_folder_keeps_its_tree(command, scans, tmp_path):
    out = tmp_path / "colored"
    code, output, _ = command("colorize", scans, "-o", out)
    assert code == 0
    assert "3 of 3 colored" in output
    assert files(out) == {"a.jpg", "1950/b.PNG", "1950/summer/c.tif"}
    for file in files(out):
        assert Image.open(out / file).size == (64, 48)
        assert Image.open(out / file).mode == "RGB"


def test_existing_results_are_skipped_unless_overwritten(
    command, scans, tmp_path
):
    out = tmp_path / "colored"
    command("colorize", scans, "-o", out)
    (out / "a.jpg").write_text("kept")
    code, output, errors = command("colorize", scans, "-o", out)
    assert code == 0
    assert "3 skipped" in errors
    assert (out / "a.jpg").read_text() == "kept"
    command("colorize", scans, "-o", out, "--overwrite")
    assert Image.open(out / "a.jpg").size == (64, 48)


def test_bad_photos_are_named_and_the_others_written(command, scans, tmp_path):
    (scans / "text.jpg").write_text("not a photo")
    (scans / "empty.png").touch()
    png_bomb(scans / "bomb.png", 30_000)
    whole = (scans / "a.jpg").read_bytes()
    (scans / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    code, output, errors = command("colorize", scans, "-o", tmp_path / "out")
    assert code == 1
    assert "3 of 7 colored" in output
    for name in ("text.jpg", "empty.png", "bomb.png", "cut.jpg"):
        assert name in errors
    assert "30000 x 30000 pixels" in errors
    assert len(files(tmp_path / "out")) == 3


def test_max_pixels_is_a_limit(command, scans, tmp_path):
    arguments = ("colorize", scans / "a.jpg", "-o", tmp_path / "out")
    assert command(*arguments, "--max-pixels", 64 * 48 - 1)[0] == 1
    assert command(*arguments, "--max-pixels", 64 * 48)[0] == 0


def test_suffix_of_the_output_chooses_the_format(command, scans, tmp_path):
    target = tmp_path / "result.webp"
    assert command("colorize", scans / "a.jpg", "-o", target)[0] == 0
    assert Image.open(target).format == "WEBP"


def test_gif_becomes_png(command, scans, tmp_path):
    Image.open(scans / "a.jpg").save(tmp_path / "old.gif")
    out = tmp_path / "out"
    assert command("colorize", tmp_path / "old.gif", "-o", out)[0] == 0
    assert files(out) == {"old.png"}


def test_16_bit_scan_stays_16_bit(command, tmp_path):
    levels = (np.arange(64 * 48, dtype="uint16") * 20).reshape(48, 64)
    Image.fromarray(levels).save(tmp_path / "scan.png")
    out = tmp_path / "out.tif"
    assert command("colorize", tmp_path / "scan.png", "-o", out)[0] == 0
    tifffile = pytest.importorskip("tifffile")
    assert tifffile.imread(out).dtype == np.uint16


def test_color_photos_get_a_note(command, tmp_path):
    Image.fromarray(skimage.data.coffee()).save(tmp_path / "coffee.png")
    code, _, errors = command(
        "colorize", tmp_path / "coffee.png", "-o", tmp_path / "out"
    )
    assert code == 0
    assert "1 in color already" in errors


def test_results_in_the_folder_are_not_colored_again(command, scans):
    out = scans / "colored"
    assert command("colorize", scans, "-o", out)[0] == 0
    assert command("colorize", scans, "-o", out, "--overwrite")[0] == 0
    assert len(files(out)) == 3


def test_photo_named_itself_is_colored_beside_itself_or_refused(
    command, scans, monkeypatch
):
    monkeypatch.chdir(scans)
    code, _, errors = command("colorize", "a.jpg", "-o", ".", "--overwrite")
    assert code == 1
    assert "replaced by its own result" in errors
    assert command("colorize", "1950/b.PNG", "-o", ".")[0] == 0
    assert Image.open("b.PNG").mode == "RGB"


def test_failed_photo_with_an_older_result_is_not_counted(
    command, scans, tmp_path
):
    out = tmp_path / "out"
    command("colorize", scans, "-o", out)
    (scans / "a.jpg").write_text("damaged since")
    code, output, _ = command("colorize", scans, "-o", out, "--overwrite")
    assert code == 1
    assert "2 of 3 colored" in output


def test_two_photos_of_one_name_do_not_replace_each_other(
    command, scans, tmp_path
):
    twin = tmp_path / "other" / "a.jpg"
    twin.parent.mkdir()
    Image.open(scans / "a.jpg").save(twin)
    code, _, errors = command(
        "colorize", scans / "a.jpg", twin, "-o", tmp_path / "out"
    )
    assert code == 1
    assert "would both become" in errors


def test_unwritable_output_is_named(command, scans, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, _, errors = command(
        "colorize", scans / "a.jpg", "-o", tmp_path / "file" / "out"
    )
    assert code == 1
    assert "cannot be written" in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["colorize"], "Name at least one photo"),
        (["colorize", "nowhere.jpg"], "nowhere.jpg"),
        (["colorize", "{scans}", "-o", "one.png"], "one file, but there are 3"),
        (["colorize", "{scans}", "--saturation", "-1"], "saturation"),
        (["colorize", "{scans}", "--max-pixels", "0"], "--max-pixels"),
        (["colorize", "{scans}", "--sharpen"], "sharpen"),
        (["paint"], "paint"),
    ],
)
def test_wrong_command_lines_exit_with_2(command, scans, arguments, message):
    arguments = [argument.format(scans=scans) for argument in arguments]
    code, output, errors = command(*arguments)
    assert code == 2
    assert message in output + errors


def test_model_that_is_not_there_exits_with_2(command, scans, tmp_path):
    code, _, errors = command("colorize", scans, model=tmp_path / "no_model")
    assert code == 2
    assert "no_model" in errors


def test_without_a_model_the_pretrained_one_colors(command, scans, tmp_path):
    code, _, errors = command(
        "colorize", scans, "-o", tmp_path / "out", model=None
    )
    (written, *_) = sorted((tmp_path / "out").rglob("*.*"))
    assert np.ptp(np.asarray(Image.open(written)), axis=-1).max() > 10, errors


def test_automatic_saturation_changes_the_colors(command, scans, tmp_path):
    photos = []
    for name, flags in (("plain", []), ("auto", ["--saturation", "auto"])):
        folder = tmp_path / name
        command("colorize", scans, "-o", folder, *flags, model=None)
        (path, *_) = sorted(folder.rglob("*.*"))
        photos.append(np.asarray(Image.open(path), "float32"))
    assert not np.array_equal(*photos)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "unet_512"], "choose one of"),
        (["--image-size", "200"], "multiple of 256"),
        (["--data", "nowhere"], "nowhere"),
        (["--data", "tfds:no_such_set"], "tfds:no_such_set"),
        (["--epochs", "many"], "epochs"),
        (["--resume", "--run-dir", "nowhere"], "holds no run"),
        (["--preset", "tiny", "--image-size", "0"], "Received: 0"),
    ],
)
def test_wrong_training_flags_exit_with_2(train, arguments, message):
    code, errors = train(*arguments)
    assert code == 2
    assert message in errors


def test_unwritable_run_folder_is_named(train, photo_folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, errors = train(
        *("--data", photo_folder, "--preset", "tiny", "--batch-size", "4"),
        *("--epochs", "1", "--run-dir", tmp_path / "file" / "run"),
    )
    assert code == 1
    assert "file" in errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["train.py", "--help"],
        ["train.py", "--preset", "unet_512"],
        ["-m", "keras_colorizer", "colorize", "--help"],
        ["-c", "import keras_colorizer"],
    ],
    ids=" ".join,
)
def test_tensorflow_is_not_imported_before_it_is_needed(arguments):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    imported = {line.split("|")[-1].strip() for line in done.stderr.split("\n")}
    assert "keras_colorizer" in imported
    assert not {"tensorflow", "keras", "skimage"} & imported
