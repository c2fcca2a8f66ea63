"""Colors that hold still, on lightness with a known motion."""

import cv2
import numpy as np
import pytest
import skimage.data

from keras_colorizer.video.steadying import steady_colors

SIDE = 96


def photo(name):
    """A photo's lightness, `(256, 256)` float32 in [0, 100]."""
    grey = cv2.cvtColor(getattr(skimage.data, name)(), cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (256, 256)).astype("float32") / 2.55


def pan(name, count, step=2):
    picture = photo(name)
    return [
        picture[20 : 20 + SIDE, step * i : step * i + SIDE].copy()
        for i in range(count)
    ]


class Boiling:
    """A network whose colors are the lightness and much noise."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, lightness):
        noise = self.rng.normal(0, 8, (SIDE, SIDE, 2))
        smooth = cv2.GaussianBlur(noise, (0, 0), 4) * 6
        return (lightness[..., None] / 4 + smooth).astype("float32")


def flicker(colors, step=2):
    """Root mean square of what changes along the true motion."""
    changes = [
        now[:, :-step] - before[:, step:]
        for before, now in zip(colors, colors[1:], strict=False)
    ]
    return float(np.sqrt(np.mean(np.square(changes))))


def colors_of(views, predict, **settings):
    pairs = list(steady_colors(enumerate(views), predict, **settings))
    assert [number for number, _ in pairs] == list(range(len(views)))
    return [ab for _, ab in pairs]


def test_colors_boil_less_than_half_as_much():
    views = pan("coffee", 20)
    boiling = Boiling()
    alone = flicker([boiling(view) for view in views])
    steady = flicker(colors_of(views, Boiling()))
    assert steady < 0.4 * alone


def test_two_passes_are_steadier_than_one():
    views = pan("coffee", 60)
    one = colors_of(views, Boiling())
    two = colors_of(views, Boiling(), two_pass=True)
    assert flicker(two) < 0.7 * flicker(one)
    assert flicker(two[:4]) < 0.5 * flicker(one[:4])  # Where one has no past.


@pytest.mark.parametrize("two_pass", [False, True])
def test_a_cut_takes_nothing_over(two_pass):
    views = pan("coffee", 8) + pan("astronaut", 8)
    predictions = (
        np.full((SIDE, SIDE, 2), value, "float32")
        for value in [30] * 8 + [-30] * 8
    )
    colors = colors_of(views, lambda _: next(predictions), two_pass=two_pass)
    for ab in colors[:8]:
        np.testing.assert_allclose(ab, 30, rtol=1e-5)
    for ab in colors[8:]:
        np.testing.assert_allclose(ab, -30, rtol=1e-5)


def test_flicker_of_old_film_is_no_cut():
    rng = np.random.default_rng(1)
    views = [view * rng.uniform(0.8, 1.2) for view in pan("coffee", 12)]
    boiling = Boiling()
    alone = flicker([boiling(view * 0) for view in views])
    noise = Boiling()
    steady = flicker(colors_of(views, lambda view: noise(view * 0)))
    assert steady < 0.4 * alone


def test_what_comes_into_view_has_its_own_color():
    back, front = pan("coffee", 1)[0], photo("astronaut")[60:92, 60:92]
    views = []
    for step in range(10):
        view = back.copy()
        view[30:62, 4 * step : 4 * step + 32] = 100 - front
        views.append(view)
    truth = [np.zeros((SIDE, SIDE, 2), "float32") for _ in views]
    for step, ab in enumerate(truth):
        ab[30:62, 4 * step : 4 * step + 32] = 40
    predictions = iter(truth)
    colors = colors_of(views, lambda _: next(predictions))
    for step, ab in enumerate(colors):
        left = 4 * step
        assert ab[34:58, left + 4 : left + 28].mean() > 37
        if step:  # What the patch has left is grey again, as it was.
            assert ab[34:58, max(left - 12, 0) : left - 2].mean() < 3


@pytest.mark.parametrize("level", [0.0, 50.0, 100.0])
def test_blank_frames_are_colored(level):
    views = [np.full((SIDE, SIDE), level, "float32")] * 3
    colors = colors_of(views, lambda view: np.ones((SIDE, SIDE, 2), "f4"))
    assert np.isfinite(colors).all()
    np.testing.assert_allclose(colors, 1, atol=1e-5)


def test_colors_that_are_recognized_late_come_sooner_than_the_mean():
    views = pan("coffee", 24)
    levels = [3.0] * 12 + [30.0] * 12
    predictions = (np.full((SIDE, SIDE, 2), x, "float32") for x in levels)
    colors = colors_of(views, lambda _: next(predictions))
    middle = np.s_[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4]
    reached = [ab[middle].mean() for ab in colors]
    assert reached[11] == pytest.approx(3, abs=0.1)
    for count in (16, 20, 24):
        assert np.mean(levels[:count]) + 3 < reached[count - 1] < 30
