"""Every command, snippet and table of docs/on_device.md holds.

Kotlin and Swift cannot be compiled here: what they rely on is tried in Python.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.hardware_accelerator import HardwareAccelerator
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from keras_colorizer import Colorizer
from keras_colorizer.exporting.tflite.delegates import assert_gpu_ready
from keras_colorizer.exporting.tflite.flatbuffer import operators
from keras_colorizer.pretrained import DEFAULT, FOLDER

REPOSITORY = Path(__file__).parents[1]
DOCUMENT = (REPOSITORY / "docs/on_device.md").read_text()
MODELS = FOLDER / DEFAULT
COLORIZER, AB = "colorizer_float16.tflite", "ab_float16.tflite"
PACKAGES = {"ai-edge-litert", "numpy", "pillow"}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, flags=re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture
def photo(tmp_path):
    """A user's photo, in color so that lightness has to be told from luma."""
    path = tmp_path / "old.jpg"
    Image.fromarray(skimage.data.astronaut()[:300, :400]).save(path)
    return path


def difference(result, photo):
    """Levels, at most, from what this package makes of a photo."""
    expected = Colorizer.from_preset(DEFAULT).colorize(photo)
    with Image.open(result) as image:
        return np.abs(np.asarray(image).astype(int) - expected).max()


def test_no_command_is_left_out():
    install, one, several, golden = COMMANDS
    assert install == "pip install ai-edge-litert numpy pillow"
    assert one.startswith("python on_device.py ")
    assert several.startswith("python on_device.py ")
    assert golden == "python ondevice/golden/make_golden.py"


def test_make_knows_how_to_build_the_page():
    assert "`make web`" in DOCUMENT
    make = ["make", "--dry-run", "web"]
    subprocess.run(make, cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)


@pytest.mark.slow
def test_script_runs_where_three_packages_are_installed(tmp_path, photo):
    """In a fresh environment and folder, by the commands printed."""
    python = fresh_environment(tmp_path / "environment")
    home = tmp_path / "home"
    (home / "scans").mkdir(parents=True)
    shutil.copy(REPOSITORY / "serving/on_device.py", home)
    shutil.copy(MODELS / COLORIZER, home)
    shutil.copy(photo, home / "scans")
    large = Image.open(photo).resize((1300, 900))
    large.save(home / "old.jpg")  # So that strips are merged, too.
    for command in COMMANDS[1:3]:
        run_as_printed(command, home, python)
    with Image.open(home / "colored/old.jpg") as image:
        assert image.size == (400, 300)
    # One network, two ways around it: rounding of 32 bits.
    assert difference(home / "new.png", home / "old.jpg") <= 1
    # What came along is what these three ask for.
    installed = packages_of(python)
    assert installed >= PACKAGES
    assert not installed & {"tensorflow", "keras", "keras-colorizer"}


def fresh_environment(folder):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin/python"
    install = COMMANDS[0].split()
    done = subprocess.run(
        [python, "-m", *install, "--disable-pip-version-check"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"pip cannot install: {done.stderr.splitlines()[-1]}")
    return python


def clean_environment():
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}


def run_as_printed(command, home, python):
    path = f"{python.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=home,
        env=clean_environment() | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def packages_of(python):
    done = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.split("==")[0].lower() for line in done.stdout.splitlines()}


def test_steps_in_numpy_give_the_colors_of_colorize(tmp_path, photo):
    (code,) = blocks("python")
    shutil.copy(MODELS / AB, tmp_path)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    # The same steps in 64 bits.
    assert difference(tmp_path / "new.png", photo) <= 1


@pytest.mark.slow
def test_golden_vectors_are_made_by_the_command_printed(tmp_path):
    shutil.copytree(
        REPOSITORY / "ondevice/golden", tmp_path / "ondevice/golden"
    )
    for made in (tmp_path / "ondevice/golden").glob("*.json"):
        made.unlink()
    run_as_printed(COMMANDS[-1], tmp_path, Path(sys.executable))
    made = {p.name for p in (tmp_path / "ondevice/golden").glob("*.json")}
    assert made == {"color.json", "chroma.json", "model.json"}


def test_interpreter_takes_pixels_by_index_as_in_kotlin(photo):
    interpreter = Interpreter(str(MODELS / COLORIZER))
    assert next(iter(interpreter.get_signature_list())) == "colorize"
    rgb = np.asarray(Image.open(photo))[np.newaxis]
    interpreter.resize_tensor_input(0, rgb.shape)
    interpreter.allocate_tensors()
    assert interpreter.get_input_details()[0]["dtype"] == np.uint8
    interpreter.set_tensor(0, rgb)
    interpreter.invoke()
    index = interpreter.get_output_details()[0]["index"]
    expected = Colorizer.from_preset(DEFAULT).colorize(photo)
    colored = interpreter.get_tensor(index)[0].astype(int)
    assert np.abs(colored - expected).max() <= 1


def test_compiled_model_predicts_ab_as_in_kotlin():
    model = CompiledModel.from_file(
        str(MODELS / AB), hardware_accel=HardwareAccelerator.CPU
    )
    inputs = model.create_input_buffers(0)
    outputs = model.create_output_buffers(0)
    y, x = np.mgrid[:128, :128]
    lightness = np.float32(50 + 25 * np.sin(x / 20) + 20 * np.cos(y / 30))
    inputs[0].write(lightness.ravel())
    model.run_by_index(0, inputs, outputs)
    ab = outputs[0].read(128 * 128 * 2, np.float32).reshape(128, 128, 2)
    colorizer = Colorizer.load(MODELS / AB)
    expected = colorizer.predict_ab(lightness[None, ..., None])[0]
    assert np.abs(ab - expected).max() < 1e-3


def test_signatures_are_those_in_the_table():
    row = re.compile(
        r"^\| [^|]* \| `(\w+)`[^|]* \| `(\w+)`: (\w+) `(.*?)`", re.M
    )
    table = {name: rest for name, *rest in row.findall(DOCUMENT)}
    interpreter = Interpreter(str(MODELS / COLORIZER))
    assert table.keys() == interpreter.get_signature_list().keys()
    for name, (argument, dtype, shape) in table.items():
        runner = interpreter.get_signature_runner(name)
        (found,) = runner.get_input_details().items()
        assert found[0] == argument
        assert found[1]["dtype"] == np.dtype(dtype)
        written = shape.replace("h", "-1").replace("w", "-1")
        sides = re.findall(r"-?\d+|s", written)
        signature = [str(side) for side in found[1]["shape_signature"]]
        assert signature == [side.replace("s", "128") for side in sides]


def test_operations_named_are_those_of_the_file():
    content = (MODELS / AB).read_bytes()
    assert_gpu_ready(content)
    (listed,) = re.findall(r"It uses ((?:`[A-Z_0-9]+`[, and\n]*)+)", DOCUMENT)
    used = set(operators(content)["predict_ab"])
    assert set(re.findall(r"`(\w+)`", listed)) == used


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)[)#]", DOCUMENT):
        assert (REPOSITORY / "docs" / link).exists(), link
    anchors = {
        line.strip("# ").lower().replace(" ", "-")
        for line in DOCUMENT.splitlines()
        if line.startswith("#")
    }
    for anchor in re.findall(r"\]\(#([^)]+)\)", DOCUMENT):
        assert anchor in anchors
