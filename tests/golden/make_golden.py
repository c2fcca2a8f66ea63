"""Maker of the golden vectors, inputs and outputs for every port.

    python tests/golden/make_golden.py

Color and chroma come from scikit-image and SciPy, which are independent of
this package; the model's answers from its Keras file, in float32. To be run
again when the pretrained model changes; a test compares. All are lists, rows
first, so that any language reads them.
"""

import itertools
import json
import warnings
from pathlib import Path

import numpy as np
from scipy.ndimage import map_coordinates
from skimage.color import lab2rgb, rgb2lab
from skimage.measure import block_reduce

from keras_colorizer.files import whole_file
from keras_colorizer.pretrained import DEFAULT, KERAS, pretrained_file
from keras_colorizer.silence import silent_stderr

FOLDER = Path(__file__).parent
OVERSAMPLING = 4
HEIGHT, WIDTH = 120, 160


def main() -> None:
    """Writes the files beside this script."""
    for name, make in FILES.items():
        with whole_file(FOLDER / name) as temporary:
            temporary.write_text(_formatted(make()))
        print(FOLDER / name)


def color() -> dict:
    """Single colors, to L*a*b* and back."""
    levels = [*itertools.product((0, 11, 128, 255), repeat=3)]
    levels += [(grey,) * 3 for grey in (1, 10, 64, 192, 254)]
    lab = rgb2lab(np.array(levels) / 255)
    shown = [
        *itertools.product((0, 8, 25, 50, 75, 100), (-60, 0, 90), (-60, 0))
    ]
    shown += itertools.product((50, 75, 100), (-60, 0, 90), (60, 90))
    rgb = _rgb_of(np.array(shown, float))
    return {
        "about": (
            "to_lab: levels of sRGB, 8 bits, and their L*a*b* (D65, 2 "
            "degrees). to_rgb: L*a*b* and the sRGB in [0, 1] that shows it, "
            "each channel clipped. By scikit-image, whose D65 is rounded "
            "otherwise: a just noticeable difference is 1 unit."
        ),
        "tolerance": {"lab": 0.01, "rgb": 0.0004},
        "to_lab": _pairs(rgb=levels, lab=_rounded(lab, 4)),
        "to_rgb": _pairs(lab=shown, rgb=_rounded(rgb, 6)),
    }


def chroma() -> dict:
    """Small photos: the network's view of them, and the merge with ab."""
    rng = np.random.default_rng(0)
    return {
        "about": (
            "view: a photo's L*, resized bilinearly (pixel centers, edges "
            "held) to 4 side x 4 side and averaged 4 x 4, is what the network "
            "sees. merge: ab, resized likewise to the photo's size, under the "
            "photo's own L*, clipped to sRGB and rounded to levels. `ab` is "
            "that of `colored`, a smaller color version, for ports that take "
            "it instead. By scikit-image and SciPy."
        ),
        "tolerance": {"view": 0.02, "level": 1},
        "view": [
            _view_case(_photo(rng, *size), side)
            for size, side in (((7, 10), 4), ((30, 17), 2), ((1, 1), 2))
        ],
        "merge": [
            _merge_case(_photo(rng, *size), _photo(rng, *small))
            for size, small in (((9, 14), (3, 3)), ((2, 3), (5, 5)))
        ],
    }


def model() -> dict:
    """A square and a photo by formula, and the model's answers to them."""
    with silent_stderr():
        from keras_colorizer import Colorizer

        colorizer = Colorizer.load(pretrained_file(DEFAULT, KERAS))
    side = colorizer.render_size
    y, x = np.mgrid[:side, :side]
    lightness = 50 + 25 * np.sin(x / 20) + 20 * np.cos(y / 30)
    ab = colorizer.predict_ab(np.float32(lightness)[None, ..., None])[0]
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    rgb = colorizer.colorize(np.uint8(np.abs(x - 80) + y))
    return {
        "about": (
            f"Some of what the pretrained `{DEFAULT}` answers, by Keras in "
            "float32; arithmetic in float16, as on GPUs, stays within "
            "ab_by_float16. predict_ab: of lightness[y][x] = "
            "50 + 25 sin(x / 20) + 20 cos(y / 30), for all y and x below "
            "`side`. colorize: of a grey photo whose red, green and blue are "
            "|x - 80| + y, for all y below `height` and x below `width`."
        ),
        "tolerance": {"ab": 0.5, "ab_by_float16": 0.7, "level": 2},
        "side": side,
        "predict_ab": _picked(ab.astype(float), 16, "ab"),
        "height": HEIGHT,
        "width": WIDTH,
        "colorize": _picked(np.asarray(rgb), 20, "rgb"),
    }


FILES = {"color.json": color, "chroma.json": chroma, "model.json": model}


def _rgb_of(lab):
    """L*a*b* to sRGB; where scikit-image would clip early, it is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return lab2rgb(lab)


def _photo(rng, height, width):
    """Noise, bright enough for scikit-image to clip nothing but RGB."""
    return rng.integers(90, 256, (height, width, 3))


def _view_case(photo, side):
    lightness = rgb2lab(photo / 255)[..., 0]
    large = _resized(lightness, OVERSAMPLING * side, OVERSAMPLING * side)
    view = block_reduce(large, OVERSAMPLING, np.mean)
    return {"rgb": photo.tolist(), "side": side, "view": _rounded(view, 4)}


def _merge_case(photo, colored):
    lightness = rgb2lab(photo / 255)[..., 0]
    a, b = np.moveaxis(rgb2lab(colored / 255)[..., 1:], -1, 0)
    full_size = [_resized(plane, *lightness.shape) for plane in (a, b)]
    merged = 255 * _rgb_of(np.stack([lightness, *full_size], axis=-1))
    return {
        "rgb": photo.tolist(),
        "colored": colored.tolist(),
        "ab": _rounded(np.stack([a, b], axis=-1), 4),
        "merged": np.rint(merged).astype(int).tolist(),
    }


def _resized(plane, height, width):
    """Bilinear; positions are the middles of pixels, edges are held."""
    middles = [
        (np.arange(new) + 0.5) * old / new - 0.5
        for new, old in zip((height, width), plane.shape, strict=True)
    ]
    grid = np.meshgrid(*middles, indexing="ij")
    return map_coordinates(plane, grid, order=1, mode="nearest")


def _picked(image, step, name):
    """Values at some positions of an image."""
    middles = [range(step // 2, side, step) for side in image.shape[:2]]
    return [
        {"y": y, "x": x, name: _rounded(image[y, x], 2)}
        for y, x in itertools.product(*middles)
        if (y // step + x // step) % 2
    ]


def _pairs(**columns):
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _rounded(values, digits):
    values = np.asarray(values)
    if values.dtype.kind == "f":
        values = values.round(digits) + 0.0  # No -0.0.
    return values.tolist()


def _formatted(content):
    """JSON with a line to a case."""
    lines = []
    for key, value in content.items():
        encoded = json.dumps(value)
        if isinstance(value, list):
            cases = ",\n".join(map(json.dumps, value))
            encoded = f"[\n{cases}\n]"
        lines.append(f'"{key}": {encoded}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main()
