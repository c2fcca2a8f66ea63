"""The recipe that chooses a saturation."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from keras_colorizer.errors import TrainingError
from keras_colorizer.pretrained import DEFAULT, KERAS, pretrained_file

SCRIPT = Path(__file__).parents[1] / "recipes/choose_saturation.py"


@pytest.fixture(scope="module")
def recipe():
    spec = importlib.util.spec_from_file_location("choose_saturation", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Dataclasses look their module up.
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def factors(recipe, *gains_and_shares):
    return [
        recipe.Factor(1 + i / 10, 0.5, gain, share)
        for i, (gain, share) in enumerate(gains_and_shares)
    ]


def test_the_nearest_of_the_bold_is_chosen(recipe):
    measured = factors(recipe, (1.0, 0.55), (0.8, 0.6), (0.9, 0.65), (0.7, 0.7))
    assert recipe.choose(measured, least_share=0.6).saturation == 1.2


def test_too_shy_a_network_is_refused(recipe):
    measured = factors(recipe, (1.0, 0.3), (0.8, 0.59))
    with pytest.raises(TrainingError, match="60%"):
        recipe.choose(measured, least_share=0.6)


@pytest.mark.slow
def test_more_saturation_is_more_colorful(photo_folder, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            SCRIPT,
            pretrained_file(DEFAULT, KERAS),
            photo_folder,
            "--least-share",
            "0",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    shares = [int(found) for found in re.findall(r"(\d+)%", done.stdout)]
    assert len(shares) == 13
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]
    assert re.search(r"--saturation 1(\.\d+)?$", done.stdout.strip())
