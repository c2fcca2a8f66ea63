"""The readout: a power of the chroma and a factor."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from keras_colorizer.networks.generator import build_generator
from keras_colorizer.networks.readout import Readout, with_readout

NARROW = {
    "small": {
        "widths": (4, 4, 8, 8, 8),
        "middle_width": 8,
        "decoder_widths": (4, 4, 8, 8),
    },
    "tiny": {},
}


@pytest.fixture(scope="module", params=NARROW)
def generator(request):
    keras.utils.set_random_seed(0)
    return build_generator(request.param, **NARROW[request.param])


@pytest.fixture
def lightness(rng):
    return rng.uniform(-1, 1, (1, 32, 32, 1)).astype("float32")


def test_chroma_of_12_keeps_its_own_under_any_power():
    ab = np.array([[[[12, 0], [0, -24], [3, 0]]]], "float32") / 110
    bold = 110 * np.asarray(Readout(power=2.0, factor=1.0)(ab))[0, 0]
    # (chroma / 12) ** (2 - 1) times ab: twice as far out, four times; a
    # quarter of 12 falls to a sixteenth.
    assert_allclose(bold, [[12, 0], [0, -48], [0.75, 0]], atol=1e-3)


def test_ab_stays_within_its_limits():
    ab = np.array([[[[0.9, -0.9], [0.0, 0.0]]]], "float32")
    bold = np.asarray(Readout(power=1.5, factor=3.0)(ab))
    assert_array_equal(bold[0, 0], [[1, -1], [0, 0]])


def test_a_new_network_has_no_readout_of_its_own(generator, lightness):
    same = with_readout(generator, power=1.0, factor=1.0)
    assert_allclose(same(lightness), generator(lightness), atol=1e-6)


def test_readouts_multiply(generator, lightness):
    once = with_readout(generator, power=1.2, factor=2.0)
    twice = with_readout(once, factor=1.5)
    expected = 1.5 * np.asarray(once(lightness))
    assert_allclose(twice(lightness), expected, atol=1e-5)


def test_a_factor_of_0_leaves_photos_grey(generator, lightness):
    grey = with_readout(generator, factor=0.0)
    assert_array_equal(grey(lightness), np.zeros((1, 32, 32, 2)))


def test_a_saved_network_keeps_its_readout(generator, lightness, tmp_path):
    bold = with_readout(generator, power=1.2, factor=1.7)
    bold.save(tmp_path / "bold.keras")
    loaded = keras.saving.load_model(tmp_path / "bold.keras")
    assert_array_equal(loaded(lightness), bold(lightness))
