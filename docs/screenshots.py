"""Makes the README's pictures of the two pages, and the icons of one.

    make web
    python docs/screenshots.py

It needs selenium, Chromium and its chromedriver.
"""

import io
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import skimage.data
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

DOCS = Path(__file__).parent
ICON = DOCS.parent / "keras_colorizer/serving/page/icon.svg"
ICON_SIZES = (192, 512)
ICON_FOLDER = DOCS.parent / "ondevice/web/public"
PHOTOS = ("astronaut", "camera", "coffee")
COLORS = 256  # Half the bytes.
PATIENCE = 120  # Seconds.


class Picture(NamedTuple):
    """A picture to make.

    Attributes:
        name: Of the file.
        path: Of the page, on the server.
        scheme: That the user prefers.
        width: Of the window, in pixels.
        height: Of the window, in pixels.
    """

    name: str
    path: str
    scheme: str = "light"
    width: int = 1200
    height: int = 820


PICTURES = (
    Picture("serving_page.png", "/"),
    Picture("on_device_light.png", "/ondevice/"),
    Picture("on_device_dark.png", "/ondevice/", "dark"),
    Picture("on_device_phone.png", "/ondevice/", "light", 390, 844),
)


def main():
    """Serves the pretrained model, colors photos on the pages, saves them."""
    with chromium() as browser:
        for size in ICON_SIZES:
            draw_icon(browser, size)
    with tempfile.TemporaryDirectory() as folder, served() as url:
        photos = black_and_white_photos(Path(folder))
        for picture in PICTURES:
            with chromium() as browser:
                take(browser, url, picture, photos)


def take(
    browser: webdriver.Chrome, url: str, picture: Picture, photos: list[Path]
) -> None:
    """Colors photos on a page, and saves what it looks like."""
    set_window(browser, picture)
    browser.get(url + picture.path)
    color(browser, photos)
    rgb = screenshot(browser).convert("RGB")
    # With a palette of its own, so that Pillow dithers.
    few_colors = rgb.quantize(palette=rgb.quantize(COLORS, kmeans=3))
    save(few_colors, DOCS / picture.name)


def draw_icon(browser: webdriver.Chrome, size: int) -> None:
    """Draws the icon in pixels, as phones want it."""
    set_window(browser, PICTURES[0])
    browser.get("about:blank")
    browser.execute_script(
        "const [icon, size] = arguments, { style } = document.body;"
        "document.body.innerHTML = icon;"
        "document.body.firstElementChild.setAttribute('width', size);"
        "style.margin = 0; style.background = '#fbfaf8';",
        ICON.read_text(),
        size,
    )
    icon = browser.find_element(By.TAG_NAME, "svg").screenshot_as_png
    with Image.open(io.BytesIO(icon)) as image:
        save(image.convert("RGB"), ICON_FOLDER / f"icon_{size}.png")


def save(picture: Image.Image, path: Path) -> None:
    """Writes a picture, and says how large it is."""
    picture.save(path, optimize=True)
    print(f"{path}: {path.stat().st_size:,} bytes")


def set_window(browser: webdriver.Chrome, picture: Picture) -> None:
    """Sets the window's size, and the scheme that the user prefers."""
    command, is_phone = browser.execute_cdp_cmd, picture.width < 500
    window = {
        "width": picture.width,
        "height": picture.height,
        "deviceScaleFactor": 1,
        "mobile": is_phone,
    }
    command("Emulation.setDeviceMetricsOverride", window)
    command("Emulation.setTouchEmulationEnabled", {"enabled": is_phone})
    scheme = {"name": "prefers-color-scheme", "value": picture.scheme}
    command("Emulation.setEmulatedMedia", {"features": [scheme]})


def screenshot(browser: webdriver.Chrome) -> Image.Image:
    """Returns what the window shows."""
    return Image.open(io.BytesIO(browser.get_screenshot_as_png()))


@contextmanager
def served() -> Iterator[str]:
    """Starts a server on a free port and yields its URL."""
    command = [sys.executable, "-m", "keras_colorizer", "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            printed = iter(process.stdout or ())
            found = (re.search(r"http://\S+:\d+", line) for line in printed)
            yield next(match[0] for match in found if match)
        finally:
            process.terminate()


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """Starts Chromium without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for flag in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(flag)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    browser = webdriver.Chrome(options=options, service=service)
    try:
        yield browser
    finally:
        browser.quit()


def black_and_white_photos(folder: Path) -> list[Path]:
    """Writes photos of scikit-image without their colors."""
    files = [folder / f"{name}.jpg" for name in PHOTOS]
    for name, file in zip(PHOTOS, files, strict=True):
        photo = Image.fromarray(getattr(skimage.data, name)())
        photo.convert("L").save(file, quality=95)
    return files


def color(browser: webdriver.Chrome, photos: list[Path]) -> None:
    """Picks photos on the page, and waits until all are colored and shown."""
    picker = browser.find_element(By.ID, "files")
    picker.send_keys("\n".join(map(str, photos)))
    all_done = f"{len(photos)} of {len(photos)} colorized"

    def is_finished(_):
        status = browser.find_element(By.CSS_SELECTOR, "#photos [role=status]")
        divider = browser.find_element(By.ID, "split")
        return status.text == all_done and divider.is_enabled()

    WebDriverWait(browser, PATIENCE).until(is_finished)


if __name__ == "__main__":
    main()
