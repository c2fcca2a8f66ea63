"""Every error that a user can cause: one sentence each, no traceback."""


class ClientError(Exception):
    """The base of all; its text names the thing and says what to do."""

    def about(self, name: str) -> "ClientError":
        """Returns the same error with the name of its photo before its text."""
        self.args = (f"{name}: {self}",)
        return self


class CommandLineError(ClientError):
    """A setting is out of range, or names nothing to color."""


class PhotoError(ClientError):
    """A photo could not be read or written."""


class UnreachableError(ClientError):
    """No server answers, or it falls silent before its answer is whole."""


class RefusedError(ClientError):
    """The server answered with an error, or with something else than a photo.

    Attributes:
        status: The HTTP status of the answer.
        retry_after: The header `Retry-After`, if there was one.
    """

    def __init__(
        self, message: str, *, status: int, retry_after: str | None = None
    ):
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
