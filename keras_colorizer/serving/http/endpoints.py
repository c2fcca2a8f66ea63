"""The API's endpoint: one path to TF Serving's, whatever else there is."""

import logging
import re
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from keras_colorizer.errors import first_line
from keras_colorizer.serving.http.body import (
    BodyReader,
    ClientGoneError,
    RefusedBodyError,
    decompressed,
)
from keras_colorizer.serving.http.rest_api import RestApi
from keras_colorizer.serving.rest.status import RestError, error_body

log = logging.getLogger(__name__)

JSON = {"content-type": "application/json"}
BUSY = 503
RETRY = {"retry-after": "1"}  # Seconds.

# Source: TF Serving's model_servers/http_rest_api_util.cc.
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, GET",
    "access-control-allow-headers": "Content-Type",
}
WEB_ORIGIN = re.compile("https?://")


class RestEndpoint:
    """An ASGI application: all of `/v1/`, whatever the method.

    Args:
        api: Answers.
        bodies: Reads what is posted.
        has_cors: Whether scripts of any web page may read the answers.
    """

    def __init__(self, api: RestApi, bodies: BodyReader, *, has_cors: bool):
        self._api = api
        self._bodies = bodies
        self._headers = JSON | (CORS if has_cors else {})
        self._preflight_headers = CORS if has_cors else {}

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Reads a request's body, whatever it asks for, and answers it."""
        try:
            async with self._bodies.read(scope["headers"], receive) as body:
                response = await self._answer(scope, body)
                await response(scope, receive, send)
        except RefusedBodyError as error:
            await self._refusal(error)(scope, receive, send)
        except ClientGoneError:
            pass

    async def _answer(self, scope, body):
        request = Request(scope)
        if request.method == "OPTIONS":
            return self._preflight(request)
        is_gzip = "gzip" in request.headers.get("content-encoding", "")
        try:
            answer = await self._api.answer(
                request.method,
                scope["state"]["target"],
                partial(decompressed if is_gzip else bytes, body),
                watch=scope["state"]["watch"],
            )
        except RestError as error:
            return self._response(error.body, error.http_status)
        except Exception as error:
            log.exception("%s %s", request.method, scope["state"]["target"])
            return self._response(error_body(first_line(error)), 500)
        return self._response(answer, 200)

    def _preflight(self, request):
        """As TF Serving's model_servers/http_server.cc."""
        is_web = WEB_ORIGIN.search(request.headers.get("origin", ""))
        return Response(
            status_code=200 if is_web else 400, headers=self._preflight_headers
        )

    def _response(self, body, status, **headers):
        retry = RETRY if status == BUSY else {}
        return Response(body, status, headers=self._headers | retry | headers)

    def _refusal(self, error):
        return self._response(error.body, error.http_status, connection="close")
