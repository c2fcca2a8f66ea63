"""The page that colors photos on the device: its parts, and the server's link.

The parts are tested in their own language, against the golden vectors.
"""

import asyncio
import subprocess
from pathlib import Path

import httpx
import pytest
from fixtures.built_page import why_no_node
from starlette.applications import Starlette

from keras_colorizer.serving.http.page import page_routes

WEB = Path(__file__).parents[1] / "ondevice/web"
TESTS = sorted(WEB.glob("test/*.test.js"))
PATIENCE = 60  # Seconds.


@pytest.mark.skipif(bool(why_no_node()), reason=why_no_node())
@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_parts_of_the_page_pass_their_own_tests(test):
    finished = subprocess.run(
        ["node", "--test", str(test)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert finished.returncode == 0, finished.stdout
    assert "\n# fail 0\n" in finished.stdout


def test_lock_file_names_no_registry():
    lock = (WEB / "package-lock.json").read_text()
    assert '"integrity"' in lock
    assert '"resolved"' not in lock


@pytest.fixture
def built(tmp_path):
    """A folder like that of the built page."""
    (tmp_path / "index.html").write_text("the page on the device")
    (tmp_path / "wasm").mkdir()
    (tmp_path / "wasm/runtime.wasm").write_bytes(b"\0asm")
    return tmp_path


class Server:
    """What answers a server that finds the page in a folder, or does not."""

    def __init__(self, folder):
        routes = page_routes("colorizer", on_device=folder)
        self.transport = httpx.ASGITransport(Starlette(routes=routes))

    def get(self, path):
        async def answer():
            async with httpx.AsyncClient(transport=self.transport) as client:
                return await client.get(f"http://server{path}")

        return asyncio.run(answer())


def test_server_links_to_the_page_where_it_is_built(built):
    server = Server(built)
    index = server.get("/").text
    assert 'id="on-device"><a href="ondevice/">' in index
    answer = server.get("/ondevice/")
    assert answer.text == "the page on the device"


def test_server_links_to_nothing_where_it_is_not_built(tmp_path):
    server = Server(tmp_path / "missing")
    assert "ondevice" not in server.get("/").text
    assert server.get("/ondevice/").status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize("path", ["", "index.html", "wasm/runtime.wasm"])
def test_server_lets_the_page_use_threads(built, path):
    headers = Server(built).get(f"/ondevice/{path}").headers
    # What browsers ask for before they share memory among threads: HTML
    # standard, "cross-origin isolated".
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-embedder-policy"] == "require-corp"
    assert "'wasm-unsafe-eval'" in headers["content-security-policy"]
    assert "'unsafe" not in headers["content-security-policy"]


def test_server_says_what_the_files_are(built):
    server = Server(built)
    types = {
        "index.html": "text/html; charset=utf-8",
        "wasm/runtime.wasm": "application/wasm",
    }
    for path, expected in types.items():
        answer = server.get(f"/ondevice/{path}")
        assert answer.headers["content-type"] == expected


def test_server_sends_nothing_from_outside_of_the_page(built):
    secret = built.with_name("secret.txt")
    secret.write_text("secret")
    server = Server(built)
    for path in (
        "../secret.txt",
        "%2e%2e/secret.txt",
        "wasm/..%2f..%2fsecret.txt",
    ):
        answer = server.get(f"/ondevice/{path}")
        assert answer.status_code == httpx.codes.NOT_FOUND
