"""The recipe that chooses a readout."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from keras_colorizer.errors import TrainingError
from keras_colorizer.evaluation.summary import Estimate, Row
from keras_colorizer.pretrained import DEFAULT, TFLITE, pretrained_file

SCRIPT = Path(__file__).parents[1] / "recipes/choose_readout.py"


@pytest.fixture(scope="module")
def recipe():
    spec = importlib.util.spec_from_file_location("choose_readout", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def curve(psnr_gain, *ciede2000_gains):
    """At 60, 75, 85 and 90 %."""
    rows = zip(("60%", "75%", "85%", "90%"), ciede2000_gains, strict=False)
    psnr = {"psnr_gain": Estimate(psnr_gain)}
    return [Row(n, {**psnr, "ciede2000_gain": Estimate(g)}) for n, g in rows]


@pytest.mark.parametrize(
    ("bolder", "power"),
    [
        ((0.70, 0.9, 0.9, 0.0, 0.5), 1.4),  # 2.3 against 2.2.
        ((0.70, 0.9, 0.7, 9.9, 0.5), 1.0),  # 85 % does not count.
        ((0.61, 0.9, 0.9, 0.0, 0.5), 1.4),  # A tenth of a decibel is little,
        ((0.59, 0.9, 0.9, 0.0, 0.5), 1.0),  # and no more than that.
    ],
)
def test_the_largest_sum_at_60_75_and_90_is_chosen(recipe, bolder, power):
    plain = curve(0.7, 0.9, 0.8, 0.7, 0.5)
    assert recipe.choose_power({1.0: plain, 1.4: curve(*bolder)}) == power


def test_a_network_that_reaches_no_90_percent_is_refused(recipe):
    with pytest.raises(TrainingError, match="90%"):
        recipe.choose_power({1.0: curve(0.7, 0.9, 0.8, 0.7)})


@pytest.mark.slow
def test_two_looks_are_printed_the_vivid_one_bolder(photo_folder, tmp_path):
    model = pretrained_file(DEFAULT, TFLITE)
    done = subprocess.run(
        [sys.executable, SCRIPT, model, photo_folder],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    looks = re.findall(r"(\w+): power=(\S+), factor=(\S+)", done.stdout)
    (calm, power, weak), (vivid, same_power, strong) = looks
    assert (calm, vivid) == ("calm", "vivid")
    assert power == same_power
    assert float(weak) < float(strong)
