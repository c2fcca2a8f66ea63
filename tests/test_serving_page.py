"""The page to try the server on, in headless Chromium."""

import base64
import json
import re

import httpx
import numpy as np
import pytest
import skimage.color
import skimage.data
from fixtures.colorizing_server import Answer, error
from fixtures.embedded_server import serving
from fixtures.hesitant_proxy import hesitant_proxy
from fixtures.page_driver import (
    CHROMEDRIVER,
    CHROMIUM,
    PATIENCE,
    Page,
    chromium,
)
from PIL import Image, ImageOps
from selenium.webdriver import ActionChains, Keys

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and CHROMEDRIVER),
        reason="there is no chromium with chromedriver to open the page in",
    ),
]

LEVEL = 1 / 255
# Mean chroma, L*a*b* units. What is predicted for these photos is 6 to 14;
# rounding to 8 bits makes 0.2 of grey.
COLORED, GREY = 3, 1
EXIF_ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def server():
    """The URL of a server of the pretrained model."""
    with serving() as running:
        yield running.url


@pytest.fixture
def page(browser, server, browser_folder):
    page = Page(browser, server, browser_folder / "downloads")
    yield page
    assert not page.errors()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of photos, and of files that are none."""
    folder = tmp_path_factory.mktemp("photos")
    camera = Image.fromarray(skimage.data.camera())
    camera.resize((256, 256)).save(folder / "camera.png")
    astronaut = Image.fromarray(skimage.data.astronaut()).convert("L")
    astronaut.save(folder / "astronaut.jpg")
    jpeg = (folder / "astronaut.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 3])
    (folder / "notes.txt").write_text("no photo")
    wide = astronaut.crop((0, 0, 400, 300))
    wide.save(folder / "turned.jpg", exif=exif(6), quality=95)
    wide.save(folder / "animated.gif")
    return folder


def exif(orientation):
    tags = Image.Exif()
    tags[EXIF_ORIENTATION] = orientation
    return tags


def pixels_of(file):
    with Image.open(file) as photo:
        return np.asarray(photo.convert("RGB"))


def lightness(rgb):
    return skimage.color.rgb2lab(rgb)[..., 0]


def chroma(rgb):
    lab = skimage.color.rgb2lab(rgb)
    return np.hypot(lab[..., 1], lab[..., 2]).mean()


def test_a_photo_is_shown_and_saved_in_color(page, photos):
    page.finish(photos / "camera.png")
    page.compare()
    page.divide(Keys.HOME)
    saved = pixels_of(page.save())
    assert saved.shape == (256, 256, 3)
    assert chroma(saved) > COLORED
    assert chroma(page.shown()) > COLORED


def test_what_is_saved_is_what_the_server_answers(page, server, photos):
    page.finish(photos / "astronaut.jpg")
    sent = base64.b64encode((photos / "astronaut.jpg").read_bytes()).decode()
    answer = httpx.post(
        f"{server}/v1/models/colorizer:predict",
        json={"instances": [{"b64": sent}]},
        timeout=PATIENCE,
    )
    expected = base64.b64decode(answer.json()["predictions"][0]["b64"])
    file = page.save()
    assert file.name == "astronaut_colorized.png"
    assert file.read_bytes() == expected


@pytest.mark.parametrize("saturation", [0, 0.5, 2])
@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB:UserWarning")
def test_saturation_scales_ab_alone(page, photos, saturation):
    page.finish(photos / "astronaut.jpg")
    lab = skimage.color.rgb2lab(pixels_of(page.save()))
    expected = skimage.color.lab2rgb(lab * [1, saturation, saturation])
    page.saturate(saturation)
    saved = pixels_of(page.save())
    # Rounded to 8 bits, and looked up to a tenth of a level.
    np.testing.assert_allclose(saved * LEVEL, expected, atol=0.61 * LEVEL)


def test_saturation_zero_is_grey(page, photos):
    page.finish(photos / "astronaut.jpg")
    page.saturate(0)
    assert np.ptp(pixels_of(page.save()), axis=-1).max() == 0


def test_saturation_changes_what_is_shown(page, photos):
    page.finish(photos / "camera.png")
    page.compare()
    page.divide(Keys.HOME)
    predicted = chroma(page.shown())
    page.saturate(2)
    # Double, but for what is clipped.
    page.until(lambda: chroma(page.shown()) > 1.7 * predicted)


def test_saturation_can_be_the_same_for_all(page, photos):
    page.finish(photos / "camera.png", photos / "astronaut.jpg")
    page.saturate(0)
    page["#for-all"].click()
    page["#download-all"].click()
    for file in page.saved(2):
        assert np.ptp(pixels_of(file), axis=-1).max() == 0


def test_divider_moves_by_keyboard(page, photos):
    page.finish(photos / "astronaut.jpg")
    page.compare()
    page.divide(Keys.HOME)
    assert min(chroma_of_sides(page)) > COLORED
    page.divide(Keys.PAGE_UP * 5)
    left, right = chroma_of_sides(page)
    assert left < GREY
    assert right > COLORED
    page.divide(Keys.END)
    assert max(chroma_of_sides(page)) < GREY


def chroma_of_sides(page):
    """Left and right of the divider, above its handle and the badges."""
    shown = page.shown()
    height, width, _ = shown.shape
    top = shown[: height // 3]
    return chroma(top[:, : width * 2 // 5]), chroma(top[:, width * 3 // 5 :])


def test_divider_follows_the_pointer(page, photos):
    page.finish(photos / "camera.png")
    page.compare()
    page.drag_divider(-page[".comparison"].size["width"] // 4)
    # Positions are whole percents.
    assert int(page["#split"].get_property("value")) == pytest.approx(25, abs=1)


def test_broken_files_are_explained_and_the_others_go_on(page, photos):
    names = ["cut.jpg", "notes.txt", "camera.png"]
    page.finish(*(photos / name for name in names))
    cut, notes, camera = page.rows()
    size = (photos / "cut.jpg").stat().st_size
    assert f"The photo is damaged or cut off ({size} bytes): send the" in cut
    assert "This is not a photo that a browser can open" in notes
    assert "\nDone" in camera
    assert page["[role=status]"].text == "1 of 3 colorized, 2 failed"


def test_photo_is_sent_upright(page, photos):
    page.finish(photos / "turned.jpg")
    saved = pixels_of(page.save())
    with Image.open(photos / "turned.jpg") as photo:
        upright = np.asarray(ImageOps.exif_transpose(photo).convert("RGB"))
    assert saved.shape == upright.shape == (400, 300, 3)
    # 0.1 from rounding and clipping; for another turn it would be 20.
    difference = np.abs(lightness(saved) - lightness(upright))
    assert difference.mean() < 0.5


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_orientation_is_read_from_every_format(page, tmp_path, suffix):
    script = page.browser.current_url + "page/exif.js"
    for orientation in range(1, 9):
        file = tmp_path / f"{orientation}.{suffix}"
        Image.new("RGB", (9, 5)).save(file, exif=exif(orientation))
        found = page.browser.execute_async_script(
            "const [script, base64, done] = arguments;"
            "const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt());"
            "import(script).then(exif => done(exif.orientationOf(bytes)));",
            script,
            base64.b64encode(file.read_bytes()).decode(),
        )
        assert found == orientation


def test_formats_that_only_browsers_read_are_colored(page, photos):
    page.finish(photos / "animated.gif")
    page.compare()
    assert chroma(pixels_of(page.save())) > COLORED


def test_photo_beyond_the_limit_is_reduced_and_says_so(page, tmp_path):
    Image.new("L", (8000, 7000), 128).save(tmp_path / "huge.png")
    page.finish(tmp_path / "huge.png")
    # 50 million pixels, the limit of servers, of 8 to 7.
    assert "Reduced to 7559 × 6614 pixels." in page.rows()[0]


def test_photos_can_be_dropped(page, photos):
    page.browser.execute_script(
        "const bytes = Uint8Array.from(atob(arguments[0]),"
        " c => c.charCodeAt());"
        "const dataTransfer = new DataTransfer();"
        "dataTransfer.items.add(new File([bytes], 'dropped.png'));"
        "const init = {dataTransfer, bubbles: true, cancelable: true};"
        "document.body.dispatchEvent(new DragEvent('drop', init));",
        base64.b64encode((photos / "camera.png").read_bytes()).decode(),
    )
    page.settle()
    assert "dropped.png\nDone" in page.rows()[0]


def test_all_results_can_be_saved(page, photos):
    names = ["camera.png", "cut.jpg", "astronaut.jpg", "turned.jpg"]
    page.finish(*(photos / name for name in names))
    page["#download-all"].click()
    assert [file.name for file in page.saved(3)] == [
        "astronaut_colorized.png",
        "camera_colorized.png",
        "turned_colorized.png",
    ]


def test_photo_waits_while_the_server_is_busy(
    browser, server, browser_folder, photos
):
    with hesitant_proxy(server) as proxy:
        page = Page(browser, proxy.url, browser_folder / "downloads")
        busy = error(503, "The queue is full", Retry_After="3")
        proxy.answers.extend([busy, busy])
        page.pick(photos / "camera.png")
        page.until(lambda: "busy: trying again in 3 s" in page.rows()[0])
        page.settle()
        assert "\nDone" in page.rows()[0]
        assert not proxy.answers


def test_photo_can_be_tried_again(browser, server, browser_folder, photos):
    with hesitant_proxy(server) as proxy:
        page = Page(browser, proxy.url, browser_folder / "downloads")
        proxy.answers.extend([Answer(drop=True)] * 3)
        page.finish(photos / "camera.png")
        assert "The server cannot be reached" in page.rows()[0]
        page[".retry"].send_keys(Keys.ENTER)
        page.until(lambda: "\nDone" in page.rows()[0])
        # The button is gone, the keyboard's user still there.
        assert page.browser.switch_to.active_element == page[".choose"]


def test_page_says_when_the_server_has_gone(
    browser, server, browser_folder, photos
):
    with hesitant_proxy(server) as proxy:
        page = Page(browser, proxy.url, browser_folder / "downloads")
    page.finish(photos / "camera.png")
    assert "The server cannot be reached" in page.rows()[0]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (error(413, "Too large"), "larger than the server accepts: reduce it."),
        (error(504, "Timed out"), "The server took too long and gave up."),
        (error(404, "Servable not found"), "Servable not found"),
        (Answer(500, b"no JSON"), "The server answered with the error 500."),
        (Answer(200, b'{"predictions": [1]}'), "something else than a picture"),
    ],
)
def test_errors_are_explained(
    browser, server, browser_folder, photos, answer, sentence
):
    with hesitant_proxy(server) as proxy:
        page = Page(browser, proxy.url, browser_folder / "downloads")
        proxy.answers.append(answer)
        page.finish(photos / "camera.png", photos / "astronaut.jpg")
        rows = sorted(page.rows(), key=lambda row: "Failed" in row)
        assert "\nDone" in rows[0]
        assert sentence in rows[1]


def test_keyboard_reaches_everything(page, photos):
    page.finish(photos / "camera.png", photos / "cut.jpg")
    page.compare()
    controls = page.all("main :is(input, button)")
    expected = [c for c in controls if c.is_displayed() or c == page["#files"]]
    reached = []
    for _ in range(len(expected) + 1):  # One step leaves the page.
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        reached.append(page.browser.switch_to.active_element)
    assert set(expected) <= set(reached)


def test_every_control_has_a_name(page, photos):
    page.finish(photos / "camera.png", photos / "cut.jpg")
    page.compare()
    named = "#files, #split, #saturation, button, canvas[role], progress"
    names = [c.accessible_name for c in page.all(named) if c.is_displayed()]
    assert len(names) > 10
    assert all(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(page, photos, scheme):
    page.set_window(1200, 900, scheme=scheme)
    page.finish(photos / "camera.png", photos / "cut.jpg")
    for selector in ("h1", "#hint", ".stage", "li .trouble", "label.button"):
        # WCAG 2.2, success criterion 1.4.3.
        assert contrast(page[selector]) >= 4.5


def contrast(element):
    """The contrast ratio of an element's text, as WCAG 2.2 defines it."""
    colors = element.parent.execute_script(
        "let [e] = arguments; const {color} = getComputedStyle(e);"
        "while (getComputedStyle(e).backgroundColor === 'rgba(0, 0, 0, 0)')"
        "  e = e.parentElement;"
        "return [color, getComputedStyle(e).backgroundColor];",
        element,
    )
    rgb = [[int(n) / 255 for n in re.findall(r"\d+", c)[:3]] for c in colors]
    darker, lighter = sorted(skimage.color.rgb2xyz([rgb])[0, :, 1])
    return (lighter + 0.05) / (darker + 0.05)


def test_dark_scheme_is_dark(page):
    page.set_window(1200, 900, scheme="dark")
    body = page["body"].value_of_css_property("background-color")
    assert max(map(int, re.findall(r"\d+", body)[:3])) < 64


def test_phone_has_nothing_to_scroll_sideways(page, photos):
    page.set_window(390, 844)
    names = ["camera.png", "turned.jpg", "cut.jpg", "notes.txt"]
    page.finish(*(photos / name for name in names))
    page.compare()
    widths = "return [document.documentElement.scrollWidth, innerWidth]"
    assert page.browser.execute_script(widths) == [390, 390]


def test_large_photo_does_not_freeze_the_page(page, tmp_path):
    camera = Image.fromarray(skimage.data.camera())
    camera.resize((6000, 4000)).save(tmp_path / "large.jpg")
    page.browser.execute_script(
        "window.longest = 0; let last = performance.now();"
        "requestAnimationFrame(function next(now) {"
        "  longest = Math.max(longest, now - last);"
        "  last = now; requestAnimationFrame(next); })"
    )
    page.finish(tmp_path / "large.jpg")
    page.compare()
    page.saturate(1.5)
    assert pixels_of(page.save()).shape == (4000, 6000, 3)
    # Milliseconds between two frames; any of the steps alone takes seconds.
    assert page.browser.execute_script("return longest") < 700


def test_no_request_leaves_the_server(server, photos, tmp_path):
    log = tmp_path / "net.json"
    with chromium(tmp_path, f"--log-net-log={log}") as browser:
        page = Page(browser, server, tmp_path / "downloads")
        page.finish(photos / "camera.png")
        page.compare()
    requested = set(requests_of_pages(log))
    assert f"{server}/v1/models/colorizer:predict" in requested
    assert all(url.startswith(f"{server}/") for url in requested)


def requests_of_pages(log):
    """What pages and their workers asked for, not what the browser did."""
    for event in json.loads(log.read_text())["events"]:
        parameters = event.get("params", {})
        if parameters.get("initiator", "not an origin") != "not an origin":
            yield parameters["url"]


def test_page_runs_under_a_strict_policy(server):
    policy = httpx.get(server).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "://" not in policy
