"""The script that measures the page on the device, run for a moment."""

import subprocess
import sys

import pytest
from fixtures.built_page import built_page
from fixtures.page_driver import CHROMEDRIVER, CHROMIUM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and CHROMEDRIVER),
        reason="there is no chromium with chromedriver to open the page in",
    ),
]


def run_benchmark(*options):
    return subprocess.run(
        [sys.executable, "benchmarks/web.py", *map(str, options)],
        capture_output=True,
        text=True,
    )


def test_the_page_is_measured_beside_python():
    finished = run_benchmark(
        *("--page", built_page(), "--sizes", 60, 40),
        *("--photos", 1, "--repeats", 1),
    )
    assert finished.returncode == 0, finished.stderr
    header = "| decode | view | model | merge |"
    assert "| ms, 60 x 40" in finished.stdout
    assert header in " ".join(finished.stdout.split())
    assert finished.stdout.count("| Chromium ") == 4
    assert finished.stdout.count("| Python, LiteRT, ") in (1, 2)


def test_page_that_is_not_built_is_named(tmp_path):
    finished = run_benchmark("--page", tmp_path)
    assert finished.returncode == 1
    assert finished.stderr.endswith(": run `make web`.\n")
    assert str(tmp_path) in finished.stderr
