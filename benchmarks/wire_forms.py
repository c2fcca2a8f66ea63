"""Forms in which a photo can go to a server and come back."""

import base64
import io
import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image
from server_process import request_body

from keras_colorizer.chroma import steps


class WireForm(NamedTuple):
    """One of them.

    Attributes:
        write: Makes the body of a request of a file.
        read: Makes pixels, `(h, w, 3)` uint8 sRGB, of the file and an answer.
    """

    write: Callable[[bytes], bytes]
    read: Callable[[bytes, bytes], np.ndarray]


def wire_forms(render_size: int) -> dict[str, WireForm]:
    """Returns all forms by name, the usual one first.

    Args:
        render_size: Side in pixels of the square that the network sees.
    """
    return {
        "bytes in, bytes out": WireForm(request_body, _read_png),
        "`colorize`, pixels as numbers": WireForm(_write_pixels, _read_pixels),
        "`predict_ab`, floats": WireForm(
            lambda file: _write_view(file, render_size), _read_ab
        ),
    }


def _read_png(_, answer):
    return _pixels(base64.b64decode(_prediction(answer)["b64"]))


def _write_pixels(file):
    return _write_numbers("colorize", _pixels(file)[None])


def _read_pixels(_, answer):
    return np.array(_prediction(answer), "uint8")


def _write_view(file, side):
    view = steps.network_view(steps.photo_lightness(_pixels(file)), side)
    return _write_numbers("predict_ab", view)


def _read_ab(file, answer):
    ab = np.array(_prediction(answer), "float32")
    return steps.merge(steps.photo_lightness(_pixels(file)), ab, np.uint8)


def _pixels(file):
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def _write_numbers(signature, array):
    body = {"signature_name": signature, "instances": array.tolist()}
    return json.dumps(body, separators=(",", ":")).encode()


def _prediction(answer):
    (prediction,) = json.loads(answer)["predictions"]
    return prediction
