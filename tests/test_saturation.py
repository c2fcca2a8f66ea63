"""Saturation: a factor, or as much as natural photos have."""

import numpy as np
import pytest
import skimage.data
from skimage.color import rgb2lab

from keras_colorizer import Colorizer, ConfigError
from keras_colorizer.chroma.saturation import NATURAL_CHROMA


class OneColor:
    """A network that paints the same ab everywhere."""

    render_size = 32

    def __init__(self, *ab):
        self.ab = np.array(ab, "float32")

    def predict_ab(self, lightness):
        return np.broadcast_to(self.ab, (*lightness.shape[:3], 2))


class SkyAndSand(OneColor):
    """A network that paints the upper half blue, the lower half ochre."""

    def predict_ab(self, lightness):
        ab = np.empty((*lightness.shape[:3], 2), "float32")
        ab[:, :16], ab[:, 16:] = (2, -12), (4, 8)
        return ab


# All of it is well inside sRGB at the chroma of natural photos.
PHOTO = np.full((40, 60), 128, "uint8")
# Half a level of rounding in each channel is at most 0.6 of ab here.
ROUNDING = 0.6


def mean_chroma(network, **options):
    result = Colorizer(network).colorize(PHOTO, **options)
    lab = rgb2lab(np.asarray(result))
    return np.hypot(lab[..., 1], lab[..., 2]).mean()


@pytest.mark.parametrize("ab", [(9, 0), (12, 9), (-10, 10), (0, -17)])
def test_auto_raises_chroma_to_that_of_natural_photos(ab):
    chroma = mean_chroma(OneColor(*ab), saturation="auto")
    assert abs(chroma - NATURAL_CHROMA) < ROUNDING


def test_auto_looks_at_the_mean_over_the_photo():
    chroma = mean_chroma(SkyAndSand(), saturation="auto")
    # Between sky and sand ab passes by grey, in one row of the 32: up to 3 %.
    assert abs(chroma - NATURAL_CHROMA) < ROUNDING + 0.03 * NATURAL_CHROMA


def test_auto_at_most_doubles():
    doubled = mean_chroma(OneColor(3, 4), saturation="auto")
    assert abs(doubled - 10) < ROUNDING


def test_auto_leaves_vivid_photos_as_predicted():
    vivid = mean_chroma(OneColor(-20, 20), saturation="auto")
    assert abs(vivid - np.hypot(20, 20)) < ROUNDING


def test_auto_leaves_grey_grey():
    result = Colorizer(OneColor(0, 0)).colorize(PHOTO, saturation="auto")
    assert np.ptp(np.asarray(result), axis=-1).max() == 0


@pytest.mark.parametrize("factor", [0, 0.5, 1, np.float32(1.5)])
def test_a_number_is_a_factor(factor):
    chroma = mean_chroma(OneColor(12, 9), saturation=factor)
    assert abs(chroma - 15 * factor) < ROUNDING


def test_by_default_colors_are_as_predicted():
    assert abs(mean_chroma(OneColor(12, 9)) - 15) < ROUNDING


@pytest.mark.parametrize(
    "saturation", [-1, float("nan"), float("inf"), "much", "1.5", None]
)
def test_other_saturations_are_named(saturation):
    with pytest.raises(ConfigError, match=f"Received: {saturation}"):
        Colorizer(OneColor(1, 1)).colorize(
            skimage.data.camera(), saturation=saturation
        )
