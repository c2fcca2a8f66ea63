"""The client with `python -m keras_colorizer serve`, both as users run them."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import skimage.data
from fixtures.colorizing_server import STATUS, free_port
from fixtures.embedded_server import serving
from PIL import Image

from keras_colorizer import Colorizer
from keras_colorizer.exporting.saved_model import write_saved_model

CLIENT = Path(__file__).parents[1] / "serving/client.py"
ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def model(tiny_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "colorizer"
    folder.mkdir()
    network = Colorizer.load(tiny_run.run_dir).network
    write_saved_model(network, folder / "1", max_pixels=10_000_000)
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    astronaut = Image.fromarray(skimage.data.astronaut()).resize((301, 200))
    camera = Image.fromarray(skimage.data.camera()).resize((200, 300))
    alpha = np.tile(np.linspace(0, 255, 301), (200, 1))
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    astronaut.save(folder / "color.png")
    camera.save(folder / "grey.png")
    Image.fromarray(np.uint16(camera) * 257).save(folder / "sixteen_bits.png")
    Image.fromarray(np.dstack([astronaut, np.uint8(alpha)])).save(
        folder / "translucent.png"
    )
    camera.save(folder / "turned.jpg", exif=turned)
    astronaut.convert("CMYK").save(folder / "print.jpg")
    astronaut.quantize(64).save(folder / "palette.gif")
    return folder


def client(photos, out, url, *options):
    return subprocess.Popen(
        [sys.executable, CLIENT, photos, "-o", out, "--url", url, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def as_png(folder, into):
    """The same photos under names whose results lose nothing."""
    into.mkdir()
    for path in folder.iterdir():
        (into / f"{path.stem}.png").write_bytes(path.read_bytes())
    return into


@pytest.mark.slow
def test_client_and_server_equal_colorize_to_one_level(model, photos, tmp_path):
    scans = as_png(photos, tmp_path / "scans")
    with (
        serving("--model", model) as server,
        client(scans, tmp_path / "out", server.url) as process,
    ):
        told, failed = process.communicate(timeout=120)
    assert f"{len(list(scans.iterdir()))} of" in told, failed
    colorizer = Colorizer.load(model)
    for path in scans.iterdir():
        expected = colorizer.colorize(path)
        with Image.open(tmp_path / "out" / path.name) as result:
            assert result.mode == expected.mode
            difference = np.int16(result) - np.int16(expected)
        # Servers decode, compute and round in another order, and are sent 8
        # of 16 bits.
        assert np.abs(difference).max() <= 1, path.name


def start(model, port):
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_colorizer", "serve"]
        + ["--model", model, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(600):
        try:
            httpx.get(f"http://127.0.0.1:{port}{STATUS}")
            return process
        except httpx.TransportError:
            time.sleep(0.1)
    return pytest.fail("The server does not start.")


@pytest.mark.slow
def test_a_server_killed_amid_requests_costs_no_photo(model, tmp_path):
    scans, out, port = tmp_path / "scans", tmp_path / "out", free_port()
    scans.mkdir()
    photo = Image.fromarray(skimage.data.camera()).resize((900, 900))
    for number in range(40):
        photo.rotate(number).save(scans / f"{number}.png")
    first = start(model, port)
    url = f"http://127.0.0.1:{port}"
    with client(scans, out, url, "--retries", "12") as process:
        while len(list(out.glob("[0-9]*"))) < 5:
            time.sleep(0.02)
        first.kill()
        first.wait()
        before = len(list(out.glob("[0-9]*")))
        second = start(model, port)
        told, failed = process.communicate(timeout=300)
        second.kill()
        second.wait()
    assert before < 40
    assert process.returncode == 0, failed
    assert "40 of 40 colored" in told
    names = sorted(path.name for path in out.iterdir())
    assert names == sorted(path.name for path in scans.iterdir())
    for path in out.iterdir():
        with Image.open(path) as result:
            assert np.asarray(result).shape == (900, 900, 3)
