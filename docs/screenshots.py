"""Takes the pictures of the web app in docs/, and draws its icons.

    make web
    python docs/screenshots.py

It needs selenium, Chromium and its chromedriver.
"""

import functools
import io
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import skimage.data
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

DOCS = Path(__file__).parent
WEB = DOCS.parent / "serving/web"
PHOTOS = ("astronaut", "camera", "coffee")
# Color scheme and size of the window, by the name of the picture.
PICTURES = {
    "web_app_light.webp": ("light", 1200, 820),
    "web_app_dark.webp": ("dark", 1200, 820),
    "web_app_phone.webp": ("light", 390, 844),
}
ICON_SIZES = (192, 512)
QUALITY = 90  # Of WebP: text stays sharp at a tenth of PNG's bytes.
PATIENCE = 120  # Seconds.
SUIT = (0.22, 0.75)  # Of the first photo.
SWATCH = 6
REST = 2  # Seconds, until the photo shows the hint in full.


def main():
    """Colors photos in the app, and saves pictures of the window."""
    with tempfile.TemporaryDirectory() as folder, served(WEB / "dist") as url:
        photos = black_and_white_photos(Path(folder))
        for name, (scheme, width, height) in PICTURES.items():
            with chromium() as browser:
                set_window(browser, scheme, width, height)
                browser.get(url)
                color(browser, photos)
                give_hint(browser)
                save(browser.get_screenshot_as_png(), DOCS / name)
    with chromium() as browser:
        set_window(browser, "light", 1200, 820)
        for size in ICON_SIZES:
            save(drawn_icon(browser, size), WEB / f"public/icon_{size}.png")


def black_and_white_photos(folder: Path) -> list[Path]:
    """Writes photos of scikit-image without their colors."""
    files = [folder / f"{name}.jpg" for name in PHOTOS]
    for name, file in zip(PHOTOS, files, strict=True):
        photo = Image.fromarray(getattr(skimage.data, name)())
        photo.convert("L").save(file, quality=95)
    return files


def set_window(
    browser: webdriver.Chrome, scheme: str, width: int, height: int
) -> None:
    """Sets the size of the window, and the scheme that the user prefers."""
    command, is_phone = browser.execute_cdp_cmd, width < 500
    size = {"width": width, "height": height, "deviceScaleFactor": 1}
    mobile = {"mobile": is_phone}
    command("Emulation.setDeviceMetricsOverride", size | mobile)
    command("Emulation.setTouchEmulationEnabled", {"enabled": is_phone})
    preferred = {"name": "prefers-color-scheme", "value": scheme}
    command("Emulation.setEmulatedMedia", {"features": [preferred]})


def color(browser: webdriver.Chrome, photos: list[Path]) -> None:
    """Picks photos in the app, and waits until all are colored and shown."""
    picker = browser.find_element(By.ID, "files")
    picker.send_keys("\n".join(map(str, photos)))
    all_done = f"{len(photos)} of {len(photos)} colorized"

    def is_finished(_):
        status = browser.find_element(By.CSS_SELECTOR, "#photos [role=status]")
        divider = browser.find_element(By.ID, "split")
        offline = browser.find_element(By.ID, "offline")
        return status.text == all_done and divider.is_enabled() and offline.text

    WebDriverWait(browser, PATIENCE).until(is_finished)


def give_hint(browser: webdriver.Chrome) -> None:
    """Opens the palette on the astronaut's suit, and chooses a color."""
    frame = browser.find_element(By.CSS_SELECTOR, ".comparison")
    x, y = (
        round(frame.size[side] * (share - 0.5))
        for side, share in zip(("width", "height"), SUIT, strict=True)
    )
    chain = ActionChains(browser).move_to_element_with_offset(frame, x, y)
    chain.click().perform()
    swatches = browser.find_elements(By.CSS_SELECTOR, ".swatches button")
    swatches[SWATCH].click()
    time.sleep(REST)


def drawn_icon(browser: webdriver.Chrome, size: int) -> bytes:
    """Returns a PNG of the icon, as phones want it."""
    browser.execute_script(
        "const [icon, size] = arguments, { style } = document.body;"
        "document.body.innerHTML = icon;"
        "document.body.firstElementChild.setAttribute('width', size);"
        "style.margin = 0; style.background = '#fbfaf8';",
        (WEB / "public/icon.svg").read_text(),
        size,
    )
    return browser.find_element(By.TAG_NAME, "svg").screenshot_as_png


def save(png: bytes, path: Path) -> None:
    """Writes a picture, and prints its size."""
    with Image.open(io.BytesIO(png)) as picture:
        rgb = picture.convert("RGB")
    rgb.save(path, optimize=True, quality=QUALITY, method=6)
    print(f"{path}: {path.stat().st_size:,} bytes")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serves a folder on a free port, and yields the URL."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


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


if __name__ == "__main__":
    main()
