"""The network in a `.tflite` file, on LiteRT."""

import threading
from pathlib import Path

import numpy as np

from keras_colorizer.errors import ArtifactError, first_line
from keras_colorizer.litert import SignatureRunner, signature_runner


class TFLiteNetwork:
    """The signature `predict_ab` of a file.

    Args:
        run: Calls the signature, with the names that it uses.
        render_size: Side in pixels of the square that it takes.
    """

    def __init__(self, run: SignatureRunner, *, render_size: int):
        self.render_size = render_size
        self._run = run
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
        return cls(run, render_size=int(inputs["lightness"]["shape"][1]))

    def predict_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Maps `(n, s, s, 1)` float32 L* to `(n, s, s, 2)` float32 ab."""
        # The file takes one at a time, and one call at a time.
        with self._lock:
            return np.concatenate(
                [self._run(lightness=one[None])["ab"] for one in lightness]
            )
