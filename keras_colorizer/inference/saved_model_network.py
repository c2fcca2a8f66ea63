"""The network in a SavedModel."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_colorizer.errors import ArtifactError, first_line
from keras_colorizer.files import without_wildcards


class SavedModelNetwork:
    """The signatures from lightness to ab of a SavedModel.

    Args:
        model: A loaded SavedModel.
        render_size: Side in pixels of the square that it takes.
    """

    def __init__(self, model: Any, *, render_size: int):
        self.render_size = render_size
        self._model = model  # Else its variables are freed.
        self._run = model.signatures["predict_ab"]
        self._run_with_hints = model.signatures.get("predict_ab_with_hints")
        self.takes_hints = self._run_with_hints is not None

    @classmethod
    def load(cls, folder: Path) -> "SavedModelNetwork":
        """Reads the folder that holds `saved_model.pb`.

        Raises:
            ArtifactError: If it is damaged or no colorizer.
        """
        try:
            with without_wildcards(folder) as plain:
                model = tf.saved_model.load(str(plain))
            _, inputs = model.signatures[
                "predict_ab"
            ].structured_input_signature
            render_size = int(inputs["lightness"].shape[1])
            return cls(model, render_size=render_size)
        except Exception as error:  # noqa: BLE001, any way it can be damaged
            raise ArtifactError(
                f"`{folder}` cannot be read as a colorizer "
                f"({first_line(error)}): export it anew (python export.py)."
            ) from None

    def predict_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Maps `(n, s, s, 1)` float32 L* to `(n, s, s, 2)` float32 ab."""
        return self._run(lightness=tf.constant(lightness))["ab"].numpy()

    def predict_ab_with_hints(
        self, lightness: np.ndarray, hints: np.ndarray
    ) -> np.ndarray:
        """Maps it and `(n, 32, 5)` hints, see `hint_array`, to ab."""
        inputs = {"lightness": lightness, "hints": hints}
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        return self._run_with_hints(**tensors)["ab"].numpy()
