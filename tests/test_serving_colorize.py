"""Photos in, photos out: `/colorize`, the signatures, and the page."""

import base64
import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import skimage.data
import tensorflow as tf
import tifffile
from fixtures.embedded_server import PATIENCE, running
from PIL import Image
from selenium.webdriver.support.wait import WebDriverWait

from keras_colorizer import Colorizer
from keras_colorizer.photos import read_photo
from keras_colorizer.pretrained import TFLITE, pretrained_file
from keras_colorizer.serving import app
from keras_colorizer.serving.limits import Limits
from keras_colorizer.serving.server import load_model

PREDICT = "/v1/models/colorizer:predict"
BIT_DEPTH = 24  # The byte of a PNG.


@contextmanager
def served(*, has_web_app=True, **changes):
    """The pretrained model, with roomy limits."""
    limits = {"body_bytes": 2**24, "seconds": 60, "waiting": 64, "origins": ()}
    model = load_model(str(pretrained_file("small", TFLITE)), max_pixels=2**20)
    limits = Limits(**limits | changes)
    api = app.Api("colorizer", model, limits, has_web_app=has_web_app)
    with running(api.app(hosts=["127.0.0.1"])) as server:
        yield server


@pytest.fixture(scope="module")
def server():
    with served() as server:
        yield server


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer.from_preset("small")


def grey(width=96, height=64):
    return Image.fromarray(skimage.data.camera()).resize((width, height))


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def deep_tiff():
    levels = np.asarray(grey(), "uint16") * np.uint16(257)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, levels + np.arange(96, dtype="uint16"))
    return buffer.getvalue()


ROTATED = Image.Exif()
ROTATED[0x0112] = 6  # The orientation.
TRANSPARENT = Image.merge("LA", [grey(), grey()]).convert("RGBA")
PHOTOS = {
    "jpeg": encoded(grey(), "JPEG"),
    "png": encoded(grey(), "PNG"),
    "webp": encoded(grey(), "WEBP"),
    "bmp": encoded(grey(), "BMP"),
    "gif": encoded(grey(), "GIF"),
    "tiff": encoded(grey(), "TIFF", compression="tiff_lzw"),
    "cmyk": encoded(grey().convert("CMYK"), "JPEG"),
    "rotated": encoded(grey(), "JPEG", exif=ROTATED),
    "transparent": encoded(TRANSPARENT, "PNG"),
    "16 bits": deep_tiff(),
    "one pixel": encoded(grey(1, 1), "PNG"),
}


def b64(file):
    return {"b64": base64.b64encode(file).decode()}


def predict(server, *files):
    body = {"instances": [b64(file) for file in files]}
    return server.client.post(PREDICT, json=body)


@pytest.mark.parametrize("name", PHOTOS)
def test_photos_of_every_format_are_colored_as_by_colorize(
    name, server, colorizer
):
    file = PHOTOS[name]
    response = server.client.post("/colorize", content=file)
    assert response.headers["Content-Type"] == "image/png"
    expected = colorizer.colorize_photo(read_photo(file))
    is_deep = name == "16 bits"
    assert response.content[BIT_DEPTH] == (16 if is_deep else 8)
    decoded = tf.io.decode_png(
        response.content, dtype=tf.uint16 if is_deep else tf.uint8
    ).numpy()
    np.testing.assert_array_equal(decoded[..., :3], expected.pixels)
    shown = Image.open(io.BytesIO(response.content))
    assert shown.mode == colorizer.colorize(file).mode
    (row,) = predict(server, file).json()["predictions"]
    assert base64.b64decode(row["b64"]) == response.content


def test_photos_come_as_bodies_and_as_forms(server):
    file = PHOTOS["jpeg"] + b"\r\n--boundary\r\n\r\n"  # As if it ended.
    expected = server.client.put("/colorize", content=file).content
    form = {"data": {"note": "text"}, "files": {"photo": ("old.jpg", file)}}
    assert server.client.post("/colorize", **form).content == expected
    form = {"files": {"note": (None, "text")}}
    response = server.client.post("/colorize", **form)
    assert response.status_code == 400
    assert response.json() == {"error": "The form holds no file."}


@pytest.mark.parametrize("saturation", ["0", "1", ".5", "2.", "auto"])
def test_saturation_is_that_of_colorize(saturation, server, colorizer):
    file = PHOTOS["png"]
    path = f"/colorize?saturation={saturation}"
    png = server.client.post(path, content=file).content
    factor = saturation if saturation == "auto" else float(saturation)
    expected = colorizer.colorize(file, saturation=factor)
    assert Image.open(io.BytesIO(png)).convert("RGB") == expected
    for wrong in ("-1", "nan", "much", ""):
        path = f"/colorize?saturation={wrong}"
        response = server.client.post(path, content=file)
        assert response.status_code == 400
        assert "saturation must be a number" in response.json()["error"]


def test_pixels_and_lightness_have_signatures_too(server, colorizer, rng):
    rgb = np.asarray(grey(6, 4).convert("RGB"))
    body = {"signature_name": "colorize", "inputs": {"rgb": [rgb.tolist()]}}
    (found,) = server.client.post(PREDICT, json=body).json()["outputs"]
    np.testing.assert_array_equal(found, np.asarray(colorizer.colorize(rgb)))
    side = colorizer.render_size
    lightness = rng.uniform(0, 100, (2, side, side, 1)).astype("float32")
    body = {"signature_name": "predict_ab", "instances": lightness.tolist()}
    found = server.client.post(PREDICT, json=body).json()["predictions"]
    np.testing.assert_allclose(found, colorizer.predict_ab(lightness), atol=0)


@pytest.mark.parametrize(
    ("signature", "value"),
    [
        ("predict_ab", [[[[1.0]]]]),
        ("predict_ab", [1.0]),
        ("predict_ab", 1.0),
        ("colorize", [[[[1, 2]]], [[[1]]]]),
        ("colorize", [[]]),
        ("colorize", [3]),
        ("colorize", [[[[256, 0, 0]]]]),
        ("serving_default", [["a", "b"]]),
        ("serving_default", [b64(b"no photo")]),
        ("serving_default", [b64(PHOTOS["png"][:500])]),
        ("serving_default", [b64(b"")]),
    ],
)
def test_wrong_inputs_are_refused(signature, value, server):
    body = {"signature_name": signature, "inputs": value}
    response = server.client.post(PREDICT, json=body)
    assert response.status_code == 400
    assert response.json()["error"]


def test_a_bad_photo_fails_alone(server, colorizer):
    files = [encoded(grey(50 + n, 40), "PNG") for n in range(24)]
    files[5], files[11] = files[5][:500], b"no photo"
    with ThreadPoolExecutor(len(files)) as clients:
        answers = list(clients.map(lambda file: predict(server, file), files))
    for n, (file, answer) in enumerate(zip(files, answers, strict=True)):
        if n in (5, 11):
            assert answer.status_code == 400
            assert answer.json()["error"].startswith("`image_bytes` element 0")
        else:
            (row,) = answer.json()["predictions"]
            shown = Image.open(io.BytesIO(base64.b64decode(row["b64"])))
            assert shown.convert("RGB") == colorizer.colorize(file)
    assert "element 1: " in predict(server, files[0], b"").json()["error"]


def test_photos_above_the_pixel_limit_are_refused(server):
    at_limit, above = (
        encoded(Image.new("1", (n, 1024)), "PNG") for n in (1024, 1025)
    )
    responses = (
        predict(server, above),
        server.client.post("/colorize", content=above),
    )
    for response in responses:
        assert response.status_code == 400
        assert "1,048,576" in response.json()["error"]
    assert server.client.post("/colorize", content=at_limit).is_success


@pytest.mark.parametrize("part", [b"--a", b"--a\r\nx; name=hints\r\n\r\n{}"])
def test_forms_of_many_parts_are_refused_at_once(part, server):
    kind = {"Content-Type": "multipart/form-data; boundary=a"}
    body = 2**24 // len(part) * part
    response = server.client.post("/colorize", content=body, headers=kind)
    assert response.status_code == 400
    assert response.json() == {"error": "The form has too many parts."}


FOREIGN = {"Origin": "https://elsewhere.example"}


def test_pages_of_other_servers_may_not_ask(server):
    own = {"Origin": server.url}
    for path in ("/colorize", PREDICT):
        for headers in (FOREIGN, {"Origin": "null"}, {"Origin": "http://["}):
            response = server.client.post(path, headers=headers)
            assert response.status_code == 403
        assert server.client.post(path, headers=own).status_code == 400
    rebound = server.client.get("/healthz", headers={"Host": "evil.example"})
    assert rebound.status_code == 400


@pytest.mark.parametrize("origins", [("*",), (FOREIGN["Origin"],)])
def test_pages_that_are_named_may_ask(origins):
    with served(origins=origins) as server:
        response = server.client.post(
            "/colorize", content=PHOTOS["png"], headers=FOREIGN
        )
        assert response.is_success
        allowed = response.headers["Access-Control-Allow-Origin"]
        assert allowed == origins[0]
        asked = {"Access-Control-Request-Method": "POST"}
        preflight = server.client.options(PREDICT, headers=FOREIGN | asked)
        assert preflight.is_success


def test_the_web_app_is_served_where_it_is_built(tmp_path, monkeypatch):
    monkeypatch.setattr(app, "WEB", tmp_path)
    (tmp_path / "assets").mkdir()
    files = {
        "index.html": "text/html; charset=utf-8",
        "service_worker.js": "text/javascript; charset=utf-8",
        "ab_float16.tflite": "application/octet-stream",
        "assets/app-1a2b3c.js": "text/javascript; charset=utf-8",
        "assets/litert.wasm": "application/wasm",
    }
    for name in files:
        (tmp_path / name).write_text(name)
    with served() as server:
        for name, kind in files.items():
            response = server.client.get(f"/{name}")
            assert response.text == name
            assert response.headers["Content-Type"] == kind
            caching = response.headers["Cache-Control"]
            assert ("immutable" in caching) == name.startswith("assets/")
            assert "Cross-Origin-Embedder-Policy" in response.headers
        again = {"If-None-Match": response.headers["ETag"]}
        assert server.client.get(f"/{name}", headers=again).status_code == 304
        assert server.client.get("/").text == "index.html"
        assert server.client.get("/../app.py").status_code == 404
        assert server.client.get("/%2e%2e/app.py").status_code == 404
        assert server.client.get("/v1/models/colorizer").is_success
    # It would color with the model that it holds, not with the one served.
    with served(has_web_app=False) as server:
        assert 'action="colorize"' in server.client.get("/").text


DRAWN = """
const canvas = document.createElement("canvas");
[canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
canvas.getContext("2d").drawImage(image, 0, 0);
return canvas.toDataURL().split(",")[1];
"""


@pytest.mark.skipif(not shutil.which("chromedriver"), reason="no Chromium")
def test_the_plain_page_colors_a_photo(
    request, tmp_path, monkeypatch, colorizer
):
    browser = request.getfixturevalue("browser")
    monkeypatch.setattr(app, "WEB", tmp_path)
    photo, text = tmp_path / "old.png", tmp_path / "text.png"
    photo.write_bytes(PHOTOS["png"])
    text.write_bytes(b"no photo")
    with served() as server:
        browser.get(server.url)
        state = browser.find_element("id", "status")
        wait = WebDriverWait(browser, PATIENCE)
        browser.find_element("id", "photo").send_keys(str(photo))
        wait.until(lambda _: state.text == "Done.")
        link = browser.find_element("id", "download")
        assert link.get_attribute("download") == "old_colored.png"
        drawn = base64.b64decode(browser.execute_script(DRAWN))
        shown = Image.open(io.BytesIO(drawn)).convert("RGB")
        assert shown == colorizer.colorize(photo)
        browser.find_element("id", "photo").send_keys(str(text))
        wait.until(lambda _: "photo" in state.text)
        assert not browser.find_element("id", "result").is_displayed()
    log = browser.get_log("browser")
    assert not [entry for entry in log if "Policy" in entry["message"]]
