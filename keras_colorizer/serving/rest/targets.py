"""What a request asks for, read from its method and target."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from keras_colorizer.serving.rest.status import invalid_argument

# Source: TF Serving's model_servers/http_rest_api_util.cc. Both match the
# whole target, a query included.
_VERSION = r"(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?"
_METHOD_TARGET = re.compile(
    rf"/v1/models/([^/:]+){_VERSION}:(classify|regress|predict)",
    re.IGNORECASE | re.ASCII,
)
_STATUS_TARGET = re.compile(
    rf"/v1/models(?:/([^/:]+))?{_VERSION}(?:/(metadata))?",
    re.IGNORECASE | re.ASCII,
)
_LARGEST_VERSION = 2**63 - 1


@dataclass(frozen=True)
class ModelSpec:
    """The model, and which of its versions; neither version nor label: latest.

    Attributes:
        name: The model's name, percent-decoded; may name no model at all.
        version: In [0, 2**63), or None.
        label: The label of a version, percent-decoded, or None.
    """

    name: str
    version: int | None = None
    label: str | None = None


@dataclass(frozen=True)
class Predict:
    """`POST ...:predict`."""

    model: ModelSpec


@dataclass(frozen=True)
class Classify:
    """`POST ...:classify`."""

    model: ModelSpec


@dataclass(frozen=True)
class Regress:
    """`POST ...:regress`."""

    model: ModelSpec


@dataclass(frozen=True)
class Metadata:
    """`GET .../metadata`."""

    model: ModelSpec


@dataclass(frozen=True)
class Status:
    """`GET /v1/models/NAME`; a label is read, and ignored by TF Serving."""

    model: ModelSpec


Target = Predict | Classify | Regress | Metadata | Status

_METHODS: dict[str, type[Predict | Classify | Regress]] = {
    "predict": Predict,
    "classify": Classify,
    "regress": Regress,
}


def parse_target(method: str, target: str) -> Target:
    """Reads what a request asks for.

    Args:
        method: The HTTP method, such as "GET".
        target: The path as sent, percent-encoded, with its query.

    Raises:
        RestError: INVALID_ARGUMENT if TF Serving has no such target.
    """
    if method == "POST" and (match := _METHOD_TARGET.fullmatch(target)):
        name, version, label, verb = match.groups()
        model = _model_spec(name, version, label)
        # The pattern takes any case, what follows takes lower case only.
        if verb in _METHODS:
            return _METHODS[verb](model)
    elif method == "GET" and (match := _STATUS_TARGET.fullmatch(target)):
        name, version, label, resource = match.groups()
        model = _model_spec(name or "", version, label)
        if not model.name:
            raise invalid_argument("Missing model name in request.")
        return Metadata(model) if resource == "metadata" else Status(model)
    raise invalid_argument(f"Malformed request: {method} {target}")


def _model_spec(name, version, label):
    return ModelSpec(
        _decoded(name),
        _number(version) if version else None,
        _decoded(label) if label else None,
    )


def _decoded(text):
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def _number(digits):
    # Python refuses to convert thousands of digits.
    short = len(digits.lstrip("0")) <= len(str(_LARGEST_VERSION))
    if not short or int(digits) > _LARGEST_VERSION:
        raise invalid_argument(
            f"Failed to convert version: {digits} to numeric."
        )
    return int(digits)
