"""The page that colors photos on the device, in headless Chromium."""

import base64
import io
import json
import re
import socket
import subprocess
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import skimage.data
import uvicorn
from fixtures.built_page import built_page
from fixtures.page_driver import CHROMEDRIVER, CHROMIUM, Page, chromium
from fixtures.static_site import ISOLATING, static_site
from PIL import ExifTags, Image, ImageOps
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.support.select import Select
from starlette.applications import Starlette

from keras_colorizer import Colorizer
from keras_colorizer.serving.http.page import page_routes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and CHROMEDRIVER),
        reason="there is no chromium with chromedriver to open the page in",
    ),
]

# Chromium renders WebGPU on the processor then: slow, but real.
SOFTWARE_WEBGPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
WITHOUT_WASM = "--js-flags=--jitless"
MODEL = "ab_float16.tflite"
NEW_VERSION_WAITS = (
    "const [done] = arguments;"
    "navigator.serviceWorker.getRegistration()"
    ".then(({ waiting }) => done(Boolean(waiting)));"
)
READY = "The model is ready, and runs on the processor (WebAssembly, "
# Rounding to 8 bits at both ends, and arithmetic in another order between.
TOLERANCE = 2
LONGEST_TASK = 200  # Milliseconds.


class OnDevicePage(Page):
    """The page of a `static_site`, freshly loaded."""

    def wait(self):
        """Waits until the model is loaded, or there is a reason why not."""
        told = "ready|missing|damaged|could not|no WebAssembly"
        self.until(lambda: re.search(told, self["#model"].text))

    def save_as(self, format):
        """Saves the photo that is shown, and returns the file."""
        Select(self["#format"]).select_by_visible_text(format)
        return self.save()

    def wait_until_kept(self):
        """Waits until the browser keeps the page for use without network."""
        self.until(lambda: "without a network" in self["#offline"].text)


@pytest.fixture(scope="module")
def site():
    with static_site(built_page()) as site:
        yield site


@pytest.fixture
def page(browser, site, browser_folder):
    page = OnDevicePage(browser, site.url, browser_folder / "downloads")
    yield page
    assert not page.errors()


@pytest.fixture
def open_page(tmp_path):
    """Opens a page in a browser of its own."""
    opened = []

    def open_page(url, *flags):
        browser = chromium(tmp_path, *flags)
        opened.append(browser)
        return OnDevicePage(browser.__enter__(), url, tmp_path / "downloads")

    yield open_page
    for browser in opened:
        browser.__exit__(None, None, None)


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer.from_preset("small")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of photos, and of files that are none."""
    folder = tmp_path_factory.mktemp("photos")
    camera = Image.fromarray(skimage.data.camera())
    camera.save(folder / "camera.png")
    camera.save(folder / "camera.jpg")
    camera.crop((100, 50, 140, 511)).save(folder / "tall.png")
    camera.crop((200, 200, 207, 205)).save(folder / "tiny.png")
    for name in ("astronaut", "chelsea", "coffee"):
        photo = Image.fromarray(getattr(skimage.data, name)())
        photo.save(folder / f"{name}.png")
    photo.resize((1501, 1003)).save(folder / "larger.png")
    jpeg = (folder / "camera.jpg").read_bytes()
    (folder / "cut.png").write_bytes((folder / "coffee.png").read_bytes()[:999])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("no photo")
    (folder / "header.jpg").write_bytes(jpeg[:30])
    return folder


def pixels_of(file):
    with Image.open(file) as photo:
        return np.asarray(photo.convert("RGB")).astype(int)


@pytest.mark.parametrize(
    "name",
    [
        "camera.png",
        "camera.jpg",
        "tall.png",
        "tiny.png",
        "astronaut.png",
        "chelsea.png",
        "coffee.png",
        "larger.png",
    ],
)
def test_colors_are_those_of_python(page, colorizer, photos, name):
    page.finish(photos / name)
    page.compare()
    saved = pixels_of(page.save_as("PNG"))
    expected = np.asarray(colorizer.colorize(photos / name)).astype(int)
    assert saved.shape == expected.shape
    assert np.abs(saved - expected).max() <= TOLERANCE


@pytest.mark.parametrize("saturation", [0, 0.5, 2])
def test_saturation_is_that_of_python(page, colorizer, photos, saturation):
    page.finish(photos / "camera.png")
    page.compare()
    page.saturate(saturation)
    saved = pixels_of(page.save_as("PNG"))
    expected = colorizer.colorize(photos / "camera.png", saturation=saturation)
    assert np.abs(saved - np.asarray(expected)).max() <= TOLERANCE


def test_what_is_shown_is_what_is_saved(page, photos):
    page.finish(photos / "camera.png")
    page.compare()
    page.divide(Keys.HOME)
    shown = page.shown()
    with Image.open(page.save_as("PNG")) as photo:
        saved = photo.convert("RGB").resize(shown.shape[1::-1])
    # Above the badge and the handle; both scaled, by different filters.
    top = slice(0, shown.shape[0] // 3)
    difference = np.abs(shown[top].astype(int) - np.asarray(saved)[top])
    assert difference.mean() < 2


def test_webgpu_gives_the_same_colors(open_page, site, colorizer, photos):
    page = open_page(site.url, *SOFTWARE_WEBGPU)
    assert "on the graphics processor (WebGPU)" in page["#model"].text
    page.finish(photos / "chelsea.png")
    page.compare()
    saved = pixels_of(page.save_as("PNG"))
    expected = np.asarray(colorizer.colorize(photos / "chelsea.png"))
    assert np.abs(saved - expected).max() <= TOLERANCE


def test_threads_are_used_where_headers_allow_them(open_page):
    with static_site(built_page(), ISOLATING) as site:
        page = open_page(site.url)
        cores = page.browser.execute_script(
            "return navigator.hardwareConcurrency"
        )
        assert page["#model"].text == f"{READY}up to {cores} threads)."


@contextmanager
def own_server(folder):
    """Serves what `serve` serves beside its API, and yields the URL."""
    routes = page_routes("colorizer", on_device=folder)
    config = uvicorn.Config(Starlette(routes=routes), port=0, log_config=None)
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def test_page_runs_under_the_strict_policy_of_the_server(open_page, photos):
    with own_server(built_page()) as url:
        page = open_page(f"{url}/ondevice/")
        assert "threads)." in page["#model"].text
        page.finish(photos / "camera.png")
        page.compare()
        assert pixels_of(page.save()).shape == (512, 512, 3)
        assert not page.errors()


def test_threads_are_used_anywhere_from_the_second_visit_on(open_page, site):
    page = open_page(site.url)
    assert page["#model"].text == f"{READY}1 thread)."
    page.wait_until_kept()
    page.browser.refresh()
    page.wait()
    assert "threads)." in page["#model"].text


def test_page_works_without_a_network(open_page, photos):
    with static_site(built_page()) as site:
        page = open_page(site.url)
        page.wait_until_kept()
    page.browser.refresh()
    page.wait()
    page.finish(photos / "camera.png")
    page.compare()
    assert pixels_of(page.save()).shape == (512, 512, 3)
    assert not page.errors()


def test_nothing_is_requested_once_the_page_is_kept(
    open_page, photos, tmp_path
):
    log = tmp_path / "net.json"
    with static_site(built_page()) as site:
        page = open_page(site.url, f"--log-net-log={log}")
        page.wait_until_kept()
        requested = len(site.requested)
        page.finish(photos / "camera.png", photos / "coffee.png")
        page.compare()
        page.saturate(1.5)
        page.save_as("JPEG")
        page.save_as("PNG")
        assert len(site.requested) == requested
        page.browser.quit()
    urls = requests_of_pages(log)
    assert f"{site.url}{MODEL}" in urls
    assert all(url.startswith((site.url, "blob:")) for url in urls)


def requests_of_pages(log):
    """What pages and their workers asked for, not what the browser did."""
    events = json.loads(log.read_text())["events"]
    parameters = [event.get("params", {}) for event in events]
    return {
        found["url"]
        for found in parameters
        if found.get("initiator", "not an origin") != "not an origin"
    }


def test_new_version_replaces_the_old_one(open_page):
    with static_site(built_page()) as site:
        page = open_page(site.url)
        page.wait_until_kept()
        index = (built_page() / "index.html").read_bytes()
        renamed = index.replace(b"<title>", b"<title>New: ")
        worker = (built_page() / "service_worker.js").read_bytes()
        site.replaced["index.html"] = renamed
        site.replaced["service_worker.js"] = worker.replace(
            integrity(index), integrity(renamed)
        )

        page.browser.refresh()
        page.until(lambda: page.browser.execute_async_script(NEW_VERSION_WAITS))
        page.until(lambda: title_after_leaving(page).startswith("New: "))
        page.wait()
        # Files that are the same are not loaded again.
        assert site.requested.count(MODEL) == 2


def title_after_leaving(page):
    url = page.browser.current_url
    page.browser.get("about:blank")
    # The new version takes over when the old page has gone; nothing tells.
    time.sleep(1)
    page.browser.get(url)
    return page.browser.title


def integrity(content):
    """As openssl knows it."""
    command = ["openssl", "dgst", "-sha256", "-binary"]
    digest = subprocess.run(
        command, input=content, capture_output=True, check=True
    )
    return base64.b64encode(digest.stdout)


def exif_of_a_camera(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Box camera"
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: "1931:05:17 12:00:00",
        ExifTags.Base.ColorSpace: 65535,  # Uncalibrated.
        ExifTags.IFD.Interop: {1: "R03"},  # Adobe RGB.
    }
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    return exif


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("source", ["jpg", "png", "webp"])
def test_exif_is_kept_but_for_what_has_changed(page, tmp_path, source, format):
    photo = Image.fromarray(skimage.data.camera()).crop((0, 0, 300, 200))
    file = tmp_path / f"photo.{source}"
    photo.save(file, exif=exif_of_a_camera(6))
    page.finish(file)
    page.compare()
    with Image.open(page.save_as(format)) as saved:
        assert saved.format == format
        assert saved.size == (200, 300)
        exif = saved.getexif()
        taken = exif.get_ifd(ExifTags.IFD.Exif)
        assert exif[ExifTags.Base.Make] == "Box camera"
        assert exif[ExifTags.Base.Orientation] == 1
        assert taken[ExifTags.Base.DateTimeOriginal] == "1931:05:17 12:00:00"
        assert taken[ExifTags.Base.ColorSpace] == 1  # sRGB.
        assert ExifTags.IFD.Interop not in taken
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        assert place[ExifTags.GPS.GPSLatitudeRef] == "N"


def test_turned_photo_comes_out_upright(page, colorizer, tmp_path):
    photo = Image.fromarray(skimage.data.coffee())
    file = tmp_path / "turned.png"
    photo.save(file, exif=exif_of_a_camera(8))
    page.finish(file)
    page.compare()
    expected = colorizer.colorize(ImageOps.exif_transpose(Image.open(file)))
    difference = pixels_of(page.save_as("PNG")) - np.asarray(expected)
    assert np.abs(difference).max() <= TOLERANCE


@pytest.mark.parametrize("orientation", range(1, 9))
def test_webp_comes_out_upright(page, colorizer, tmp_path, orientation):
    photo = Image.fromarray(skimage.data.coffee()).crop((0, 0, 90, 60))
    file = tmp_path / "turned.webp"
    photo.save(file, lossless=True, exif=exif_of_a_camera(orientation))
    page.finish(file)
    page.compare()
    expected = colorizer.colorize(file)
    difference = pixels_of(page.save_as("PNG")) - np.asarray(expected)
    assert np.abs(difference).max() <= TOLERANCE


def test_photo_keeps_its_format_by_itself(page, photos):
    page.finish(photos / "camera.jpg", photos / "camera.png")
    page.compare()
    page["#download-all"].click()
    names = [file.name for file in page.saved(2)]
    assert names == ["camera_colorized.jpg", "camera_colorized.png"]
    for file in page.saved(2):
        with Image.open(file) as saved:
            suffix = {"JPEG": ".jpg", "PNG": ".png"}[saved.format]
            assert suffix == file.suffix


def test_jpeg_is_near_the_png(page, photos):
    page.finish(photos / "coffee.png")
    page.compare()
    png = pixels_of(page.save_as("PNG"))
    jpeg = pixels_of(page.save_as("JPEG"))
    # Quality 95 of a photo; other colors would be off by tens.
    assert np.abs(png - jpeg).mean() < 2


def test_transparent_photo_stays_so_in_png_and_is_white_in_jpeg(page, tmp_path):
    pixels = np.full((60, 80, 4), 100, "uint8")
    pixels[..., 3] = 255
    pixels[:30, :, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "half.png")
    page.finish(tmp_path / "half.png")
    page.compare()
    with Image.open(page.save_as("PNG")) as saved:
        alpha = np.asarray(saved)[..., 3]
    assert (alpha == pixels[..., 3]).all()
    # JPEG's own noise, away from the edge.
    assert pixels_of(page.save_as("JPEG"))[:20].min() > 250


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("notes.txt", "This is not a photo that a browser can open"),
        ("empty.jpg", "This is not a photo that a browser can open"),
        ("header.jpg", "This is not a photo that a browser can open"),
        ("cut.png", "This is not a photo that a browser can open"),
    ],
)
def test_bad_files_are_explained_and_the_others_go_on(
    page, photos, name, sentence
):
    page.finish(photos / name, photos / "camera.png")
    bad, good = page.rows()
    assert name in bad
    assert sentence in bad
    assert "\nDone" in good
    assert page["#photos [role=status]"].text == "1 of 2 colorized, 1 failed"


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
def test_photo_that_is_too_large_is_refused(page, photos, tmp_path, suffix):
    file = tmp_path / f"huge.{suffix}"
    Image.new("L", (10_100, 10_000)).save(file)
    page.finish(file, photos / "camera.png")
    huge, camera = page.rows()
    assert "has 101,000,000 pixels, and at most 100,000,000" in huge
    assert "\nDone" in camera


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, f"“{MODEL}” is missing where this page comes from (error 404)"),
        (b"", f"“{MODEL}” is damaged or cut off"),
        (b"<!DOCTYPE html>", f"“{MODEL}” is damaged or cut off"),
        (100, f"“{MODEL}” is damaged or cut off"),
        (2_000_000, f"“{MODEL}” is damaged or cut off"),
        (-1000, f"“{MODEL}” is damaged or cut off"),
    ],
)
def test_bad_model_is_explained(open_page, photos, content, sentence):
    with static_site(built_page()) as site:
        if isinstance(content, int):
            content = (built_page() / MODEL).read_bytes()[:content]
        site.replaced[MODEL] = content
        page = open_page(site.url)
        assert sentence in page["#model"].text
        page.finish(photos / "camera.png", photos / "coffee.png")
        assert all(sentence in row for row in page.rows())
        del site.replaced[MODEL]
        for retry in page.all(".retry"):
            retry.send_keys(Keys.ENTER)
        page.settle()
        assert all("\nDone" in row for row in page.rows())


@pytest.mark.parametrize("suffix", ["js", "wasm"])
@pytest.mark.parametrize("content", [None, b"", b"cut"])
def test_bad_runtime_is_explained(open_page, photos, suffix, content):
    with static_site(built_page()) as site:
        site.replaced[f"wasm/litert_wasm_internal.{suffix}"] = content
        page = open_page(site.url)
        sentence = "What runs the network, in “wasm/”, is missing or damaged"
        assert sentence in page["#model"].text
        page.finish(photos / "camera.png")
        assert sentence in page.rows()[0]


def test_browser_without_webassembly_is_told(open_page, site, photos):
    page = open_page(site.url, WITHOUT_WASM)
    assert "This browser runs no WebAssembly" in page["#model"].text
    page.finish(photos / "camera.png")
    assert "This browser runs no WebAssembly" in page.rows()[0]


def test_large_photo_does_not_freeze_the_page(page, tmp_path):
    camera = Image.fromarray(skimage.data.camera())
    camera.resize((6000, 4000)).save(tmp_path / "large.jpg")
    page.browser.execute_script(
        "window.longest = 0;"
        "new PerformanceObserver((list) => {"
        "  for (const { duration } of list.getEntries())"
        "    longest = Math.max(longest, duration);"
        "}).observe({ type: 'longtask' });"
    )
    page.finish(tmp_path / "large.jpg")
    page.compare()
    page.saturate(1.5)
    assert pixels_of(page.save_as("PNG")).shape == (4000, 6000, 3)
    assert pixels_of(page.save_as("JPEG")).shape == (4000, 6000, 3)
    assert page.browser.execute_script("return longest") < LONGEST_TASK


def test_keyboard_reaches_everything(page, photos):
    page.finish(photos / "camera.png", photos / "notes.txt")
    page.compare()
    controls = page.all("main :is(input, button, select)")
    hidden = [page["#files"]]  # For the eye alone.
    expected = [c for c in controls if c.is_displayed() or c in hidden]
    reached = []
    for _ in range(len(expected) + 1):  # One step leaves the page.
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        reached.append(page.browser.switch_to.active_element)
    assert set(expected) <= set(reached)


def test_every_control_has_a_name(page, photos):
    page.finish(photos / "camera.png", photos / "notes.txt")
    page.compare()
    named = "input[type=range], select, button, canvas[role], progress"
    shown = [c for c in page.all(named) if c.is_displayed()]
    controls = {*shown, page["#files"], page["#split"]}  # These, by others.
    names = [control.accessible_name for control in controls]
    assert len(names) > 10
    assert all(names)
    assert len(set(names)) == len(names)


def test_phone_offers_its_camera_and_nothing_to_scroll_sideways(page, photos):
    assert not page["label[for=camera]"].is_displayed()
    page.set_window(390, 844)
    touch = {"enabled": True, "maxTouchPoints": 5}
    page.browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", touch)
    assert page["label[for=camera]"].is_displayed()
    page.finish(photos / "camera.png", photos / "notes.txt")
    page.compare()
    widths = "return [document.documentElement.scrollWidth, innerWidth]"
    assert page.browser.execute_script(widths) == [390, 390]
    page["#camera"].send_keys(str(photos / "tiny.png"))
    page.settle()
    assert "tiny.png\nDone" in page.rows()[2]
    touch = {"enabled": False}
    page.browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", touch)


def test_page_can_be_installed(page):
    page.wait_until_kept()
    found = page.browser.execute_cdp_cmd("Page.getInstallabilityErrors", {})
    assert found["installabilityErrors"] == []
    manifest = page.browser.execute_cdp_cmd("Page.getAppManifest", {})
    assert manifest["errors"] == []


@pytest.mark.parametrize("size", [192, 512])
def test_icon_is_of_the_size_that_the_manifest_says(page, site, size):
    script = (
        "const [url, done] = arguments;"
        "fetch(url).then((answer) => answer.arrayBuffer()).then((buffer) =>"
        " done(Array.from(new Uint8Array(buffer))));"
    )
    url = f"{site.url}icon_{size}.png"
    png = bytes(page.browser.execute_async_script(script, url))
    assert Image.open(io.BytesIO(png)).size == (size, size)
