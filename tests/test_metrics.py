"""Scores against their definitions."""

import numpy as np
import pytest
import skimage.data
from numpy.testing import assert_allclose
from skimage.color import rgb2lab

from keras_colorizer.metrics import (
    Scores,
    colorfulness,
    mean_scores,
    score,
)


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
