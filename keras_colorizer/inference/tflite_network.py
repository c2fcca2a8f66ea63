"""The network in a `.tflite` file, on LiteRT."""

import threading
from functools import cached_property
from pathlib import Path

import numpy as np

from keras_colorizer.errors import ArtifactError, first_line
from keras_colorizer.litert import (
    SignatureRunner,
    signature_names,
    signature_runner,
)


class TFLiteNetwork:
    """The signatures from lightness to ab of a file.

    Args:
        path: The file.
        run: Calls `predict_ab`, with the names that it uses.
        render_size: Side in pixels of the square that it takes.
    """

    def __init__(self, path: Path, run: SignatureRunner, *, render_size: int):
        self.render_size = render_size
        self._path, self._run = path, run
        # The file takes one photo at a time, and one call at a time.
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: Path) -> "TFLiteNetwork":
        """Reads a `.tflite` file.

        Raises:
            ArtifactError: If it is damaged or no colorizer.
        """
        try:
            run = signature_runner(path, "predict_ab")
        except (RuntimeError, ValueError) as error:
            raise ArtifactError(
                f"`{path}` cannot be read as a colorizer ({first_line(error)}):"
                " export it anew (python export.py)."
            ) from None
        inputs, outputs = run.get_input_details(), run.get_output_details()
        if set(inputs) != {"lightness"} or set(outputs) != {"ab"}:
            raise ArtifactError(
                f"`{path}` is no colorizer: its signature `predict_ab` is not "
                "from `lightness` to `ab`."
            )
        side = int(inputs["lightness"]["shape"][1])
        return cls(path, run, render_size=side)

    @cached_property
    def takes_hints(self) -> bool:
        """Whether the file has the signature `predict_ab_with_hints`."""
        return "predict_ab_with_hints" in signature_names(self._path)

    def predict_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Maps `(n, s, s, 1)` float32 L* to `(n, s, s, 2)` float32 ab."""
        return self._each(self._run, lightness=lightness)

    def predict_ab_with_hints(
        self, lightness: np.ndarray, hints: np.ndarray
    ) -> np.ndarray:
        """Maps it and `(n, 32, 5)` hints, see `hint_array`, to ab."""
        with self._lock:
            run = self._run_with_hints
        return self._each(run, lightness=lightness, hints=hints)

    @cached_property
    def _run_with_hints(self) -> SignatureRunner:
        return signature_runner(self._path, "predict_ab_with_hints")

    def _each(self, run: SignatureRunner, **inputs: np.ndarray) -> np.ndarray:
        results = []
        with self._lock:
            for row in zip(*inputs.values(), strict=True):
                arrays = [array[None] for array in row]
                results.append(run(**dict(zip(inputs, arrays, strict=True))))
        return np.concatenate([result["ab"] for result in results])
