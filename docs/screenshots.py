"""Makes the README's picture of the page to try a server on.

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

import skimage.data
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

TARGET = Path(__file__).with_name("serving_page.png")
PHOTOS = ("astronaut", "camera", "coffee")
WINDOW = {"width": 1200, "height": 820, "deviceScaleFactor": 1, "mobile": False}
COLORS = 256  # Half the bytes.
PATIENCE = 120  # Seconds.


def main():
    """Serves the pretrained model, colors photos on the page and saves it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        served() as url,
        chromium() as browser,
    ):
        browser.get(url)
        color(browser, black_and_white_photos(Path(folder)))
        screenshot = Image.open(io.BytesIO(browser.get_screenshot_as_png()))
    rgb = screenshot.convert("RGB")
    # With a palette of its own, so that Pillow dithers.
    few_colors = rgb.quantize(palette=rgb.quantize(COLORS, kmeans=3))
    few_colors.save(TARGET, optimize=True)
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")


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
    """Starts Chromium without a window, of the size of the picture."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for flag in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(flag)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    browser = webdriver.Chrome(options=options, service=service)
    try:
        set_metrics = "Emulation.setDeviceMetricsOverride"
        browser.execute_cdp_cmd(set_metrics, WINDOW)
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
