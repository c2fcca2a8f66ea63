"""The steps around the network on LiteRT, for photos of any size and depth.

`compile.py` makes `steps.tflite` of `ops.py`, so that coloring a photo needs
no TensorFlow. A photo is converted in strips, one after the other on each core:
beside its pixels and its L*, both at full size, memory does not grow with it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import SignatureRunner

from keras_colorizer.litert import available_cores, signature_runner

STEPS = Path(__file__).with_name("steps.tflite")
STRIP = 2**18  # Pixels. Its temporary arrays stay near the processor's cache.


def photo_lightness(pixels: np.ndarray) -> np.ndarray:
    """Returns a photo's own L*.

    Args:
        pixels: `(h, w, 3)` uint8 sRGB, or `(h, w)` uint8 or uint16 grey.

    Returns:
        `(h, w, 1)` float32 L* in [0, 100].
    """
    if pixels.ndim == 2:
        return _lightness_of_levels(pixels.dtype)[pixels]
    lightness = np.empty((*pixels.shape[:2], 1), "float32")

    def convert(run: SignatureRunner, rows: slice) -> None:
        rgb = pixels[None, rows] / np.float32(255)
        lightness[rows] = run(rgb=rgb)["lightness"][0]

    _in_strips("lightness", convert, *pixels.shape[:2])
    return lightness


@cache
def _lightness_of_levels(dtype: np.dtype) -> np.ndarray:
    """A table of as many values as levels, exact for 16 bits, too."""
    levels = np.linspace(0, 1, np.iinfo(dtype).max + 1)
    greys = np.repeat(levels, 3).reshape(1, 1, -1, 3).astype("float32")
    lightness = _step("lightness")(rgb=greys)["lightness"]
    return lightness.reshape(-1, 1)


def lab(colors: np.ndarray) -> np.ndarray:
    """Converts a few colors.

    Args:
        colors: `(n, 3)` uint8 sRGB.

    Returns:
        `(n, 3)` float32, L*a*b* units.
    """
    rgb = colors[None, None] / np.float32(255)
    return _step("lab")(rgb=rgb)["lab"][0, 0]


def network_view(lightness: np.ndarray, side: int) -> np.ndarray:
    """Squashes a photo to the network's square, see `ops.network_view`.

    Args:
        lightness: `(h, w, 1)` float32 L*.
        side: Of the square, in pixels.

    Returns:
        `(1, side, side, 1)` float32 L*.
    """
    view = _step("network_view")
    return view(lightness=lightness[None], side=np.int32(side))["view"]


def merge(lightness: np.ndarray, ab: np.ndarray, dtype: type) -> np.ndarray:
    """Puts ab under full-size lightness, see `ops.merge`.

    Args:
        lightness: `(h, w, 1)` float32 L*.
        ab: `(h', w', 2)` float32, L*a*b* units, of any size.
        dtype: `np.uint8` or `np.uint16`, of the result.

    Returns:
        `(h, w, 3)` sRGB over the full range of `dtype`.
    """
    height, width, _ = lightness.shape
    white = np.float32(np.iinfo(dtype).max)
    tall = _step("stretch")(ab=ab[None], height=np.int32(height))["ab"]
    rgb: np.ndarray = np.empty((height, width, 3), dtype)

    def convert(run: SignatureRunner, rows: slice) -> None:
        strip = lightness[rows, :, 0]
        merged = run(lightness=strip, ab=tall[..., rows], white=white)
        for channel, levels in enumerate(merged["levels"]):
            rgb[rows, :, channel] = levels

    _in_strips("merge", convert, height, width)
    return rgb


def _in_strips(
    step: str, convert: Callable[..., None], height: int, width: int
) -> None:
    """Calls `convert` with a step and rows, for all rows, on all cores."""
    rows = max(1, STRIP // width)
    strips = [slice(top, top + rows) for top in range(0, height, rows)]
    cores = min(available_cores(), len(strips))

    def convert_share(core: int) -> None:
        run = _step(step)
        for strip in strips[core::cores]:
            convert(run, strip)

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(convert_share, range(cores)))


def _step(name: str) -> SignatureRunner:
    # Preparing more threads takes longer than most steps.
    return signature_runner(STEPS, name, threads=1)
