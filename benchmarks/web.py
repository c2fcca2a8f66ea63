"""Milliseconds of the page that colors photos in the browser.

Run it as `make web && python benchmarks/web.py`. It needs selenium, Chromium
and its chromedriver.
"""

import functools
import io
import json
import shutil
import statistics
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tyro
from measuring import (
    interleaved_medians,
    median_seconds,
    print_machine,
    print_table,
)
from natural_photos import write_large
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from keras_colorizer.chroma import steps
from keras_colorizer.litert import available_cores, signature_runner

PAGE = Path(__file__).parents[1] / "ondevice/web/dist"
MODEL = "ab_float16.tflite"
# Browsers let threads share memory in pages that come with these.
ISOLATING = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
MEASURES = ("decode", "view", "model", "merge", "PNG", "JPEG")
ENCODE = "encode"  # How the page names what it does for both formats.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
)
TRACED = {"traceCategories": "blink.user_timing", "enableNetwork": False}
PATIENCE = 300  # Seconds.


def main(
    *,
    page: Path = PAGE,
    sizes: tuple[tuple[int, int], ...] = ((1024, 1024), (4000, 3000)),
    photos: int = 5,
    repeats: int = 3,
) -> None:
    """Measures the page in Chromium beside Python on the same machine.

    Decode is from the file to pixels, view from these to the square that the
    network sees, model the network alone, merge from ab to colored pixels, PNG
    and JPEG from these to a file. The page is measured by its own marks, in
    the workers in which it computes, without the first photo. Python runs the
    same network on LiteRT, Pillow for files, and all else as `colorize` does,
    on every core.

    At last, how long after it was asked for the page can be used, and how long
    until it has loaded the model and can color.

    Args:
        page: The built page.
        sizes: Width and height of the photos, grey JPEGs.
        photos: That a browser colors, of which the median is taken.
        repeats: Rounds of which the median is taken.
    """
    if not (page / MODEL).is_file():
        raise SystemExit(f"There is no {page / MODEL}: run `make web`.")
    print_machine("ai-edge-litert", "pillow")
    with TemporaryDirectory() as folder:
        for size in sizes:
            photo = Path(folder, f"{size[0]}x{size[1]}.jpg")
            write_large(photo, size=size, mode="L")
            _compare(page, photo, size, photos, repeats)
    starts = {
        name: functools.partial(_start, page, headers)
        for name, headers in _browsers().items()
    }
    print_table(
        ["the page", "can be used, ms", "can color, ms"],
        [
            (name, *times)
            for name, times in interleaved_medians(
                starts, repeats=repeats
            ).items()
        ],
    )


def _browsers():
    many = f"Chromium {_version()}, {available_cores()} threads"
    return {f"Chromium {_version()}, 1 thread": {}, many: ISOLATING}


@functools.cache
def _version():
    with _chromium() as browser:
        return browser.capabilities["browserVersion"].partition(".")[0]


def _compare(page, photo, size, photos, repeats):
    measures: dict[str, Callable[[], Sequence[float]]] = {}
    for name, headers in _browsers().items():
        measures[name] = functools.partial(
            _in_browser, page, headers, photo, photos
        )
    for threads in sorted({1, available_cores()}):
        name = f"Python, LiteRT, {threads} thread{'s' * (threads > 1)}"
        measures[name] = functools.partial(
            _in_python, page / MODEL, photo, threads
        )
    medians = interleaved_medians(measures, repeats=repeats)
    model = MEASURES.index("model")
    fastest = min(row[model] for row in medians.values())
    print_table(
        [f"ms, {size[0]} x {size[1]}", *MEASURES, "model, times"],
        [(name, *row, row[model] / fastest) for name, row in medians.items()],
    )


def _in_browser(page, headers, photo, count):
    """Colors a photo again and again, and saves it each time."""
    with _served(page, headers) as url, _chromium() as browser:
        browser.get(url)
        _wait(browser, lambda: "ready" in _text(browser, "#model"))
        for number in range(1, count + 2):
            browser.find_element(By.ID, "files").send_keys(str(photo))
            over = f"{number} of {number} colorized"
            status = "#photos [role=status]"
            _wait(browser, lambda: over in _text(browser, status))  # noqa: B023
            for format in ("PNG", "JPEG"):
                _save(browser, format)
        return _medians(browser.get_log("performance"))


def _save(browser, format):
    Select(browser.find_element(By.ID, "format")).select_by_visible_text(format)
    browser.find_element(By.ID, "download").click()
    # Until then the page says that it prepares the file.
    _wait(browser, lambda: not _text(browser, "#viewer .note"))


def _medians(log):
    """Of the page's own measures, but for the first ones."""
    spans: dict[str, list[float]] = defaultdict(list)
    for entry in log:
        event = json.loads(entry["message"])["message"]["params"]
        if event.get("ph") == "b":
            spans[event["name"]].append(-event["ts"])
        elif event.get("ph") == "e":
            spans[event["name"]][-1] += event["ts"]
    encode = spans[ENCODE]
    spans["PNG"], spans["JPEG"] = encode[::2], encode[1::2]
    return [statistics.median(spans[name][1:]) / 1e3 for name in MEASURES]


def _in_python(model, photo, threads):
    run = signature_runner(model, "predict_ab", threads=threads)
    side = int(run.get_input_details()["lightness"]["shape"][1])
    pixels = _decoded(photo)
    lightness = steps.photo_lightness(pixels)
    view = steps.network_view(lightness, side)
    ab = run(lightness=view)["ab"][0]
    rgb = steps.merge(lightness, ab, np.uint8)
    actions = (
        lambda: _decoded(photo),
        lambda: steps.network_view(steps.photo_lightness(pixels), side),
        lambda: run(lightness=view),
        lambda: steps.merge(lightness, ab, np.uint8),
        lambda: Image.fromarray(rgb).save(io.BytesIO(), "PNG"),
        lambda: Image.fromarray(rgb).save(io.BytesIO(), "JPEG", quality=95),
    )
    return [1e3 * median_seconds(action) for action in actions]


def _decoded(photo):
    with Image.open(photo) as image:
        return np.asarray(image)


def _start(page, headers):
    with _served(page, headers) as url, _chromium() as browser:
        browser.get(url)
        usable = browser.execute_script(
            "return performance.getEntriesByType('navigation')[0]"
            ".domContentLoadedEventEnd"
        )
        _wait(browser, lambda: "ready" in _text(browser, "#model"))
        colors = browser.execute_script("return performance.now()")
        return float(usable), float(colors)


def _text(browser, selector):
    return browser.find_element(By.CSS_SELECTOR, selector).text


def _wait(browser, condition):
    wait = WebDriverWait(browser, PATIENCE, poll_frequency=0.02)
    wait.until(lambda _: condition())


@contextmanager
def _served(page, headers) -> Iterator[str]:
    handler = functools.partial(_Handler, headers, directory=str(page))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, more_headers, *args, **kwargs):
        self._more_headers = more_headers
        super().__init__(*args, **kwargs)

    def end_headers(self):
        for name, value in self._more_headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_):
        """Nothing: it would be between the tables."""


@contextmanager
def _chromium() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    options.add_experimental_option("perfLoggingPrefs", TRACED)
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with TemporaryDirectory() as folder:
        preferences = {
            "download.default_directory": folder,
            "profile.default_content_setting_values.automatic_downloads": 1,
        }
        options.add_experimental_option("prefs", preferences)
        browser = webdriver.Chrome(options=options, service=service)
        try:
            yield browser
        finally:
            browser.quit()


if __name__ == "__main__":
    tyro.cli(main)
