"""Status codes, and how an error travels in the REST API."""

import enum
import json

from keras_colorizer.errors import first_line


class Code(enum.Enum):
    """The canonical status codes, as gRPC and Abseil number them."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @property
    def http_status(self) -> int:
        """The HTTP status that TF Serving answers with."""
        return HTTP_STATUS[self]


# Source: TF Serving's model_servers/http_server.cc.
HTTP_STATUS = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}


class RestError(Exception):
    """A request was refused, or failed.

    Attributes:
        code: The canonical status code.
        message: What the client is told. Bytes of the request that are not
            UTF-8 are kept as lone surrogates (`surrogateescape`).
    """

    def __init__(self, code: Code, message: str):
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def http_status(self) -> int:
        """The HTTP status that TF Serving answers with."""
        return self.code.http_status

    @property
    def body(self) -> bytes:
        """The body of the answer: `{"error": message}`."""
        return error_body(self.message)


def error_body(message: str) -> bytes:
    """Returns the JSON body of an error."""
    text = json.dumps({"error": message}, ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def invalid_argument(message: str) -> RestError:
    """Returns the error that most faults of a request are."""
    return RestError(Code.INVALID_ARGUMENT, message)


def as_rest_error(error: Exception) -> RestError:
    """Returns an error of any kind as one that a client can be told."""
    if isinstance(error, RestError):
        return error
    return RestError(Code.INTERNAL, first_line(error))
