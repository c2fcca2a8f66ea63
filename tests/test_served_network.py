"""A served model is one more network; its server may fail in any way.

The oracle is the same network without a server between.
"""

import gzip
import itertools
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import skimage.data
from fixtures.embedded_server import serving
from fixtures.free_port import free_port
from fixtures.photo_files import png
from fixtures.served_model import MODEL, Answer, error, metadata, running
from PIL import Image

from keras_colorizer import (
    Colorizer,
    ColorizerError,
    ColorizerWarning,
    ConfigError,
    MissingExtraError,
    ServingError,
)
from keras_colorizer.inference import rest_client, served_network
from keras_colorizer.photos import Photo, read_photo, write_photo

CLIENT = Path(__file__).parents[1] / "serving/client.py"
SERVER = Path(__file__).parent / "fixtures/served_model.py"
GREY = skimage.data.camera()[::4, ::4]
# L* goes there in four decimals, ab comes back in full.
LEVELS = 1


@pytest.fixture(scope="module")
def local():
    return Colorizer.from_preset("small")


@pytest.fixture(scope="module")
def running_server():
    with running() as server:
        yield server


@pytest.fixture
def server(running_server, monkeypatch):
    """A server without plans, and a client in a hurry."""
    monkeypatch.setattr(rest_client, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(served_network, "START_PATIENCE", 0.3)
    running_server.answers.clear()
    running_server.always = None
    running_server.requests.clear()
    return running_server


def scans(folder):
    """Photos that only a whole photo library reads right."""
    folder.mkdir()
    color = Image.fromarray(skimage.data.astronaut()).resize((301, 200))
    deep = np.uint16(skimage.data.camera()[:200, :300]) * 257
    turned = Image.Exif()
    turned[0x0112] = 6
    color.save(folder / "color.png")
    Image.fromarray(GREY).save(folder / "turned.png", exif=turned)
    write_photo(Photo(deep), folder / "grey_16.tif")
    write_photo(Photo(np.dstack([deep] * 3)), folder / "color_16.tif")
    write_photo(Photo(deep), folder / "grey_16.png")
    return sorted(folder.iterdir())


def assert_same_colors(one, other):
    assert one.pixels.dtype == other.pixels.dtype
    white = np.iinfo(one.pixels.dtype).max
    difference = np.abs(one.pixels.astype(float) - other.pixels) / white * 255
    assert difference.max() <= LEVELS


def test_a_served_model_colors_as_the_same_file_does(server, local, tmp_path):
    served = Colorizer.load(server.url)
    assert served.render_size == local.render_size
    for path in scans(tmp_path / "scans"):
        photo = read_photo(path)
        assert_same_colors(
            served.colorize_photo(photo), local.colorize_photo(photo)
        )


PASSING = {
    "busy": error(503, "the queue is full", Retry_After="0"),
    "busy in TF Serving": error(429, "Run() timeout exceeded"),
    "a proxy without its server": Answer(502, [b"<html>Bad Gateway"]),
    "connection lost": Answer(drop=True),
    "connection lost in an answer": Answer(
        body=[b"{"], headers={"Content-Length": "100"}
    ),
}


@pytest.mark.parametrize("kind", PASSING)
def test_passing_failures_are_asked_again(server, local, kind):
    served = Colorizer.load(server.url)
    server.answers.extend([PASSING[kind]] * 2)
    with pytest.warns(ColorizerWarning, match="Asking again"):
        result = served.colorize_photo(Photo(GREY))
    assert_same_colors(result, local.colorize_photo(Photo(GREY)))
    assert len(server.requests) == 4


@pytest.mark.filterwarnings("ignore::keras_colorizer.ColorizerWarning")
def test_a_server_that_is_gone_is_waited_for_once(server, monkeypatch):
    served = Colorizer.load(server.url)
    monkeypatch.setattr(served_network, "PATIENCE", 0.3)
    server.always = Answer(drop=True)
    for most in (20, 1):
        server.requests.clear()
        with pytest.raises(ServingError, match="is the server running"):
            served.colorize(GREY)
        assert 1 <= len(server.requests) <= most
    server.always = None
    served.colorize(GREY)
    monkeypatch.undo()
    server.answers.append(Answer(drop=True))
    served.colorize(GREY)  # It is waited for again.


@pytest.mark.parametrize("status", [302, 400, 404, 413, 500])
def test_refusals_are_told_in_one_line_and_not_repeated(server, status):
    served = Colorizer.load(server.url)
    server.answers.append(error(status, "no\nsuch \x1b[31mthing" + 999 * " x"))
    with pytest.raises(ServingError, match=f"{status}: no such") as caught:
        served.colorize(GREY)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "message",
    [
        "{{function_node __inference_wrapper_81}} {{function_node f}} no photo"
        "\n\t [[{{node map/while/Assert/Assert}}]]",
        "Graph execution error:\n\nno photo\n\t [[{{node Assert}}]] [Op:f_22]",
        "no photo\n\t [[node Assert (defined at a.py:3) ]]",
    ],
)
def test_refusals_name_no_nodes_of_the_graph(server, message):
    served = Colorizer.load(server.url)
    server.answers.append(error(400, message))
    with pytest.raises(ServingError, match="answers 400: no photo.$"):
        served.colorize(GREY)


AB = np.zeros((1, 224, 224, 2)).tolist()
PREDICTIONS = {
    "a list for the object": b"[]",
    "an object for the list": b'{"predictions": {"ab": 1}}',
    "too many": json.dumps({"predictions": AB * 2}).encode(),
    "ragged": b'{"predictions": [[1, 2], [3]]}',
    "words": json.dumps({"predictions": AB}).replace("0.0", '"a"').encode(),
    "not finite": json.dumps({"predictions": AB})
    .replace("0.0", "NaN", 1)
    .encode(),
    "a number too large": json.dumps({"predictions": AB})
    .replace("0.0", "1" * 400, 1)
    .encode(),
    "a number of many digits": b'{"predictions": ' + b"1" * 5000 + b"}",
    "a web page": b"<!doctype html>",
    "nothing": b"",
    "no text": b"\xff\xfe{}",
    "more values than ab has": b'{"predictions": [' + b"[]," * 200_000 + b"0]}",
    "a huge picture": png(40_000, 40_000, 8, 2, b""),
    "nested deeply": b'{"predictions": ' + b"[" * 100_000,
}


@pytest.mark.parametrize("kind", PREDICTIONS)
def test_answers_that_are_no_ab_are_a_sentence(server, kind):
    served = Colorizer.load(server.url)
    server.answers.append(Answer(body=[PREDICTIONS[kind]]))
    with pytest.raises(ServingError, match=re.escape(server.url)) as caught:
        served.colorize(GREY)
    assert len(str(caught.value)) < 500
    served.colorize(GREY)  # The others go on.


NESTED = b"[" * 30_000_000
ENDLESS = {
    "endless": Answer(body=itertools.repeat(b" " * 65536)),
    "slow": Answer(body=itertools.repeat(b" "), pause=0.05),
    "packed": Answer(
        body=[gzip.compress(NESTED)], headers={"Content-Encoding": "gzip"}
    ),
    "headers without an end": Answer(
        0,
        itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X")),
        pause=0.05,
    ),
    "no status": Answer(0, itertools.repeat(b"HTTP/1.1 100 C\r\n\r\n")),
    "a long refusal": Answer(400, itertools.repeat(b"x" * 65536)),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_answers_have_a_bound(server, kind, monkeypatch):
    served = Colorizer.load(server.url)
    monkeypatch.setattr(rest_client, "ANSWER_SECONDS", 1)
    server.answers.append(ENDLESS[kind])
    start = time.monotonic()
    with pytest.raises(ServingError, match="too much or too slowly|than JSON"):
        served.colorize(GREY)
    assert time.monotonic() - start < 5


def test_where_a_refusal_points_is_not_read(server):
    served = Colorizer.load(server.url)
    server.answers.append(error(302, "gone", Location="http://xn--/"))
    with pytest.raises(ServingError, match="302: gone"):
        served.colorize(GREY)


def test_hostile_answers_fail_a_photo_each_and_no_other(
    server, local, tmp_path
):
    photos, out = tmp_path / "scans", tmp_path / "out"
    photos.mkdir()
    endless = [ENDLESS[name] for name in ("endless", "packed")]
    hostile = [Answer(body=[each]) for each in PREDICTIONS.values()] + endless
    for number in range(len(hostile) + 4):
        Image.fromarray(np.roll(GREY, number)).save(photos / f"{number:02}.png")
    server.predictions.extend(hostile)
    url = server.url.removesuffix(MODEL)
    with client(photos, "-o", out, "--url", url) as process:
        told, failed = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "Traceback" not in failed
    done = {path.name for path in out.glob("*.png")}
    assert len(done) == 4
    for path in photos.iterdir():
        assert (path.name in done) != (path.name in failed)
    for name in done:
        expected = local.colorize_photo(read_photo(photos / name))
        assert_same_colors(read_photo(out / name), expected)


MODELS = {
    "no signatures": {},
    "another input": metadata(inputs="image"),
    "three channels": metadata(channels=3),
    "any size": metadata(-1),
    "a huge size": metadata(10**9),
    "an endless size": metadata("Infinity"),
}


@pytest.mark.parametrize("kind", MODELS)
def test_models_that_are_no_colorizer_are_named(server, kind):
    text = json.dumps(MODELS[kind]).replace('"Infinity"', "Infinity")
    server.answers.append(Answer(body=[text.encode()]))
    with pytest.raises(ServingError, match="is no colorizer"):
        Colorizer.load(server.url)


@pytest.mark.filterwarnings("ignore::keras_colorizer.ColorizerWarning")
def test_a_server_that_is_not_there_is_named_soon(server):
    url = f"http://127.0.0.1:{free_port()}{MODEL}"
    with pytest.raises(ServingError, match=f"{url} does not answer"):
        Colorizer.load(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://localhost:8501",
        "http://localhost:8501/colorizer",
        "http://localhost:8501/v1/models/colorizer:predict",
        "http://localhost:8501/v1/models/colorizer?verbose",
        "http://localhost:99999/v1/models/colorizer",
        "http://[::1/v1/models/colorizer",
        "http://a..b/v1/models/colorizer",
        "https://me:secret@host/v1/models",
    ],
)
def test_urls_of_no_model_are_refused(url):
    with pytest.raises(ConfigError, match="must be such as") as caught:
        Colorizer.load(url)
    assert "secret" not in str(caught.value)


def test_passwords_are_sent_and_never_shown(server):
    url = server.url.replace("http://", "http://me:secret@")
    served = Colorizer.load(f"{url}/")
    assert server.requests[0]["Authorization"].startswith("Basic ")
    server.answers.append(error(401, "who?"))
    with pytest.raises(ServingError, match=re.escape(server.url)) as caught:
        served.colorize(GREY)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
def test_proxies_of_the_environment_do_not_break_localhost(
    server, monkeypatch, name
):
    monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for host in ("127.0.0.1", "localhost"):
        Colorizer.load(server.url.replace("127.0.0.1", host)).colorize(GREY)


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("socks5://me:secret@localhost:1080", r"pip install \"httpx\[socks\]"),
        ("gopher://me:secret@localhost:70", "cannot be used"),
    ],
)
def test_unusable_proxies_are_a_sentence(proxy, words, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ServingError, match=words) as caught:
        Colorizer.load(f"http://colorizer.invalid{MODEL}")
    assert "secret" not in str(caught.value)


def test_without_httpx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx", None)
    for module in (rest_client, served_network):
        monkeypatch.delitem(sys.modules, module.__name__)
    with pytest.raises(MissingExtraError, match=r"keras-colorizer\[client\]"):
        Colorizer.load(f"http://localhost:8501{MODEL}")
    assert issubclass(MissingExtraError, ColorizerError | ImportError)


def started(port):
    process = subprocess.Popen([sys.executable, SERVER, str(port), "0.2"])
    for _ in range(600):
        try:
            httpx.get(f"http://127.0.0.1:{port}{MODEL}")
            return process
        except httpx.TransportError:
            time.sleep(0.05)
    return pytest.fail("The server does not start.")


def client(*arguments):
    return subprocess.Popen(
        [sys.executable, CLIENT, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_server_killed_amid_a_folder_costs_no_photo(local, tmp_path):
    photos, out, port = tmp_path / "scans", tmp_path / "out", free_port()
    photos.mkdir()
    for number in range(24):
        Image.fromarray(np.roll(GREY, number)).save(photos / f"{number}.png")
    first = started(port)
    with client(
        photos, "-o", out, "--url", f"http://127.0.0.1:{port}"
    ) as process:
        while len(list(out.glob("[0-9]*"))) < 3:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        first.kill()
        first.wait()
        before = len(list(out.glob("[0-9]*")))
        second = started(port)
        told, failed = process.communicate(timeout=120)
        second.kill()
        second.wait()
    assert before < 24
    assert process.returncode == 0, failed
    assert "24 of 24 colored" in told
    assert {p.name for p in out.iterdir()} == {p.name for p in photos.iterdir()}
    for path in out.iterdir():
        expected = local.colorize_photo(read_photo(photos / path.name))
        assert_same_colors(read_photo(path), expected)


@pytest.mark.slow
def test_the_embedded_server_gives_the_colors_of_colorize(local, tmp_path):
    photos = scans(tmp_path / "scans")
    out = tmp_path / "out"
    with (
        serving() as server,
        client(tmp_path / "scans", "-o", out, "--url", server.url) as process,
    ):
        told, failed = process.communicate(timeout=120)
    assert f"{len(photos)} of {len(photos)} colored" in told, failed
    for path in photos:
        expected = tmp_path / f"expected{path.suffix}"
        write_photo(local.colorize_photo(read_photo(path)), expected)
        assert_same_colors(read_photo(out / path.name), read_photo(expected))
