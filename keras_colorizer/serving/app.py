"""The application: TF Serving's predict API, `/colorize`, and the page."""

import logging
import re
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from keras_colorizer.errors import (
    ArtifactError,
    ConfigError,
    PhotoError,
    first_line,
)
from keras_colorizer.hints import Hint, parse_hints
from keras_colorizer.serving import rest
from keras_colorizer.serving.limits import Limits
from keras_colorizer.serving.models import ColorizerModel

log = logging.getLogger(__name__)
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
BOUNDARY = re.compile(r'multipart/form-data.*boundary="?([^";,]+)', re.I)
HINTS_FIELD = re.compile(rb'[; ]name="?hints\b')
NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+")
REFUSALS = PhotoError, ArtifactError, ConfigError, zlib.error, ClientDisconnect
ERRORS = HTTPException, *REFUSALS, Exception
WEB = Path(__file__).with_name("web")  # The web app, if it is built.
MOST_PARTS = 16  # Of a form.
UPLOAD = Path(__file__).with_name("upload.html")
FOR_EVER = "public, max-age=31536000, immutable"
# Browsers give memory that threads share to pages of these alone.
HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


class Api:
    """Endpoints for a model, which has a name in URLs.

    The web app colors by itself, with the pretrained model that it holds; for
    other models the page is one that has the server color.
    """

    def __init__(
        self,
        name: str,
        model: ColorizerModel,
        limits: Limits,
        *,
        has_web_app: bool = False,
    ):
        self._name, self._model, self._limits = name, model, limits
        self._has_web_app = has_web_app and (WEB / "index.html").is_file()

    def app(self, hosts: list[str]) -> Starlette:
        """Returns the ASGI application for hosts of these names; "*" is any."""
        page: BaseRoute = Route("/", FileResponse(UPLOAD, headers=HEADERS))
        if self._has_web_app:
            page = Mount("/", _Files(directory=WEB, html=True))
        return Starlette(
            routes=[
                Route("/v1/{path:path}", self._rest, methods=METHODS),
                Route("/V1/{path:path}", self._rest, methods=METHODS),
                Route("/colorize", self._colorize, methods=["POST", "PUT"]),
                Route("/healthz", JSONResponse({"status": "ok"})),
                page,
            ],
            middleware=[
                Middleware(TrustedHostMiddleware, hosts, www_redirect=False),
                Middleware(CORSMiddleware, self._limits.origins, METHODS[:2]),
            ],
            exception_handlers=dict.fromkeys(ERRORS, _failure),
        )

    async def _rest(self, request: Request) -> Response:
        path, query = request.scope["raw_path"], request.scope["query_string"]
        sent = (path + b"?" + query if query else path).decode("latin-1")
        match = rest.TARGET.fullmatch(f"{request.method} {sent}")
        if match is None or match.group(1, 4) not in rest.VERBS:
            raise HTTPException(400, f"Malformed request: {sent}")
        name, number, verb = match.group(2, 3, 4)
        version, signatures = self._model.version, self._model.signatures
        if unquote(name) != self._name or int(number or version) != version:
            raise HTTPException(404, f"Only {self._name} {version} is served.")
        if verb == ":predict":
            answer = await self._limits.answer(request, self._predict)
            return Response(answer, media_type="application/json")
        text = str(version)
        if verb == "/metadata":
            spec = {"name": self._name, "signature_name": "", "version": text}
            metadata = {"signature_def": {"signature_def": signatures}}
            return JSONResponse({"model_spec": spec, "metadata": metadata})
        status = {"error_code": "OK", "error_message": ""}
        state = {"version": text, "state": "AVAILABLE", "status": status}
        return JSONResponse({"model_version_status": [state]})

    async def _colorize(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "")
        text = request.query_params.get("saturation", "1")
        factor = float(text) if NUMBER.fullmatch(text) else text

        def work(body: bytes, _: float) -> bytes:
            file, hints = _form(body, kind)
            return self._model.color(file, saturation=factor, hints=hints)

        png = await self._limits.answer(request, work)
        return Response(png, media_type="image/png")

    def _predict(self, body: bytes, deadline: float) -> bytes:
        document = rest.read_json(body)
        name = document.get("signature_name", "") or "serving_default"
        if not isinstance(name, str) or name not in self._model.signatures:
            raise HTTPException(400, f"There is no signature {name}.")
        inputs = self._model.signatures[name]["inputs"]
        arrays = rest.read_inputs(document, inputs)
        outputs = self._model.run(name, arrays, deadline)
        return rest.write_outputs(outputs, is_columnar="inputs" in document)


def _form(body: bytes, kind: str) -> tuple[bytes, list[Hint]]:
    """Returns the file of a body or form, and the hints of a form."""
    boundary = BOUNDARY.match(kind)
    if boundary is None:
        return body, []
    files, hints = [], []
    parts = body.split(b"--" + boundary[1].encode(), MOST_PARTS)
    if len(parts) > MOST_PARTS:
        raise HTTPException(400, "The form has too many parts.")
    for part in parts:
        head, _, content = part.partition(b"\r\n\r\n")
        content = content.removesuffix(b"\r\n")
        if HINTS_FIELD.search(head):
            hints = parse_hints(content)
        elif b"filename" in head:
            files.append(content)
    if not files:
        raise HTTPException(400, "The form holds no file.")
    return files[0], hints


async def _failure(request: Request, error: Exception) -> Response:
    by_kind = 400 if isinstance(error, REFUSALS) else 500
    status = getattr(error, "status_code", by_kind)
    if status == 500:
        log.error("%s failed.", request.url.path, exc_info=error)
    headers = {"retry-after": "1"} if status == 503 else {}
    if "expect" in request.headers:  # The body may never come.
        headers["connection"] = "close"
    message = getattr(error, "detail", first_line(error))
    return JSONResponse({"error": message}, status, headers)


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Any) -> Response:
        if scope["method"] in ("GET", "HEAD"):
            return await super().get_response(path, scope)
        raise HTTPException(404, f"There is no {path}.")

    def file_response(self, full_path: Any, *args: Any) -> Response:
        response = super().file_response(full_path, *args)
        response.headers.update(HEADERS)
        if Path(full_path).parent.name == "assets":
            response.headers["cache-control"] = FOR_EVER
        return response
