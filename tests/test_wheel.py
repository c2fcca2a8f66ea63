"""The wheel, in an environment with its base dependencies alone."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

import keras_colorizer
from keras_colorizer import Colorizer

REPOSITORY = Path(keras_colorizer.__file__).parents[1]
UNREACHABLE = ("name resolution", "NewConnectionError", "ConnectTimeoutError")
LARGEST = 300e6  # Bytes, of all that is installed.
URL = "http://localhost:8501/v1/models/colorizer"

pytestmark = pytest.mark.slow


def run(*words, folder):
    """Runs a program that sees nothing of this checkout."""
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built of a copy: the build folder of an earlier one would get into it."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder)
    code = REPOSITORY / "keras_colorizer"
    shutil.copytree(code, folder / code.name)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"]
    subprocess.run([*pip, "-w", folder, folder], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of programs of an environment that holds the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    pip = [folder / "bin/python", "-m", "pip", "install", "--quiet"]
    done = run(*pip, wheel, folder=folder)
    if any(words in done.stderr for words in UNREACHABLE):
        pytest.skip("pip reaches no index.")
    assert done.returncode == 0, done.stderr
    return folder / "bin"


@pytest.fixture
def photo(tmp_path):
    camera = skimage.data.camera()[::2, ::2]
    Image.fromarray(camera).save(tmp_path / "old.png")
    return tmp_path / "old.png"


def test_the_wheel_holds_weights_types_and_what_is_served(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = REPOSITORY / "keras_colorizer"
    expected = [package / "py.typed", package / "chroma/steps.tflite"]
    expected += (package / "pretrained/small").iterdir()
    expected += (package / "serving").glob("*.html")
    # The web app, where it was built.
    expected += (p for p in (package / "serving/web").rglob("*") if p.is_file())
    missing = {str(p.relative_to(REPOSITORY)) for p in expected} - names
    assert not missing
    assert not [name for name in names if name.startswith("tests")]


def test_it_colors_outside_the_checkout(installed, photo, tmp_path):
    out = tmp_path / "new.png"
    command = installed / "keras-colorizer"
    done = run(command, "colorize", photo, "-o", out, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    expected = Colorizer.from_preset("small").colorize(photo)
    with Image.open(out) as result:
        difference = np.int16(result) - np.int16(expected)
    # Newer libraries may round otherwise.
    assert np.abs(difference).max() <= 1


def test_it_takes_less_than_300_megabytes(installed):
    files = [p for p in installed.parent.rglob("*") if p.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST
    packages = {path.name for path in installed.parent.glob("lib/*/*/*")}
    assert not {"tensorflow", "keras", "httpx", "ray"} & packages


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["train"], "train"),
        (["export", "--run", "."], "train"),
        (["evaluate", "--data", "."], "train"),
        (["prepare", ".", "-o", "small"], "train"),
        (["colorize", ".", "--model", "run/generator.keras"], "train"),
        (["colorize", ".", "--model", URL], "client"),
        (["colorize", ".", "--engine", "ray"], "ray"),
        (["serve"], "serve"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_missing_extra_is_one_sentence(
    installed, photo, tmp_path, words, extra
):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/generator.keras").write_bytes(b"Needs Keras to tell.")
    done = run(installed / "keras-colorizer", *words, folder=tmp_path)
    assert done.returncode == 2, done.stderr
    line = rf'^Error: .*pip install "keras-colorizer\[{extra}\]"\.?\n$'
    assert re.match(line, done.stderr), done.stderr


def test_without_the_extra_python_names_it_too(installed, tmp_path):
    code = "import keras_colorizer; keras_colorizer.train"
    done = run(installed / "python", "-c", code, folder=tmp_path)
    assert "MissingExtraError" in done.stderr
    assert 'pip install "keras-colorizer[train]"' in done.stderr


def test_the_client_runs_from_anywhere(installed, tmp_path):
    shutil.copy(REPOSITORY / "serving/client.py", tmp_path)
    words = (installed / "python", "client.py", "--version")
    done = run(*words, folder=tmp_path)
    expected = f"keras-colorizer {keras_colorizer.__version__}\n"
    assert done.stdout == expected
