"""Models that answer the signatures of TF Serving."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from starlette.exceptions import HTTPException

from keras_colorizer.errors import PhotoError
from keras_colorizer.hints import HINT_ROWS, Hint
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.photos import encode_photo, read_photo
from keras_colorizer.serving.rest import Arrays


class ColorizerModel:
    """A Colorizer with the signatures of an exported SavedModel."""

    def __init__(self, colorizer: Colorizer | None, max_pixels: int):
        self.version = 1
        self.colorizer: Any = colorizer
        self._max_pixels = max_pixels
        side = colorizer.render_size if colorizer else 0
        files = _tensor("image_bytes", "DT_STRING", -1)
        pixels = _tensor("rgb", "DT_UINT8", -1, -1, -1, 3)
        lightness = _tensor("lightness", "DT_FLOAT", -1, side, side, 1)
        ab = _tensor("ab", "DT_FLOAT", -1, side, side, 2)
        self.signatures: dict[str, dict[str, Any]] = {
            "serving_default": _signature(files, files),
            "colorize_image_bytes": _signature(files, files),
            "colorize": _signature(pixels, pixels),
            "predict_ab": _signature(lightness, ab),
        }
        if colorizer and colorizer.takes_hints:
            pair = lightness | _tensor("hints", "DT_FLOAT", -1, *HINT_ROWS)
            self.signatures["predict_ab_with_hints"] = _signature(pair, ab)

    def color(
        self, file: bytes, *, saturation: Any = 1.0, hints: Sequence[Hint] = ()
    ) -> bytes:
        """Colors a photo as `colorize` does, 16 bits a channel included."""
        if self.colorizer is None:
            raise HTTPException(404, "The model colors no photos.")
        photo = read_photo(file, max_pixels=self._max_pixels)
        colored = self.colorizer.colorize_photo(
            photo, saturation=saturation, hints=hints
        )
        # A third of the time, a tenth more bytes than by default.
        return encode_photo(colored, "PNG", compress_level=1)

    def run(self, name: str, inputs: Arrays, deadline: float) -> Arrays:
        """Runs a signature, or raises HTTPException, also after a deadline."""
        batches = [np.atleast_1d(batch) for batch in inputs.values()]
        if len(set(map(len, batches))) > 1:
            raise HTTPException(400, "The inputs have no common batch size.")
        results = []
        for number, row in enumerate(zip(*batches, strict=True)):
            if time.monotonic() > deadline:
                raise HTTPException(504, "Timed out.")
            try:
                results.append(
                    self._answer(dict(zip(inputs, row, strict=True)))
                )
            except PhotoError as error:
                message = f"`{next(iter(inputs))}` element {number}: {error}"
                raise HTTPException(400, message) from None
        is_file = "image_bytes" in inputs
        array = np.array(results, object if is_file else None)
        return dict.fromkeys(self.signatures[name]["outputs"], array)

    def _answer(self, item: dict[str, Any]) -> Any:
        if "image_bytes" in item:
            return self.color(item["image_bytes"])
        if "rgb" in item:
            photo = read_photo(item["rgb"], max_pixels=self._max_pixels)
            return self.colorizer.colorize_photo(photo).pixels
        side = self.colorizer.render_size
        shapes = {"lightness": (side, side, 1), "hints": HINT_ROWS}
        for alias, array in item.items():
            if array.shape != shapes[alias]:
                words = ", ".join(map(str, ("n", *shapes[alias])))
                raise HTTPException(400, f"`{alias}` is not ({words}).")
        arrays = {alias: array[None] for alias, array in item.items()}
        if "hints" in arrays:
            return self.colorizer.predict_ab_with_hints(**arrays)[0]
        return self.colorizer.predict_ab(**arrays)[0]


def _signature(inputs: dict[str, Any], outputs: dict[str, Any]) -> dict:
    method = {"method_name": "tensorflow/serving/predict", "defaults": {}}
    return {"inputs": inputs, "outputs": outputs, **method}


def _tensor(name: str, dtype: str, *sides: int) -> dict[str, Any]:
    # In protobuf's JSON, 64-bit integers are strings.
    dim = [{"size": str(side), "name": ""} for side in sides]
    shape = {"dim": dim, "unknown_rank": False}
    return {name: {"dtype": dtype, "tensor_shape": shape, "name": name}}
