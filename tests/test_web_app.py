"""The web app in headless Chromium: colors as in Python, nothing requested."""

import base64
import hashlib
import re
import time
import zipfile
from contextlib import ExitStack

import numpy as np
import pytest
import skimage.color
import skimage.data
import tensorflow as tf
from fixtures.embedded_server import serving
from fixtures.page_driver import CHROMEDRIVER, CHROMIUM, Page, chromium
from fixtures.web_app import built_app, static_site
from PIL import ExifTags, Image
from selenium.webdriver import ActionChains, Keys

from keras_colorizer import Colorizer, read_hints

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and CHROMEDRIVER),
        reason="there is no chromium with chromedriver to open the app in",
    ),
]

MODEL = "ab_float16.tflite"
# Chromium renders WebGPU on the processor then: slow, but real.
SOFTWARE_WEBGPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
# Rounding to 8 bits at both ends, and arithmetic in another order between.
TOLERANCE = 1
# Mean chroma, L*a*b* units. Predicted for the photo here is 6 to 14; rounding
# to 8 bits makes 0.2 of grey.
COLORED, GREY = 3, 1


@pytest.fixture
def open_page(tmp_path):
    """Opens the app in a browser of its own."""
    with ExitStack() as stack:

        def open_page(url, *flags):
            browser = stack.enter_context(chromium(tmp_path, *flags))
            return Page(browser, url, tmp_path / "downloads")

        yield open_page


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of photos, and of files that are none."""
    folder = tmp_path_factory.mktemp("photos")
    camera = Image.fromarray(skimage.data.camera())
    camera.save(folder / "camera.png")
    camera.save(folder / "camera.jpg", quality=100)
    camera.crop((100, 50, 140, 511)).save(folder / "tall.png")
    camera.crop((0, 200, 511, 240)).save(folder / "wide.png")
    camera.crop((200, 200, 207, 205)).save(folder / "tiny.png")
    coffee = Image.fromarray(skimage.data.coffee())
    coffee.convert("L").save(folder / "coffee.png")
    coffee.resize((1501, 1003)).save(folder / "larger.png")
    (folder / "cut.png").write_bytes((folder / "coffee.png").read_bytes()[:999])
    (folder / "notes.txt").write_text("no photo")
    return folder


def pixels_of(file):
    with Image.open(file) as photo:
        return np.asarray(photo.convert("RGB")).astype(int)


def assert_saved_as_in_python(page, photo, colorizer=None, **options):
    saved = pixels_of(page.save("PNG"))
    colorizer = colorizer or Colorizer.from_preset("small")
    expected = np.asarray(colorizer.colorize(photo, **options))
    assert saved.shape == expected.shape
    assert np.abs(saved - expected).max() <= TOLERANCE


def chroma(rgb):
    lab = skimage.color.rgb2lab(rgb)
    return np.hypot(lab[..., 1], lab[..., 2]).mean()


@pytest.mark.parametrize(
    "name", ["camera.jpg", "tall.png", "wide.png", "tiny.png", "larger.png"]
)
def test_colors_are_those_of_python(page, photos, name):
    page.compare(photos / name)
    assert_saved_as_in_python(page, photos / name)


@pytest.mark.parametrize("saturation", [0, 0.5, 2])
def test_saturation_is_that_of_python(page, photos, saturation):
    photo = photos / "camera.png"
    page.compare(photo)
    page.saturate(saturation)
    assert_saved_as_in_python(page, photo, saturation=saturation)


def test_app_that_serve_shows_gives_the_same_colors(open_page, photos):
    built_app()
    with serving() as server:
        page = open_page(server.url)
        assert "threads)." in page["#model"].text  # By the server's headers.
        page.compare(photos / "camera.png")
        assert_saved_as_in_python(page, photos / "camera.png")
        assert not page.errors()


def test_render_size_is_that_of_the_model(open_page, photos, tmp_path):
    model = tf.Module()
    model.predict_ab = tf.function(
        lambda lightness: {"ab": tf.concat([lightness, -lightness], -1) / 4},
        input_signature=[tf.TensorSpec([1, 56, 56, 1], name="lightness")],
    )
    folder = str(tmp_path / "model")
    tf.saved_model.save(model, folder, {"predict_ab": model.predict_ab})
    content = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    (tmp_path / MODEL).write_bytes(content)
    with static_site() as site:
        site.replaced[MODEL] = content
        page = open_page(site.url)
        page.compare(photos / "camera.png")
        other = Colorizer.load(tmp_path / MODEL)
        assert_saved_as_in_python(page, photos / "camera.png", other)
        assert "takes no hints" in page[".help"].text
        page.tap(0.5, 0.2)
        assert not page["#palette"].is_displayed()


def test_webgpu_gives_the_same_colors(open_page, site, photos):
    page = open_page(site.url, *SOFTWARE_WEBGPU)
    assert "on the graphics processor (WebGPU)" in page["#model"].text
    page.compare(photos / "coffee.png")
    assert_saved_as_in_python(page, photos / "coffee.png")
    page.give_hint(0.3, 0.5, "#4f7942")
    hints = read_hints(page.download("#save-hints"))
    assert_saved_as_in_python(page, photos / "coffee.png", hints=hints)


def test_app_requests_nothing_once_it_is_loaded(open_page, photos):
    with static_site() as site:
        page = open_page(site.url)
        page.wait_until_kept()
        loaded = len(site.requested)
        page.compare(photos / "camera.png", photos / "coffee.png")
        page.saturate(1.5)
        page.save("JPEG")
        # Browsers look for a new version of the worker when they like.
        assert set(site.requested[loaded:]) <= {"service_worker.js"}
    # Requests elsewhere are refused, and would be errors.
    policy = page["meta[http-equiv]"].get_attribute("content")
    assert policy.startswith("default-src 'self';")
    assert "://" not in policy
    assert not page.errors()


def test_second_visit_needs_no_network_and_has_threads(open_page, photos):
    with static_site() as site:
        page = open_page(site.url)
        assert "WebAssembly, 1 thread)." in page["#model"].text
        page.wait_until_kept()
    page.browser.refresh()
    page.wait()
    assert "threads)." in page["#model"].text
    page.compare(photos / "camera.png")
    assert_saved_as_in_python(page, photos / "camera.png")
    assert not page.errors()


def test_new_version_replaces_the_old_one(open_page):
    with static_site() as site:
        page = open_page(site.url)
        page.wait_until_kept()
        index = (built_app() / "index.html").read_bytes()
        renamed = index.replace(b"<title>", b"<title>New: ")
        worker = (built_app() / "service_worker.js").read_bytes()
        site.replaced["index.html"] = renamed
        worker = worker.replace(sha256(index), sha256(renamed))
        site.replaced["service_worker.js"] = worker
        page.until(lambda: title_after_leaving(page, site).startswith("New: "))
        page.wait()
        # Files that are the same are not loaded again.
        assert site.requested.count(MODEL) == 2


def title_after_leaving(page, site):
    page.browser.get("about:blank")
    # The new version takes over when the old page has gone; nothing tells.
    time.sleep(1)
    page.browser.get(site.url)
    title = page.browser.title
    page.wait_until_kept()  # Before, it looks for no new version.
    return title


def sha256(content):
    return base64.b64encode(hashlib.sha256(content).digest())


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


@pytest.mark.parametrize(
    ("source", "format"),
    [("jpg", "JPEG"), ("jpg", "PNG"), ("png", "PNG"), ("webp", "JPEG")],
)
def test_exif_is_kept_but_for_changes(page, tmp_path, source, format):
    photo = Image.fromarray(skimage.data.camera()).crop((0, 0, 300, 200))
    photo.save(tmp_path / f"photo.{source}", exif=exif_of_a_camera(6))
    page.compare(tmp_path / f"photo.{source}")
    with Image.open(page.save(format)) as saved:
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


@pytest.mark.parametrize(
    ("suffix", "orientation"),
    [("jpg", 6), ("png", 8), *(("webp", turn) for turn in range(1, 9))],
)
def test_turned_photo_comes_out_upright(page, tmp_path, suffix, orientation):
    file = tmp_path / f"turned.{suffix}"
    photo = Image.fromarray(skimage.data.camera()).crop((0, 0, 90, 60))
    exact = {"lossless": True} if suffix == "webp" else {}
    photo.save(file, exif=exif_of_a_camera(orientation), **exact)
    page.compare(file)
    assert_saved_as_in_python(page, file)


def test_all_are_saved_in_one_zip_with_one_saturation(page, photos, tmp_path):
    (tmp_path / "more").mkdir()
    same_name = tmp_path / "more/camera.jpg"
    Image.open(photos / "tall.png").save(same_name)
    bad = photos / "notes.txt"
    page.color(photos / "camera.jpg", photos / "camera.png", same_name, bad)
    page.until(lambda: page["#split"].is_enabled())
    page.saturate(0)
    page["#for-all"].click()
    with zipfile.ZipFile(page.download("#save-all")) as file:
        assert file.testzip() is None
        file.extractall(tmp_path)
        assert file.namelist() == [
            "camera_colorized.jpg",
            "camera_colorized.png",
            "camera_colorized (2).jpg",
        ]
    jpeg, png = (tmp_path / f"camera_colorized.{s}" for s in ("jpg", "png"))
    for file, format in ((jpeg, "JPEG"), (png, "PNG")):
        with Image.open(file) as saved:
            assert saved.format == format
        assert np.ptp(pixels_of(file), axis=-1).max() == 0
    # Quality 95 of a photo.
    assert np.abs(pixels_of(jpeg) - pixels_of(png)).mean() < 2


def test_saving_all_can_be_stopped(page, photos):
    page.compare(photos / "larger.png", photos / "camera.png")
    label = page.browser.execute_script(
        "const button = document.getElementById('save-all');"
        "button.click();"
        "const label = button.textContent;"
        "button.click();"
        "return label;"
    )
    assert label == "Stop"
    page.until(lambda: page["#save-all"].text == "Save all")
    assert page.save("JPEG").name == "larger_colorized.jpg"  # That alone.


@pytest.mark.parametrize("name", ["camera.png", "coffee.png"])
def test_automatic_saturation_is_that_of_python(page, photos, name):
    page.compare(photos / name)
    page["#auto"].click()
    assert_saved_as_in_python(page, photos / name, saturation="auto")
    page.saturate(1)
    assert_saved_as_in_python(page, photos / name)


def test_turned_by_hand_is_turned_before(page, photos, tmp_path):
    page.compare(photos / "larger.png")
    turned = Image.open(photos / "larger.png").transpose(Image.ROTATE_270)
    turned.save(tmp_path / "turned.png")
    for button in ("turn-right", "turn-right", "turn-left"):
        page[f"#{button}"].click()
    page.settle()
    assert_saved_as_in_python(page, tmp_path / "turned.png")


def test_pair_shows_the_photo_before_and_after(page, photos):
    page.compare(photos / "coffee.png")
    pair = page.save("Before and after, side by side")
    assert pair.name == "coffee_before_after.jpg"
    pixels = pixels_of(pair)
    before = pixels_of(photos / "coffee.png")
    height, width, _ = before.shape
    assert pixels.shape[0] == height
    # JPEG's own noise.
    assert np.abs(pixels[:, :width] - before).mean() < 2
    after = Colorizer.from_preset("small").colorize(photos / "coffee.png")
    assert np.abs(pixels[:, -width:] - np.asarray(after)).mean() < 3


def test_photos_are_removed_and_cleared(page, photos):
    page.compare(
        photos / "camera.png", photos / "tiny.png", photos / "tall.png"
    )
    page["#photos .remove"].click()
    assert page["#shown"].text == "tiny.png"
    # The keyboard's focus stays in the list.
    assert page.focused() == page[".choose"]
    assert page["#photos [role=status]"].text == "2 of 2 colorized"
    page["#clear"].click()
    assert not page["#viewer"].is_displayed()
    assert not page["#photos"].is_displayed()
    page.compare(photos / "camera.png")
    assert page["#photos [role=status]"].text == "1 of 1 colorized"


def test_sample_can_be_tried_and_waits_for_the_model(tmp_path):
    with static_site() as site, chromium(tmp_path) as browser:
        site.replaced[MODEL] = (built_app() / MODEL).read_bytes()
        site.halved = MODEL
        page = Page(browser, site.url, tmp_path / "downloads", is_ready=False)
        page["#sample"].click()
        told = r"The model is being loaded: 2\.\d of 5\.\d MB"
        page.until(lambda: re.search(told, page[".veil"].text))
        site.go_on.set()
        page.until(lambda: page["#split"].is_enabled())
        assert chroma_of_sides(page)[1] > COLORED


def test_magnified_photo_has_its_full_resolution(page, tmp_path):
    # Stripes of a pixel are grey in any smaller picture.
    stripes = np.zeros((1200, 3200), "uint8")
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    page.compare(tmp_path / "stripes.png")
    assert np.ptp(page.shown()[20:60, 100:300]) < 100
    for _ in range(5):
        page["#zoom-in"].click()
    page.until(lambda: np.ptp(page.shown()[20:60, 100:300]) > 200)
    frame = page[".comparison"]
    for _ in range(16):
        drag = ActionChains(page.browser, duration=0).move_to_element(frame)
        drag.move_by_offset(100, 0).click_and_hold()
        drag.move_by_offset(-400, 0).release().perform()
    left = page[".stage"].rect["x"] + page[".stage"].rect["width"]
    # The photo's right end at that of the frame.
    assert left == pytest.approx(frame.rect["x"] + frame.rect["width"], abs=1)


def test_transparent_photo_stays_so_in_png_and_is_white_in_jpeg(page, tmp_path):
    pixels = np.full((60, 80, 4), 100, "uint8")
    pixels[..., 3] = 255
    pixels[:30, :, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "half.png")
    page.compare(tmp_path / "half.png")
    with Image.open(page.save("PNG")) as saved:
        assert (np.asarray(saved)[..., 3] == pixels[..., 3]).all()
    # JPEG's own noise, away from the edge.
    assert pixels_of(page.save("JPEG"))[:20].min() > 250


def test_loss_of_16_bits_is_told(page, photos, tmp_path):
    deep = Image.fromarray(skimage.data.camera() * np.uint16(257))
    deep.save(tmp_path / "deep.png")
    page.compare(tmp_path / "deep.png")
    assert "Done. Colored with 8 of its 16 bits a channel" in page.rows()[0]
    assert_saved_as_in_python(page, photos / "camera.png")


@pytest.mark.parametrize("name", ["notes.txt", "cut.png"])
def test_bad_file_is_explained_and_the_others_go_on(page, photos, name):
    page.color(photos / name, photos / "camera.png")
    bad, good = page.rows()
    assert f"{name}\nFailed" in bad
    assert "This is not a photo that a browser can open" in bad
    assert "\nDone" in good
    assert page["#photos [role=status]"].text == "1 of 2 colorized, 1 failed"


@pytest.mark.parametrize("suffix", ["jpg", "bmp"])
def test_photo_that_is_too_large_is_refused(page, tmp_path, suffix):
    file = tmp_path / f"huge.{suffix}"
    Image.new("L", (10_100, 10_000)).save(file)
    page.color(file)
    assert "has 101,000,000 pixels, and at most 100,000,000" in page.rows()[0]


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        (MODEL, None, f"“{MODEL}” could not be loaded (error 404)"),
        (MODEL, b"<!DOCTYPE html>", f"“{MODEL}” is damaged or cut off"),
        (
            "wasm/litert_wasm_internal.js",
            None,
            "“wasm/”, is missing or damaged",
        ),
        ("wasm/litert_wasm_internal.wasm", b"cut", "is missing or damaged"),
    ],
)
def test_bad_part_is_explained_and_loaded_again(
    open_page, photos, file, content, sentence
):
    with static_site() as site:
        site.replaced[file] = content
        page = open_page(site.url)
        assert sentence in page["#model"].text
        page.color(photos / "camera.png", photos / "coffee.png")
        assert all(sentence in row for row in page.rows())
        del site.replaced[file]
        page[".retry"].send_keys(Keys.ENTER)
        page.until(lambda: "\nDone" in page.rows()[0])
        # The button is gone, the keyboard's focus still there.
        assert page.focused() == page[".choose"]
        assert "The model is ready" in page["#model"].text


def test_divider_moves_by_keyboard_and_pointer(page, photos):
    page.compare(photos / "coffee.png")
    page["#split"].send_keys(Keys.HOME)
    assert min(chroma_of_sides(page)) > COLORED
    page["#split"].send_keys(Keys.PAGE_UP * 5)
    left, right = chroma_of_sides(page)
    assert left < GREY
    assert right > COLORED
    page.saturate(2)
    # Double, but for clipped colors.
    page.until(lambda: chroma_of_sides(page)[1] > 1.7 * right)
    quarter = page[".comparison"].size["width"] // 4
    middle = ActionChains(page.browser).move_to_element(page[".comparison"])
    middle.click_and_hold().move_by_offset(-quarter, 0).release().perform()
    # Positions are whole percents.
    assert int(page["#split"].get_property("value")) == pytest.approx(25, abs=1)


def chroma_of_sides(page):
    """Left and right of the divider, above its handle and the badges."""
    shown = page.shown()
    height, width, _ = shown.shape
    top = shown[: height // 3]
    return chroma(top[:, : width * 2 // 5]), chroma(top[:, width * 3 // 5 :])


@pytest.mark.parametrize(
    "event",
    [
        "new DragEvent('drop', {dataTransfer, ...init})",
        "new ClipboardEvent('paste', {clipboardData: dataTransfer, ...init})",
    ],
)
def test_files_can_be_dropped_and_pasted(page, event):
    page.browser.execute_script(
        "const dataTransfer = new DataTransfer();"
        "dataTransfer.items.add(new File(['no photo'], 'given.png'));"
        "const init = {bubbles: true, cancelable: true};"
        f"document.body.dispatchEvent({event});"
    )
    page.until(page.rows)
    page.settle()
    assert "given.png\nFailed" in page.rows()[0]


def test_folder_can_be_dropped(page, photos):
    # With what else it holds: two photos and one that is broken.
    (photos / "more").mkdir(exist_ok=True)
    Image.open(photos / "tiny.png").save(photos / "more/inner.png")
    page.drop(photos)
    page.until(page.rows)
    page.settle()
    names = {row.split("\n")[0] for row in page.rows()}
    assert names == {*(f.name for f in photos.glob("*.[jp]*g")), "inner.png"}


def test_keyboard_reaches_every_control_and_each_has_a_name(page, photos):
    page.compare(photos / "camera.png", photos / "notes.txt")
    controls = page.all("main :is(input, button, select)")
    hidden = [page["#files"], page["#split"]]  # For the eye alone.
    expected = [
        control
        for control in controls
        if control in hidden or control.is_displayed() and control.is_enabled()
    ]
    reached = []
    for _ in range(len(expected) + 1):  # One step leaves the page.
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        reached.append(page.focused())
    assert set(expected) <= set(reached)
    names = [control.accessible_name for control in expected]
    assert len(names) > 8
    assert all(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", 0), ("dark", 1)])
def test_colors_of_the_page_follow_the_scheme(page, scheme, is_dark):
    page.set_window(1200, 900, scheme=scheme)
    body = page["body"].value_of_css_property("background-color")
    assert (max(map(int, re.findall(r"\d+", body)[:3])) < 64) == is_dark


def test_phone_offers_its_camera_and_nothing_to_scroll_sideways(page, photos):
    assert not page["label[for=camera]"].is_displayed()
    page.set_window(390, 844)
    assert page["label[for=camera]"].is_displayed()
    page.compare(photos / "camera.png", photos / "notes.txt")
    page["#camera"].send_keys(str(photos / "tiny.png"))
    page.settle()
    assert "tiny.png\nDone" in page.rows()[2]
    widths = "return [document.documentElement.scrollWidth, innerWidth]"
    assert page.browser.execute_script(widths) == [390, 390]


def test_app_can_be_installed(page):
    page.wait_until_kept()
    command = page.browser.execute_cdp_cmd
    found = command("Page.getInstallabilityErrors", {})
    assert found["installabilityErrors"] == []
    assert command("Page.getAppManifest", {})["errors"] == []
    for size in (192, 512):
        assert pixels_of(built_app() / f"icon_{size}.png").shape[0] == size
