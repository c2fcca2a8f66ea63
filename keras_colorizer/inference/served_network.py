"""The network of a server, behind TF Serving's REST API."""

import math
from typing import Any

import numpy as np

from keras_colorizer.errors import ServingError
from keras_colorizer.inference.rest_client import RestClient

LARGEST_SIDE = 1024  # Of a square that a server may ask for.
BYTES_A_NUMBER = 32  # As JSON; TF Serving indents some of its answers.
OTHER_BYTES = 2**20
START_PATIENCE, PATIENCE = 5.0, 120.0  # Seconds; a restart takes up to 60.
DECIMALS = 4  # Of L*: far below what the network can tell apart.


class ServedNetwork:
    """The signatures from lightness to ab of a served model.

    Photos stay on this machine; their squares of lightness leave it.

    Args:
        client: Asks the model.
        render_size: Side in pixels of the square that it takes.
        takes_hints: Whether it has the signature `predict_ab_with_hints`.
    """

    def __init__(
        self, client: RestClient, *, render_size: int, takes_hints: bool
    ):
        self.render_size, self.takes_hints = render_size, takes_hints
        self._client = client

    @classmethod
    def connect(cls, url: str) -> "ServedNetwork":
        """Asks a server for its model.

        Args:
            url: Such as `http://localhost:8501/v1/models/colorizer`.

        Raises:
            ConfigError: If the URL is not that of a model.
            ServingError: If no colorizer answers there.
        """
        client = RestClient(url)
        metadata = client.ask(
            "/metadata", most_bytes=OTHER_BYTES, patience=START_PATIENCE
        )
        render_size = _render_size(metadata)
        if render_size is None:
            raise ServingError(
                f"{client.name} is no colorizer: its signature `predict_ab` "
                "is not from `lightness` to `ab`."
            )
        names = metadata["metadata"]["signature_def"]["signature_def"]
        takes_hints = "predict_ab_with_hints" in names
        return cls(client, render_size=render_size, takes_hints=takes_hints)

    def predict_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Maps `(n, s, s, 1)` float32 L* to `(n, s, s, 2)` float32 ab.

        Raises:
            ServingError: If the server refuses, is gone, or answers something
                else.
        """
        return self._ask("predict_ab", _rounded(lightness))

    def predict_ab_with_hints(
        self, lightness: np.ndarray, hints: np.ndarray
    ) -> np.ndarray:
        """Maps it and `(n, 32, 5)` hints, see `hint_array`, to ab.

        Raises:
            ServingError: As `predict_ab`.
        """
        pairs = zip(_rounded(lightness), hints.tolist(), strict=True)
        rows = [{"lightness": one, "hints": two} for one, two in pairs]
        return self._ask("predict_ab_with_hints", rows)

    def _ask(self, signature: str, rows: list[Any]) -> np.ndarray:
        shape = (len(rows), self.render_size, self.render_size, 2)
        answer = self._client.ask(
            ":predict",
            {"signature_name": signature, "instances": rows},
            most_bytes=OTHER_BYTES + BYTES_A_NUMBER * math.prod(shape),
            patience=PATIENCE,
        )
        ab = _predictions(answer, shape)
        if ab is None:
            raise ServingError(
                f"{self._client.name} answers something else than ab of the "
                f"shape {shape}: is it a colorizer?"
            )
        return ab


def _rounded(lightness: np.ndarray) -> list[Any]:
    return lightness.astype(float).round(DECIMALS).tolist()


def _render_size(metadata: Any) -> int | None:
    """The side of the square in a server's metadata; None if there is none."""
    try:
        signatures = metadata["metadata"]["signature_def"]["signature_def"]
        signature = signatures["predict_ab"]
        _, side, *others = _sizes(signature["inputs"]["lightness"])
        channels = _sizes(signature["outputs"]["ab"])[-1]
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return None
    fits = 0 < side <= LARGEST_SIDE and others == [side, 1] and channels == 2
    return side if fits else None


def _sizes(tensor: Any) -> list[int]:
    return [int(axis["size"]) for axis in tensor["tensor_shape"]["dim"]]


def _predictions(answer: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    try:
        with np.errstate(over="ignore"):
            ab = np.asarray(answer["predictions"], "float32")
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return None
    return ab if ab.shape == shape and np.isfinite(ab).all() else None
