"""Several devices give what one gives, and wrong settings are named."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_colorizer import ConfigError, TrainingConfig
from keras_colorizer.training import devices

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="module")
def trained(photo_folder, tmp_path_factory):
    """Trainings on one device and on two; one process for all."""
    runs = tmp_path_factory.mktemp("runs")
    done = subprocess.run(
        [sys.executable, FIXTURES / "mirrored_steps.py", photo_folder, runs],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert "2 x CPU" in done.stdout
    assert "(mirrored)" in done.stdout
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_two_devices_train_as_one_at_the_same_global_batch(trained):
    one, two = trained["one"], trained["two"]
    assert two["steps"] == one["steps"] == 6
    for step, expected in zip(two["losses"], one["losses"], strict=True):
        assert step.keys() == expected.keys()
        for name, loss in expected.items():
            # Sums of other order: a few units in float32's last place.
            np.testing.assert_allclose(step[name], loss, rtol=2e-6)
    np.testing.assert_allclose(two["weights"], one["weights"], atol=3e-6)


@pytest.mark.slow
def test_devices_drop_out_differently_but_can_be_saved_as_one(trained):
    dropout = trained["dropout"]
    assert dropout["change"] > 0.01
    for first, second in dropout["states"]:
        assert first == second
        assert first[1] == 1  # Drawn once.


@pytest.mark.slow
def test_runs_on_two_devices_equal_those_on_one(trained):
    single, mirrored = trained["runs"]
    for row, expected in zip(mirrored, single, strict=True):
        assert row.keys() == expected.keys()
        for name in row.keys() - {"stage", "seconds"}:
            # Adam divides by the gradient's own size, and two networks train
            # against each other: noise in the seventh digit grows.
            np.testing.assert_allclose(row[name], expected[name], rtol=2e-3)


@pytest.mark.slow
def test_two_devices_take_a_data_set_of_photos(trained):
    assert len(trained["photos"]) == 2
    assert np.isfinite(trained["photos"]).all()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"batch_size": 5}, "multiple of the number of devices, 2.*: 5"),
        ({"precision": "float16"}, "float16 is for one device"),
        ({"jit_compile": True}, "--jit-compile is for one device"),
    ],
)
def test_what_several_devices_cannot_do_is_refused(settings, complaint):
    with pytest.raises(ConfigError, match=complaint):
        devices.check_suits(TrainingConfig(**settings), 2)
