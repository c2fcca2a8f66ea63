"""The scripts that measure the server, run for a moment."""

import subprocess
import sys

import pytest

from keras_colorizer import Colorizer
from keras_colorizer.exporting import MAX_PIXELS
from keras_colorizer.exporting.saved_model import write_saved_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base_path(tiny_run, tmp_path_factory):
    base = tmp_path_factory.mktemp("colorizer")
    network = Colorizer.load(tiny_run.run_dir).network
    write_saved_model(network, base / "1", max_pixels=MAX_PIXELS)
    return base


def output_of(script, *options):
    command = [sys.executable, f"benchmarks/{script}", *map(str, options)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_the_server_is_measured_beside_the_bare_model(base_path):
    output = output_of(
        "serving.py",
        *("--model", base_path, "--clients", 1, 3),
        *("--duration", 0.2, "--repeats", 1),
    )
    for side in ("256 x 256", "1024 x 1024"):
        assert f"| clients, {side}" in output
        assert f"| one photo, {side}" in output
    assert output.count("The goal of 90%") == 2


def test_a_soak_passes(base_path):
    output = output_of(
        "soak.py", *("--model", base_path, "--minutes", 0.03, "--clients", 4)
    )
    assert output.count("PASS: ") == 4
