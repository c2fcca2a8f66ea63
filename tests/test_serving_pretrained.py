"""The server that a user gets with no model: photos in, photos out."""

import base64
import io
import struct
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from fixtures.embedded_server import serving
from PIL import Image

from keras_colorizer import Colorizer
from keras_colorizer.pretrained import KERAS, pretrained_file

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer.load(pretrained_file("small", KERAS))


def photo(width, height):
    image = Image.fromarray(skimage.data.astronaut()).resize((width, height))
    file = io.BytesIO()
    image.convert("L").save(file, "PNG")
    return file.getvalue()


def white_png(width, height):
    """A small file of many pixels."""
    rows = zlib.compress(bytes(width // 8 + 1) * height)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
        (b"IDAT", rows),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def predict(server, *files):
    rows = [{"b64": base64.b64encode(file).decode()} for file in files]
    return server.predict({"instances": rows}, model="colorizer")


def pixels(row):
    return Image.open(io.BytesIO(base64.b64decode(row["b64"])))


def assert_colored(response, colorizer, *files):
    rows = response.json()["predictions"]
    for row, file in zip(rows, files, strict=True):
        difference = np.asarray(pixels(row)).astype(int)
        difference -= np.asarray(colorizer.colorize(file))
        assert np.abs(difference).max() <= 1


def test_photos_get_the_colors_of_the_pretrained_network(server, colorizer):
    files = [photo(300, 200), photo(64, 300), photo(1, 1)]
    assert_colored(predict(server, *files), colorizer, *files)


def test_a_bad_photo_spoils_none_that_comes_with_it(server, colorizer):
    files = [photo(100 + n, 80) for n in range(24)]
    files[5] = files[5][:-20]
    files[11] = b"no photo"
    with ThreadPoolExecutor(len(files)) as clients:
        responses = list(clients.map(lambda file: predict(server, file), files))
    for n, (file, response) in enumerate(zip(files, responses, strict=True)):
        if n in (5, 11):
            assert response.status_code == 400
            assert "`image_bytes` element 0 " in response.json()["error"]
        else:
            assert_colored(response, colorizer, file)


def test_photos_above_the_pixel_limit_are_refused(server):
    response = predict(server, white_png(10_000, 10_000))
    assert response.status_code == 400
    assert response.json()["error"].startswith(
        "assertion failed: [`image_bytes` element 0 has 10000 x 10000 pixels, "
        "more than the limit of 50,000,000: reduce it."
    )


def test_its_state_and_signatures_are_told(server):
    status = server.client.get("/v1/models/colorizer").json()
    (version,) = status["model_version_status"]
    assert (version["version"], version["state"]) == ("1", "AVAILABLE")
    metadata = server.client.get("/v1/models/colorizer/metadata").json()
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "colorize", "predict_ab"} <= signatures.keys()
    assert signatures["colorize"]["inputs"]["rgb"]["dtype"] == "DT_UINT8"


def test_it_leaves_nothing_behind():
    def folders():
        return set(Path(tempfile.gettempdir()).glob("keras_colorizer_*"))

    before = folders()
    with serving():
        assert len(folders() - before) == 1
    assert folders() <= before
