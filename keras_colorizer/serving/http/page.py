"""The page to try the server on: a few files, read once, named in a table.

Beside it, where it is built, the page that colors photos in the browser.
"""

import html
import re
from importlib import resources
from pathlib import Path

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

import keras_colorizer

FOLDER = resources.files("keras_colorizer.serving") / "page"
INDEX = "index.html"
MODEL_MARK = 'data-model="colorizer"'  # In the index.
LINK = re.compile(r'\s*<p id="on-device">.*?</p>', re.DOTALL)
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Photos that were picked are shown from memory, as blob: or data:.
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}

ON_DEVICE_PATH = "/ondevice"
# What `make web` builds. It is no part of an installed package.
ON_DEVICE = Path(keras_colorizer.__file__).parents[1] / "ondevice/web/dist"
ON_DEVICE_HEADERS = HEADERS | {
    "content-security-policy": f"{POLICY}; script-src 'self' "
    "'wasm-unsafe-eval'",
    # Browsers give memory that threads share to pages of these alone.
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
}


def page_routes(
    model_name: str, *, on_device: Path = ON_DEVICE
) -> list[BaseRoute]:
    """Returns a route for each file: the index at /, others under /page/.

    Args:
        model_name: The model that the page sends photos to.
        on_device: The folder of the page that colors photos in the browser,
            which goes under /ondevice/, and is linked to, if it is there.
    """
    is_built = (on_device / INDEX).is_file()
    routes: list[BaseRoute] = [_route("/", INDEX, _index(model_name, is_built))]
    for file in FOLDER.iterdir():
        if file.name != INDEX and _suffix(file.name) in TYPES:
            path = f"/page/{file.name}"
            routes.append(_route(path, file.name, file.read_bytes()))
    if is_built:
        files = _OnDevice(directory=on_device, html=True)
        routes.append(Mount(ON_DEVICE_PATH, files))
    return routes


class _OnDevice(StaticFiles):
    """Files with the headers that let WebAssembly use threads."""

    def file_response(self, *args, **kwargs) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(ON_DEVICE_HEADERS)
        return response


def _index(model_name, links_on_device):
    text = (FOLDER / INDEX).read_text(encoding="utf-8")
    mark = f'data-model="{html.escape(model_name)}"'
    text = text.replace(MODEL_MARK, mark)
    if not links_on_device:
        text = LINK.sub("", text)
    return text.encode()


def _route(path, name, content):
    headers = HEADERS | {"content-type": TYPES[_suffix(name)]}

    async def respond(request):
        return Response(content, headers=headers)

    return Route(path, respond, methods=["GET"])


def _suffix(name):
    return name[name.rfind(".") :]
