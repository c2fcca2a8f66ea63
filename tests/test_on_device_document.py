"""Commands, steps and signatures of docs/on_device.md hold.

Kotlin and Swift cannot be compiled here: the calls they make are made here.
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

REPOSITORY = Path(__file__).parents[1]
DOCUMENT = (REPOSITORY / "docs/on_device.md").read_text()
MODELS = REPOSITORY / "keras_colorizer/pretrained/small"
COLORIZER = MODELS / "colorizer_float16.tflite"
AB = MODELS / "ab_float16.tflite"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, flags=re.DOTALL)


@pytest.fixture
def home(tmp_path):
    """A folder with a photo, in color so that lightness is told from luma."""
    (tmp_path / "scans").mkdir()
    photo = Image.fromarray(skimage.data.astronaut()[:300, :400])
    photo.save(tmp_path / "old.jpg")
    photo.save(tmp_path / "scans/another.jpg")
    return tmp_path


def difference(rgb, photo):
    """Levels, at most, from the colors of this package."""
    expected = Colorizer.from_preset("small").colorize(photo)
    return np.abs(np.asarray(rgb).astype(int) - expected).max()


def test_script_runs_by_the_commands_printed(home):
    install, *commands = blocks("sh")[0].splitlines()
    assert install == "pip install ai-edge-litert numpy pillow"
    for file in (REPOSITORY / "serving/on_device.py", COLORIZER):
        shutil.copy(file, home)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for command in commands:
        bash, env = ["bash", "-c", command], {"PATH": path}
        subprocess.run(bash, cwd=home, env=env, check=True)
    # One network, two ways around it: rounding of 32 bits.
    assert difference(Image.open(home / "on_device.png"), home / "old.jpg") <= 1
    assert np.shape(Image.open(home / "colored/another.jpg")) == (300, 400, 3)


def test_steps_in_numpy_give_the_colors_of_colorize(home):
    (code,) = blocks("python")
    shutil.copy(AB, home)
    subprocess.run([sys.executable, "-c", code], cwd=home, check=True)
    # The same steps in 64 bits.
    assert difference(Image.open(home / "new.png"), home / "old.jpg") <= 1


def test_interpreter_takes_pixels_by_index_as_in_kotlin(home):
    interpreter = Interpreter(str(COLORIZER))
    assert next(iter(interpreter.get_signature_list())) == "colorize"
    rgb = np.asarray(Image.open(home / "old.jpg"))[np.newaxis]
    interpreter.resize_tensor_input(0, rgb.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, rgb)
    interpreter.invoke()
    index = interpreter.get_output_details()[0]["index"]
    colored = interpreter.get_tensor(index)[0]
    assert difference(colored, home / "old.jpg") <= 1


def test_compiled_model_predicts_ab_as_in_kotlin():
    model = CompiledModel.from_file(str(AB), HardwareAccelerator.CPU)
    inputs = model.create_input_buffers(0)
    outputs = model.create_output_buffers(0)
    colorizer = Colorizer.load(AB)
    side = Interpreter(str(AB)).get_input_details()[0]["shape"][1]
    y, x = np.mgrid[:side, :side]
    lightness = np.float32(50 + 25 * np.sin(x / 20) + 20 * np.cos(y / 30))
    inputs[0].write(lightness.ravel())
    model.run_by_index(0, inputs, outputs)
    ab = outputs[0].read(side * side * 2, np.float32).reshape(side, side, 2)
    expected = colorizer.predict_ab(lightness[None, ..., None])[0]
    assert np.abs(ab - expected).max() < 1e-3


def test_signatures_are_those_in_the_table():
    interpreter = Interpreter(str(COLORIZER))
    for name in interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(name)
        for argument, details in runner.get_input_details().items():
            dtype = np.dtype(details["dtype"]).name
            row = rf"^\| [^|]* \| `{name}`.* `{argument}`: {dtype} `"
            assert re.search(row, DOCUMENT, flags=re.MULTILINE), name


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)[)#]", DOCUMENT):
        assert (REPOSITORY / "docs" / link).exists(), link
