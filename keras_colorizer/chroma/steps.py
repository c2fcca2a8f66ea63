"""The ops around the network, compiled, for photos of any size and depth.

They run on LiteRT from `steps.tflite`, which `compile.py` makes of `ops.py`:
no TensorFlow is needed to color a photo. Strips of a photo are converted one
after the other, so that memory does not grow with it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from keras_colorizer.litert import signature_runner

STEPS = Path(__file__).with_name("steps.tflite")
STRIP = 2**18  # Pixels. Its temporary arrays stay near the processor's cache.


def photo_lightness(pixels: np.ndarray) -> np.ndarray:
    """Returns a photo's own L*.

    Args:
        pixels: `(h, w, 3)` uint8 sRGB, or `(h, w)` uint8 or uint16 grey.

    Returns:
        `(h, w, 1)` float32 L* in [0, 100].
    """
    run = signature_runner(STEPS, "lightness")
    if pixels.ndim == 2:
        # As many values as levels: a table, exact for 16 bits, too.
        levels = np.linspace(0, 1, np.iinfo(pixels.dtype).max + 1)
        greys = np.repeat(levels, 3).reshape(1, 1, -1, 3).astype("float32")
        return run(rgb=greys)["lightness"].reshape(-1, 1)[pixels]
    lightness = np.empty((*pixels.shape[:2], 1), "float32")
    for rows in _strips(*pixels.shape[:2]):
        rgb = pixels[None, rows] / np.float32(255)
        lightness[rows] = run(rgb=rgb)["lightness"][0]
    return lightness


def network_view(lightness: np.ndarray, side: int) -> np.ndarray:
    """Shows a whole photo to the network, see `ops.network_view`.

    Args:
        lightness: `(h, w, 1)` float32 L*.
        side: Of the square, in pixels.

    Returns:
        `(1, side, side, 1)` float32 L*.
    """
    view = signature_runner(STEPS, "network_view")
    return view(lightness=lightness[None], side=np.int32(side))["view"]


def merge(lightness: np.ndarray, ab: np.ndarray, dtype: type) -> np.ndarray:
    """Puts ab under full-size lightness, see `ops.merge`.

    Args:
        lightness: `(h, w, 1)` float32 L*.
        ab: `(s, s, 2)` float32, L*a*b* units.
        dtype: `np.uint8` or `np.uint16`, of the result.

    Returns:
        `(h, w, 3)` sRGB over the full range of `dtype`.
    """
    height, width, _ = lightness.shape
    white = np.float32(np.iinfo(dtype).max)
    stretch = signature_runner(STEPS, "stretch")
    merge_strip = signature_runner(STEPS, "merge")
    tall = stretch(ab=ab[None], height=np.int32(height))["ab"][0]
    rgb: np.ndarray = np.empty((height, width, 3), dtype)
    for rows in _strips(height, width):
        rgb[rows] = merge_strip(
            lightness=lightness[None, rows], ab=tall[None, rows], white=white
        )["levels"][0]
    return rgb


def _strips(height, width) -> Iterator[slice]:
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        yield slice(top, top + rows)
