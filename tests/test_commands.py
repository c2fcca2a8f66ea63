"""The command lines as their users meet them: files, words, exit codes."""

import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tifffile
from fixtures.embedded_server import PATIENCE, serving
from PIL import Image

import keras_colorizer
from keras_colorizer.cli import commands
from keras_colorizer.errors import EXTRAS

REPOSITORY = Path(keras_colorizer.__file__).parents[1]
PROGRAMS = {
    "keras-colorizer": ["-m", "keras_colorizer"],
    "train.py": ["train.py"],
    "export.py": ["export.py"],
    "client.py": ["serving/client.py"],
}


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
    """Runs `train`; returns exit code and errors in one line."""

    def run(*arguments):
        words = ("keras-colorizer", "train", *arguments)
        code, _, err = run_main(commands.main, *words)
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


def test_bad_photos_are_named_and_the_others_written(command, scans, tmp_path):
    (scans / "text.jpg").write_text("not a photo")
    (scans / "empty.png").touch()
    whole = (scans / "a.jpg").read_bytes()
    (scans / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    out = tmp_path / "out"
    code, output, errors = command("colorize", scans, "-o", out)
    assert code == 1
    assert "3 of 6 colored" in output
    for name in ("text.jpg", "empty.png", "cut.jpg"):
        assert name in errors
    written = {p.relative_to(out) for p in out.rglob("*.*")}
    assert {str(p) for p in written} == {
        "a.jpg",
        "1950/b.PNG",
        "1950/summer/c.tif",
    }
    for path in written:
        with Image.open(out / path) as result:
            assert (result.size, result.mode) == ((64, 48), "RGB")


def test_max_pixels_is_a_limit(command, scans, tmp_path):
    arguments = ("colorize", scans / "a.jpg", "-o", tmp_path / "out")
    assert command(*arguments, "--max-pixels", 64 * 48 - 1)[0] == 1
    assert command(*arguments, "--max-pixels", 64 * 48)[0] == 0


def test_16_bit_scan_stays_16_bit(command, tmp_path):
    levels = (np.arange(64 * 48, dtype="uint16") * 20).reshape(48, 64)
    Image.fromarray(levels).save(tmp_path / "scan.png")
    out = tmp_path / "out.tif"
    assert command("colorize", tmp_path / "scan.png", "-o", out)[0] == 0
    assert tifffile.imread(out).dtype == np.uint16


def test_color_photos_get_a_note(command, tmp_path):
    Image.fromarray(skimage.data.coffee()).save(tmp_path / "coffee.png")
    code, _, errors = command(
        "colorize", tmp_path / "coffee.png", "-o", tmp_path / "out"
    )
    assert code == 0
    assert "1 in color already" in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["colorize"], "Name at least one photo"),
        (["colorize", "nowhere.jpg"], "nowhere.jpg"),
        (["colorize", "{scans}", "-o", "one.png"], "one file, but there are 3"),
        (["colorize", "{scans}", "--saturation", "-1"], "saturation"),
        (["colorize", "{scans}", "--max-pixels", "0"], "--max-pixels"),
        (["colorize", "{scans}", "--sharpen"], "sharpen"),
        (["paint"], "no command `paint`: choose from colorize, serve"),
    ],
)
def test_wrong_command_lines_exit_with_2(command, scans, arguments, message):
    arguments = [argument.format(scans=scans) for argument in arguments]
    code, output, errors = command(*arguments)
    assert code == 2
    assert message in output + errors


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_without_a_command_five_things_to_do_are_shown(run_main, words):
    code, out, _ = run_main(commands.main, "keras-colorizer", *words)
    assert code == 0
    shown = re.findall(r"^  keras-colorizer (\w+) ", out, re.MULTILINE)
    assert shown == ["colorize", "colorize", "serve", "train", "export"]
    assert all(len(line) < 80 for line in out.splitlines())
    assert all(name in out for name in commands.COMMANDS)


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_help_names_values_as_one_types_them(run_main, name):
    _, out, _ = run_main(commands.main, "keras-colorizer", name, "--help")
    assert "None" not in out
    assert not re.search(r"-[a-z-]+ \[?(STR|\{None)", out)


def test_ctrl_c_says_what_was_done(run_main, monkeypatch, photo_folder):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras_colorizer.exporting.export.export_run", stop)
    monkeypatch.setattr(
        "keras_colorizer.evaluation.evaluate.evaluate_models", stop
    )
    monkeypatch.setattr("keras_colorizer.data.preparation.prepare_photos", stop)
    monkeypatch.setattr("keras_colorizer.training.run.survey_photos", stop)
    code, out, _ = run_main(commands.main, "keras-colorizer", "train")
    assert code == 130
    assert "Stopped while looking at the photos: nothing is trained" in out
    for words, state in (
        (("evaluate", "--data", photo_folder), "no report written"),
        (("prepare", photo_folder, "-o", "small"), "stay in `small`"),
        (("export", "--run", photo_folder), "`exported` is whole"),
    ):
        code, _, err = run_main(commands.main, "keras-colorizer", *words)
        assert code == 130
        assert "Stopped: " in err
        assert state in " ".join(err.split())


@pytest.mark.slow
def test_serve_says_on_ctrl_c_that_it_finished():
    with serving() as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(PATIENCE) == 0
        told = server.process.stdout.read()
    assert told == "Stopped, after finishing what was accepted.\n"


def version_of(*words):
    return subprocess.run(
        [sys.executable, *words, "--version"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_tells_its_version(program):
    expected = f"keras-colorizer {keras_colorizer.__version__}\n"
    assert version_of(*PROGRAMS[program]) == expected


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_tells_its_version_and_its_flags(run_main, name):
    for flag, words in (
        ("--version", keras_colorizer.__version__),
        ("--help", f"usage: keras-colorizer {name}"),
    ):
        code, out, _ = run_main(commands.main, "keras-colorizer", name, flag)
        assert code == 0
        assert words in out


@pytest.mark.parametrize(("library", "extra"), EXTRAS.items())
def test_a_missing_library_is_named_with_its_extra(
    run_main, monkeypatch, library, extra
):
    def import_module(_):
        raise ModuleNotFoundError("No such module", name=f"{library}.part")

    monkeypatch.setattr(commands, "import_module", import_module)
    code, _, err = run_main(commands.main, "keras-colorizer", "serve")
    assert code == 2
    assert f'pip install "keras-colorizer[{extra}]"' in err


def test_all_extras_are_those_of_the_project():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    extras = set(project["project"]["optional-dependencies"])
    assert extras == {*EXTRAS.values(), "all"}


def test_model_that_is_not_there_exits_with_2(command, scans, tmp_path):
    code, _, errors = command("colorize", scans, model=tmp_path / "no_model")
    assert code == 2
    assert "no_model" in errors


def test_without_a_model_the_pretrained_one_colors(command, scans, tmp_path):
    photos = []
    for name, flags in (("plain", []), ("auto", ["--saturation", "auto"])):
        out = tmp_path / f"{name}.png"
        words = ("colorize", scans / "a.jpg", "-o", out, *flags)
        assert command(*words, model=None)[0] == 0
        photos.append(np.asarray(Image.open(out), "float32"))
    chroma = [np.ptp(photo, axis=-1).mean() for photo in photos]
    assert chroma[1] > 1.2 * chroma[0] > 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "unet_512"], "choose one of"),
        (["--image-size", "200", "--preset", "unet_256"], "multiple of 256"),
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
        ["-m", "keras_colorizer", "colorize", "{photo}", "-o", "{out}"],
        ["-c", "import keras_colorizer"],
    ],
    ids=" ".join,
)
def test_tensorflow_is_not_imported_before_it_is_needed(
    arguments, scans, tmp_path
):
    names = {"photo": scans / "a.jpg", "out": tmp_path / "out"}
    words = [word.format(**names) for word in arguments]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    imported = {line.split("|")[-1].strip() for line in done.stderr.split("\n")}
    assert "keras_colorizer" in imported
    others = {"tensorflow", "keras", "skimage", "psutil", "httpx", "starlette"}
    assert not others & imported
