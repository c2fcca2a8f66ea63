"""The application: every path that the server answers."""

import logging
import re
import time
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from keras_colorizer.serving.http.page import page_routes
from keras_colorizer.serving.models.manager import ModelManager
from keras_colorizer.serving.monitoring import Monitoring

access_log = logging.getLogger("keras_colorizer.serving.access")

REST_TARGET = re.compile("/v1/.*", re.IGNORECASE | re.DOTALL)
QUERY = re.compile("[?#]")  # Clients keep what follows # to themselves, or not.


def build_app(
    models: ModelManager,
    rest: ASGIApp,
    monitoring: Monitoring,
    *,
    metrics_path: str | None,
) -> ASGIApp:
    """Returns the application.

    Args:
        models: What `/healthz` tells of.
        rest: Answers `/v1/`.
        monitoring: What Prometheus is told.
        metrics_path: Where; None for nowhere.
    """

    async def health(request: Request):
        body = {
            "status": "ok" if models.is_ready else "unavailable",
            "models": models.available,
        }
        return JSONResponse(body, 200 if models.is_ready else 503)

    routes = [Route("/healthz", health), *page_routes(models.names[0])]
    others = Starlette(
        routes=routes, exception_handlers={HTTPException: _html_error}
    )
    others.router.redirect_slashes = False
    metrics = None
    if metrics_path is not None:
        metrics = Metrics(metrics_path, monitoring)
    return _Application(rest, others, metrics)


class Metrics:
    """An ASGI application: what Prometheus is told.

    Args:
        path: Where.
        monitoring: What.
    """

    def __init__(self, path: str, monitoring: Monitoring):
        self.path = path
        self._monitoring = monitoring

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answers; a query is refused, as by TF Serving."""
        target = scope["state"]["target"]
        text, status = self._monitoring.text(), 200
        if target != self.path:
            text = f"Unexpected path: {target}. Should be {self.path}"
            status = 400
        response = Response(text, status, {"content-type": "text/plain"})
        await response(scope, receive, send)


class _Application:
    """Parts TF Serving's interface, by the target as sent, from the rest."""

    def __init__(self, rest: ASGIApp, others: ASGIApp, metrics: Metrics | None):
        self._rest, self._others, self._metrics = rest, others, metrics

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        started, status = time.monotonic(), 0

        async def send_noting(message):
            nonlocal status
            status = message.get("status", status)
            await send(message)

        target = scope["state"]["target"]
        await self._choose(target)(scope, receive, send_noting)
        access_log.info(
            "%s %s %s %d %.0f ms",
            (scope["client"] or ["-"])[0],
            scope["method"],
            target,
            status,
            1000 * (time.monotonic() - started),
        )

    def _choose(self, target):
        path = QUERY.split(target, 1)[0]
        if self._metrics is not None and path == self._metrics.path:
            return self._metrics
        return self._rest if REST_TARGET.fullmatch(target) else self._others


async def _html_error(request: Request, error: Exception) -> Response:
    """What libevent, TF Serving's HTTP library, answers outside of the API."""
    status = getattr(error, "status_code", 500)
    phrase = HTTPStatus(status).phrase
    return Response(
        f"<!DOCTYPE html><html><head><title>{status} {phrase}</title></head>"
        f"<body><h1>{phrase}</h1></body></html>\n",
        status,
        {"content-type": "text/html"},
    )
