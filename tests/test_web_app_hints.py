"""Hints in the web app: given, moved, undone, saved, as in Python."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import skimage.color
import skimage.data
from fixtures.page_driver import CHROMEDRIVER, CHROMIUM
from PIL import Image
from selenium.webdriver import Keys

from keras_colorizer import read_hints

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and CHROMEDRIVER),
        reason="there is no chromium with chromedriver to open the app in",
    ),
]

GREEN, BLUE = "#4f7942", "#305080"
# Rounding to 8 bits at both ends, and arithmetic in another order between.
TOLERANCE = 1


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """A photo whose left half is dark and whose right half is light."""
    grass = skimage.data.grass()[:240, :320].astype(int) - 128
    levels = np.where(np.arange(320) < 160, 50, 225) + grass // 8
    file = tmp_path_factory.mktemp("photos") / "halves.png"
    Image.fromarray(levels.astype("uint8")).save(file)
    return file


@pytest.fixture(scope="module")
def coffee(tmp_path_factory):
    file = tmp_path_factory.mktemp("photos") / "coffee.png"
    Image.fromarray(skimage.data.coffee()).convert("L").save(file)
    return file


def pixels_of(file):
    with Image.open(file) as photo:
        return np.asarray(photo.convert("RGB")).astype(int)


def ab_of(file):
    """Means over 8 x 8 pixels: rounding to 8 bits is 0.5 units of a pixel."""
    ab = skimage.color.rgb2lab(pixels_of(file).astype("uint8"))[..., 1:]
    height, width = (side // 8 * 8 for side in ab.shape[:2])
    blocks = ab[:height, :width].reshape(height // 8, 8, width // 8, 8, 2)
    return blocks.mean(axis=(1, 3))


def ab_of_color(color):
    levels = np.array(bytes.fromhex(color[1:]), ndmin=3).view("uint8")
    return skimage.color.rgb2lab(levels.reshape(1, 1, 3))[0, 0, 1:]


def assert_same(one, other):
    assert np.abs(pixels_of(one) - pixels_of(other)).max() <= TOLERANCE


def test_place_takes_its_color_and_the_far_side_keeps_its_own(page, halves):
    page.compare(halves)
    before = ab_of(page.save("PNG"))
    page.tap(0.25, 0.5)
    page.all(".swatches button")[6].click()
    color = page.all(".swatches button")[6].get_attribute("value")
    after = ab_of(page.save("PNG"))
    height, width = after.shape[:2]
    hinted = after[height // 2, width // 4]
    assert np.linalg.norm(hinted - ab_of_color(color)) < 3
    right = np.s_[:, width // 2 + 2 :]
    assert np.linalg.norm(after[right] - before[right], axis=-1).max() < 1


def test_suggestions_differ_and_begin_with_what_is_there(page, coffee):
    page.compare(coffee)
    here = ab_of(page.save("PNG"))
    page.tap(0.5, 0.3)
    buttons = page.all(".swatches button")
    colors = [button.get_attribute("value") for button in buttons]
    height, width = here.shape[:2]
    shown = here[int(0.3 * height), width // 2]
    assert np.linalg.norm(ab_of_color(colors[0]) - shown) < 5
    levels = np.array([list(bytes.fromhex(color[1:])) for color in colors])
    lab = skimage.color.rgb2lab(levels[None].astype("uint8"))[0]
    apart = np.linalg.norm(lab[:, None] - lab, axis=-1)
    assert apart[np.triu_indices(len(lab), 1)].min() >= 9.9  # By the matrix.
    assert np.ptp(lab[:, 0]) < 2


def test_undo_gives_the_earlier_pixels_exactly(page, coffee):
    page.compare(coffee)
    states = [pixels_of(page.save("PNG"))]
    for x, color in ((0.3, GREEN), (0.7, BLUE)):
        page.give_hint(x, 0.5, color)
        states.append(pixels_of(page.save("PNG")))
    assert not np.array_equal(states[1], states[2])
    for button, state in (("undo", 1), ("undo", 0), ("redo", 1), ("redo", 2)):
        page[f"#{button}"].click()
        assert np.array_equal(pixels_of(page.save("PNG")), states[state])
    page["#without"].click()  # Looks alone: what is saved has its hints.
    assert page["#without"].get_attribute("aria-pressed") == "true"
    assert np.array_equal(pixels_of(page.save("PNG")), states[2])


def test_hint_file_gives_the_same_picture_on_the_command_line(
    page, coffee, tmp_path
):
    page.compare(coffee)
    page.saturate(1.5)
    page.give_hint(0.3, 0.5, GREEN)
    page.give_hint(0.9, 0.9, BLUE)
    saved = pixels_of(page.save("PNG"))
    file = page.download("#save-hints")
    assert file.name == "coffee.png.hints.json"
    assert [hint.color for hint in read_hints(file)] == [GREEN, BLUE]
    command = [sys.executable, "-m", "keras_colorizer", "colorize", coffee]
    options = ["-o", tmp_path, "--hints", file, "--saturation", "1.5"]
    subprocess.run([*command, *options], check=True)
    expected = pixels_of(tmp_path / "coffee.png")
    assert np.abs(saved - expected).max() <= TOLERANCE
    assert np.abs(saved - expected).mean() < 0.1
    # The page reads it again: with its photo, and alone.
    kept = file.rename(tmp_path / file.name)
    page["#clear"].click()
    page.compare(coffee, kept)
    page.saturate(1.5)
    assert len(page.hints()) == 2
    assert np.array_equal(pixels_of(page.save("PNG")), saved)
    page["#undo"].click()
    page["#hint-file"].send_keys(str(kept))
    page.until(lambda: len(page.hints()) == 2)


def test_keyboard_alone_gives_moves_and_removes_hints(page, coffee):
    page.compare(coffee)
    page.tab_to("#point")
    page.press(*[Keys.ARROW_UP] * 3)
    page.press(*[Keys.ARROW_RIGHT] * 2, holding=Keys.SHIFT)
    assert "Point at 60 % across, 47 % down" in page["#point"].accessible_name
    page.press(Keys.ENTER)
    assert page.focused() == page[".swatches button"]
    page.press(Keys.TAB, Keys.TAB, Keys.ENTER)
    assert "60 % across, 47 % down" in page.hints()[0]
    page.press(Keys.ESCAPE)
    assert page.focused() == page["#point"]
    page.tab_to(".hint")
    page.press(Keys.ARROW_LEFT, Keys.ARROW_DOWN)
    assert "59 % across, 48 % down" in page.hints()[0]
    page.press(Keys.DELETE)
    assert page.hints() == []
    assert page.focused() == page["#point"]
    page.press("z", holding=Keys.CONTROL)
    assert "59 % across, 48 % down" in page.hints()[0]
    page.press("y", holding=Keys.CONTROL)
    assert page.hints() == []


def test_dots_are_dragged_chosen_and_removed(page, coffee):
    page.compare(coffee)
    page.give_hint(0.3, 0.5, GREEN)
    page.drag((0.3, 0.5), (0.6, 0.25))
    assert "60 % across, 25 % down" in page.hints()[0]
    page["#undo"].click()  # The whole way is one step.
    assert "30 % across, 50 % down" in page.hints()[0]
    page.tap(0.3, 0.5)
    assert page["#palette h3"].text == "Color of hint 1"
    page.set_color(BLUE)
    assert "blue" in page.hints()[0]
    page["#palette .remove"].click()
    assert page.hints() == []


def test_eyedropper_takes_a_color_from_another_photo(page, coffee, tmp_path):
    Image.new("RGB", (60, 40), BLUE).save(tmp_path / "blue.png")
    page.compare(coffee, tmp_path / "blue.png")
    page.tap(0.8, 0.2)
    page["#palette .pick"].click()
    page.all(".choose")[1].click()
    page.until(lambda: page["#split"].is_enabled())
    page.tap(0.2, 0.5)  # Before: a photo in color is one to take colors from.
    assert page["#shown"].text == "coffee.png"
    (hint,) = page.hints()
    assert "blue, 80 % across, 20 % down" in hint
    hints = json.loads(page.download("#save-hints").read_text())["hints"]
    assert [hint["color"] for hint in hints] == [BLUE]


def test_hints_turn_with_the_photo_but_not_in_their_file(page, coffee):
    page.compare(coffee)
    page.give_hint(0.25, 0.5, GREEN)
    page["#turn-right"].click()
    page.until(lambda: page["#split"].is_enabled())
    assert "50 % across, 25 % down" in page.hints()[0]
    (hint,) = read_hints(page.download("#save-hints"))
    assert (hint.x, hint.y) == pytest.approx((0.25, 0.5), abs=0.01)


def test_zip_holds_hints_and_what_they_do(page, coffee, halves, tmp_path):
    page.compare(coffee, halves)
    page.give_hint(0.3, 0.5, GREEN)
    single = pixels_of(page.save("PNG"))
    with zipfile.ZipFile(page.download("#save-all")) as file:
        file.extractall(tmp_path)
        assert file.namelist() == [
            "coffee_colorized.png",
            "coffee.png.hints.json",
            "halves_colorized.png",
        ]
    assert np.array_equal(pixels_of(tmp_path / "coffee_colorized.png"), single)
    assert len(read_hints(tmp_path / "coffee.png.hints.json")) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "must be JSON"),
        ('{"hints": [{"x": 2, "y": 0, "color": "red"}]}', "Hint 1: `x` must"),
        ('{"hints": [{"x": 0, "y": 0, "color": "reddish"}]}', "`color` must"),
    ],
)
def test_bad_hint_file_is_explained(page, coffee, tmp_path, content, sentence):
    (tmp_path / "coffee.png.hints.json").write_text(content)
    page.compare(coffee)
    page["#hint-file"].send_keys(str(tmp_path / "coffee.png.hints.json"))
    page.until(lambda: sentence in page[".note"].text)
    assert page.hints() == []


def test_finger_that_is_held_aims_with_a_loupe(page, coffee):
    page.set_window(390, 844)
    page.compare(coffee)
    frame = page[".comparison"].rect
    scrolled = page.browser.execute_script("return scrollY")

    def touch(kind, x, y):
        point = {"x": frame["x"] + x, "y": frame["y"] - scrolled + y}
        points = [] if kind == "touchEnd" else [point]
        event = {"type": kind, "touchPoints": points}
        page.browser.execute_cdp_cmd("Input.dispatchTouchEvent", event)

    touch("touchStart", 100, 100)
    page.until(page[".loupe"].is_displayed)
    touch("touchMove", 180, 120)
    touch("touchEnd", 0, 0)
    assert not page[".loupe"].is_displayed()
    assert page["#palette"].is_displayed()
    x, y = 180 / frame["width"], 120 / frame["height"]
    expected = f"Point at {round(100 * x)} % across, {round(100 * y)} % down"
    assert expected in page["#point"].accessible_name
