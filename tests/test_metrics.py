"""Scores against their definitions."""

import numpy as np
import pytest
import skimage.data
from numpy.testing import assert_allclose
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from keras_colorizer.metrics import (
    MeasuredPhoto,
    Scores,
    colorfulness,
    detailed_score,
    mean_scores,
    score,
    share_within,
    ssim,
)

WANG = {
    "channel_axis": -1,
    "data_range": 255,
    "gaussian_weights": True,
    "sigma": 1.5,
    "use_sample_covariance": False,
}


@pytest.fixture(scope="module")
def photo():
    return skimage.data.astronaut()[:200, :300]


@pytest.fixture(scope="module")
def paler(photo):
    """The same with half the color."""
    grey = photo.mean(axis=-1, keepdims=True)
    return ((photo + grey) / 2).astype("uint8")


def detailed(real, fake):
    return detailed_score(MeasuredPhoto(real), MeasuredPhoto(fake))


def test_psnr_of_a_known_error():
    real = np.full((8, 8, 3), 100, "uint8")
    # 10 log10(255^2 / 10^2)
    assert_allclose(score(real, real + 10).psnr, 28.1308, atol=1e-3)


def test_ciede2000_of_grey_levels_is_the_formula_s_lightness_term():
    real = np.full((4, 4, 3), 119, "uint8")
    fake = np.full((4, 4, 3), 140, "uint8")
    one, two = rgb2lab(real)[0, 0, 0], rgb2lab(fake)[0, 0, 0]
    middle = (one + two) / 2
    scale = 1 + 0.015 * (middle - 50) ** 2 / np.sqrt(20 + (middle - 50) ** 2)
    expected = abs(one - two) / scale
    assert_allclose(score(real, fake).ciede2000, expected, atol=1e-3)


def test_colorfulness_of_grey_is_zero():
    grey = np.repeat(skimage.data.camera()[..., None], 3, axis=-1)
    assert colorfulness(grey) == pytest.approx(0)


def test_colorfulness_of_one_color_is_its_offset():
    red = np.zeros((4, 4, 3), "uint8")
    red[..., 0] = 200  # rg = 200, yb = 100, no spread.
    assert_allclose(colorfulness(red), 0.3 * np.hypot(200, 100))


def test_colorfulness_of_two_colors_adds_their_spread():
    halves = np.zeros((4, 4, 3), "uint8")
    halves[:2, :, 0] = 200
    halves[2:, :, 1] = 200  # rg = +-200, yb = 100 everywhere.
    assert_allclose(colorfulness(halves), 200 + 0.3 * 100)


def test_means_are_taken_over_photos():
    means = mean_scores([Scores(20, 10, 30), Scores(30, 20, 50)])
    assert means == Scores(25, 15, 40)


def test_detailed_scores_agree_with_scikit_image(photo, paler):
    scores = detailed(photo, paler)
    real_lab, fake_lab = rgb2lab(photo), rgb2lab(paler)
    # Its L*a*b* is up to 5e-3 off ours: its constants are rounded.
    assert_allclose(
        scores.ciede2000, deltaE_ciede2000(real_lab, fake_lab).mean(), atol=5e-3
    )
    off = np.abs(real_lab - fake_lab)
    assert_allclose(
        scores.ab_error, (off[..., 1] + off[..., 2]).mean() / 2, atol=5e-3
    )
    assert_allclose(
        scores.ssim, structural_similarity(photo, paler, **WANG), rtol=1e-12
    )


def test_detailed_scores_include_the_plain_ones(photo, paler):
    plain, scores = score(photo, paler), detailed(photo, paler)
    assert plain == Scores(scores.psnr, scores.ciede2000, scores.colorfulness)


def test_large_photos_score_as_if_taken_whole(photo, paler):
    # 600,000 pixels are three strips.
    real, fake = (np.tile(rgb, (5, 2, 1)) for rgb in (photo, paler))
    scores = detailed(real, fake)
    whole = structural_similarity(real, fake, **WANG)
    assert_allclose(scores.ssim, whole, rtol=1e-12)
    # Ten copies of one photo, as far apart as the one.
    once = detailed(photo, paler)
    assert_allclose(scores.ciede2000, once.ciede2000, rtol=1e-6)
    assert_allclose(scores.ab_error, once.ab_error, rtol=1e-5)


def test_photo_itself_has_the_best_of_all_scores(photo):
    scores = detailed(photo, photo)
    # An error of variance 1/12, what rounding leaves.
    assert_allclose(scores.psnr, 58.92, atol=5e-3)
    assert scores.ssim == pytest.approx(1)
    assert scores.ciede2000 == scores.ab_error == 0
    assert scores.within_2 == scores.within_5 == 1
    assert scores.colorfulness_error == 0


@pytest.mark.parametrize(
    ("levels", "within_2", "within_5"),
    [(5, 1, 1), (6, 0, 1), (12, 0, 1), (13, 0, 0)],  # 5.1 and 12.75 levels.
)
def test_shift_of_one_channel_is_within_its_share_of_255(
    levels, within_2, within_5
):
    real = np.full((8, 8, 3), 100, "uint8")
    fake = real + np.array([0, levels, 0], "uint8")
    scores = detailed(real, fake)
    assert (scores.within_2, scores.within_5) == (within_2, within_5)
    expected = 10 * np.log10(255**2 / (levels**2 / 3))
    assert_allclose(scores.psnr, expected, rtol=1e-12)
    # Either way.
    assert share_within(fake, real, 0.05) == within_5


def test_share_within_counts_pixels():
    real = np.zeros((4, 4, 3), "uint8")
    fake = real.copy()
    fake[0, :, 2] = 255  # A row of four.
    assert share_within(real, fake, 0.05) == 0.75


def test_error_of_colorfulness_has_no_sign():
    red, grey = np.zeros((2, 4, 4, 3), "uint8")
    red[..., 0] = 200
    expected = 0.3 * np.hypot(200, 100)
    assert_allclose(detailed(red, grey).colorfulness_error, expected)
    assert_allclose(detailed(grey, red).colorfulness_error, expected)


def test_ssim_of_a_small_photo_is_that_of_its_mirror_image(photo, paler):
    real, fake = photo[50:56, :11], paler[50:56, :11]
    mirrored = (np.concatenate([rgb, rgb[:0:-1]]) for rgb in (real, fake))
    assert_allclose(
        ssim(real, fake), structural_similarity(*mirrored, **WANG), rtol=1e-12
    )


def test_single_pixel_has_scores():
    one = np.full((1, 1, 3), 7, "uint8")
    scores = detailed(one, one + np.array([5, 0, 0], "uint8"))
    assert 0 < scores.ssim < 1
    assert scores.within_2 == 1
