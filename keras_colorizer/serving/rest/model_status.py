"""The body of `GET /v1/models/NAME`: the states of a model's versions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from keras_colorizer.serving.rest.status import Code


@dataclass(frozen=True)
class VersionStatus:
    """The state of one version.

    Attributes:
        version: Its number.
        state: "START", "LOADING", "AVAILABLE", "UNLOADING" or "END".
        code: `Code.OK`, or why it could not be loaded.
        message: The same in words; "" if all is well.
    """

    version: int
    state: str
    code: Code = Code.OK
    message: str = ""


def status_body(versions: Sequence[VersionStatus]) -> bytes:
    """Returns the JSON of the states, in the order given."""
    document = {"model_version_status": [_entry(v) for v in versions]}
    text = json.dumps(document, ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def _entry(status):
    return {
        "version": str(status.version),
        "state": status.state,
        "status": {
            "error_code": status.code.name,
            "error_message": status.message,
        },
    }
