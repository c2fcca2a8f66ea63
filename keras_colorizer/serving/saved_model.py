"""A SavedModel, run by TensorFlow."""

import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from starlette.exceptions import HTTPException

from keras_colorizer.errors import ArtifactError, first_line
from keras_colorizer.files import without_wildcards
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.serving.models import ColorizerModel
from keras_colorizer.serving.rest import Arrays

v1 = tf.compat.v1
HOUR = 3600  # Seconds.


class SavedModel(ColorizerModel):
    """A SavedModel with its own signatures, and a network for a Colorizer."""

    def __init__(self, folder: Path, max_pixels: int):
        super().__init__(None, max_pixels)
        self.version = int(folder.name) if folder.name.isdecimal() else 1
        options = v1.ConfigProto(gpu_options=v1.GPUOptions(allow_growth=True))
        self._session = session = v1.Session(graph=tf.Graph(), config=options)
        try:
            with session.graph.as_default(), without_wildcards(folder) as plain:
                graph = v1.saved_model.load(session, ["serve"], str(plain))
        except Exception as error:  # noqa: BLE001, any way it can be damaged
            message = f"`{folder}` is damaged: {first_line(error)}"
            raise ArtifactError(message) from None
        self.signatures = {
            name: MessageToDict(
                definition,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for name, definition in graph.signature_def.items()
            if definition.outputs
        }
        if signature := self.signatures.get("predict_ab"):
            dim = signature["inputs"]["lightness"]["tensor_shape"]["dim"]
            self.render_size = int(dim[1]["size"])
            self.takes_hints = "predict_ab_with_hints" in self.signatures
            self.colorizer = Colorizer(self)

    def run(self, name: str, inputs: Arrays, deadline: float) -> Arrays:
        """See `ColorizerModel`."""
        signature = self.signatures[name]
        feeds = {signature["inputs"][a]["name"]: inputs[a] for a in inputs}
        fetches = {a: info["name"] for a, info in signature["outputs"].items()}
        milliseconds = max(1, round(1000 * (deadline - time.monotonic())))
        options = v1.RunOptions(timeout_in_ms=milliseconds)
        try:
            results = self._session.run(fetches, feeds, options=options)
        except tf.errors.DeadlineExceededError:
            raise HTTPException(504, "Timed out.") from None
        except (tf.errors.OpError, TypeError, ValueError) as error:
            raise HTTPException(400, first_line(error)) from None
        return {
            alias: np.asarray(value, object if type(value) is bytes else None)
            for alias, value in results.items()
        }

    def predict_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Maps `(n, s, s, 1)` float32 L* to `(n, s, s, 2)` float32 ab."""
        return self._ab("predict_ab", lightness=lightness)

    def predict_ab_with_hints(
        self, lightness: np.ndarray, hints: np.ndarray
    ) -> np.ndarray:
        """Maps it and `(n, 32, 5)` hints, see `hint_array`, to ab."""
        name = "predict_ab_with_hints"
        return self._ab(name, lightness=lightness, hints=hints)

    def _ab(self, name: str, **inputs: np.ndarray) -> np.ndarray:
        return self.run(name, inputs, time.monotonic() + HOUR)["ab"]
