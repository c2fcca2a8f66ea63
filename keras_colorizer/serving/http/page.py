"""The page to try the server on: a few files, read once, named in a table."""

import html
from importlib import resources

from starlette.responses import Response
from starlette.routing import Route

FOLDER = resources.files("keras_colorizer.serving") / "page"
INDEX = "index.html"
MODEL_MARK = 'data-model="colorizer"'  # In the index.
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


def page_routes(model_name: str) -> list[Route]:
    """Returns a route for each file: the index at /, others under /page/.

    Args:
        model_name: The model that the page sends photos to.
    """
    routes = [_route("/", INDEX, _index(model_name))]
    for file in FOLDER.iterdir():
        if file.name != INDEX and _suffix(file.name) in TYPES:
            path = f"/page/{file.name}"
            routes.append(_route(path, file.name, file.read_bytes()))
    return routes


def _index(model_name):
    text = (FOLDER / INDEX).read_text(encoding="utf-8")
    mark = f'data-model="{html.escape(model_name)}"'
    return text.replace(MODEL_MARK, mark).encode()


def _route(path, name, content):
    headers = HEADERS | {"content-type": TYPES[_suffix(name)]}

    async def respond(request):
        return Response(content, headers=headers)

    return Route(path, respond, methods=["GET"])


def _suffix(name):
    return name[name.rfind(".") :]
