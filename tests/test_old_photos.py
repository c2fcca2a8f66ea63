"""Lightness of old photos: what aging may and may not do."""

import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from skimage.color import rgb2lab
from skimage.filters import laplace

from keras_colorizer.data import old_photos
from keras_colorizer.data.old_photos import aged_lightness, encode_photos

PHOTO = skimage.data.astronaut()[:64, 200:264]
AGES = 200


@pytest.fixture(scope="module")
def aged():
    copies = tf.constant(np.repeat(PHOTO[None], AGES, axis=0))
    return aged_lightness(copies, tf.constant([0, 1])).numpy()[..., 0]


def test_aged_photos_are_still_the_photo(aged):
    assert aged.shape == (AGES, *PHOTO.shape[:2])
    assert aged.min() >= 0
    assert aged.max() <= 100
    lightness = rgb2lab(PHOTO)[..., 0].ravel()
    for photo in aged:
        assert np.corrcoef(photo.ravel(), lightness)[0, 1] > 0.5


def test_every_photo_ages_differently_but_repeatably(aged):
    assert len(np.unique(aged.mean(axis=(1, 2)).round(3))) > 0.9 * AGES
    copies = tf.constant(np.repeat(PHOTO[None], AGES, axis=0))
    again = aged_lightness(copies, tf.constant([0, 1])).numpy()[..., 0]
    np.testing.assert_array_equal(again, aged)
    other = aged_lightness(copies, tf.constant([0, 2])).numpy()[..., 0]
    assert not np.array_equal(other, aged)


def test_some_fade_some_are_grained_and_some_blurred(aged):
    lightness = rgb2lab(PHOTO)[..., 0]
    contrast = aged.std(axis=(1, 2)) / lightness.std()
    assert contrast.min() < 0.7
    detail = np.array([np.abs(laplace(photo)).mean() for photo in aged])
    assert detail.min() < 0.7 * np.abs(laplace(lightness)).mean()
    assert detail.max() > 1.5 * np.abs(laplace(lightness)).mean()


def test_films_see_red_and_blue_apart():
    patches = np.zeros((AGES, 32, 32, 3), "uint8")
    patches[:, :, :16, 0] = 255
    patches[:, :, 16:, 2] = 255
    aged = aged_lightness(tf.constant(patches), tf.constant([0, 1])).numpy()
    red = aged[:, :, :16].mean(axis=(1, 2, 3))
    blue = aged[:, :, 16:].mean(axis=(1, 2, 3))
    # By symmetry either is lighter in half of them; 100 +- 40 is 5 sigma.
    assert 60 <= (red > blue).sum() <= 140


def test_without_aging_ranges_only_the_film_is_left(monkeypatch):
    for name, none in [
        ("GAMMA_STOPS", 0.0),
        ("BLACKS", (0.0, 0.0)),
        ("WHITES", (100.0, 100.0)),
        ("BLUR", (0.0, 0.0)),
        ("GRAIN", (0.0, 0.0)),
    ]:
        monkeypatch.setattr(old_photos, name, none)
    grey = np.repeat(skimage.data.camera()[None, :64, :64, None], 3, axis=-1)
    aged = aged_lightness(tf.constant(grey), tf.constant([0, 1])).numpy()
    # Every film sees grey alike: what scikit-image calls its L*.
    assert np.abs(aged[0, ..., 0] - rgb2lab(grey[0])[..., 0]).max() < 0.01


def test_a_share_of_the_lightness_ages_and_no_ab():
    squares = tf.constant(np.repeat(PHOTO[None], AGES, axis=0))
    seeds = tf.constant([[0, 1]] * AGES)
    plain, ab = encode_photos(squares, None)
    aged, aged_ab = encode_photos(squares, seeds, old_photos=0.25)
    np.testing.assert_array_equal(ab, aged_ab)
    changed = (np.abs(plain - aged).max(axis=(1, 2, 3)) > 0).sum()
    assert 26 <= changed <= 74  # 50 of 200 expected, +- 3.9 sigma.
