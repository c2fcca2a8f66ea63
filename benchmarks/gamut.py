"""What becomes of predicted colors that sRGB cannot show.

    python benchmarks/gamut.py --data FOLDER --model RUN

The package clips the channels, which shifts lightness and hue. Lowering the
chroma towards grey until the color fits keeps both, and costs time.
"""

import statistics
from functools import partial
from pathlib import Path

import numpy as np
import tyro
from measuring import print_machine, print_table, seconds

from keras_colorizer.chroma import steps
from keras_colorizer.photos import find_photos, read_photo
from keras_colorizer.silence import silent_stderr

HALVINGS = 12  # Of an interval of chroma: to a thirtieth of a unit of ab.
TOLERANCE = 1e-4  # In linear light: less than half of the darkest level.
METHODS, SHIFTS = ("clipping", "lower chroma"), ("L*", "CIEDE2000")
PERCENTILES = (95, 99)


def main(*, data: Path, model: Path) -> None:
    """Predicts the colors of photos, and compares two ways to show them.

    Args:
        data: A folder of photos.
        model: A run folder or a `.keras` file.
    """
    print_machine("tensorflow", "numpy")
    colorizer = _loaded(model)
    shifts, costs, pixels = [], [], 0
    for found in find_photos([data]):
        lightness, ab = _predicted(colorizer, read_photo(found.path))
        lab = _asked(lightness, ab)
        shifts.append(_shifts(lab))
        costs.append(_seconds_a_megapixel(lightness, ab, lab))
        pixels += len(lab)
    _print_shifts(np.concatenate(shifts, axis=-1), pixels)
    merging, lowering = map(statistics.median, zip(*costs, strict=True))
    print(
        f"Merging and clipping take {merging:.3f} s a megapixel; lowering the "
        f"chroma would add\n{lowering:.3f} s, in NumPy."
    )


def _loaded(model):
    with silent_stderr():
        from keras_colorizer import Colorizer

        return Colorizer.load(model)


def _predicted(colorizer, photo):
    lightness = steps.photo_lightness(photo.pixels)
    view = steps.network_view(lightness, colorizer.render_size)
    return lightness, colorizer.predict_ab(view)[0]


def _asked(lightness, ab):
    """`(pixels, 3)` float32 L*a*b*, before anything is clipped."""
    import tensorflow as tf

    ab = tf.image.resize(ab, lightness.shape[:2])
    return np.concatenate([lightness, ab], axis=-1).reshape(-1, 3)


def _shifts(lab):
    """`(methods, shifts, n)` of the n pixels that are outside sRGB."""
    from skimage.color import deltaE_ciede2000

    asked = lab[~_fits(lab)]
    shifts = []
    for shown in (_clipped(asked), _with_lower_chroma(asked)):
        lightness = np.abs(shown[:, 0] - asked[:, 0])
        shifts.append([lightness, deltaE_ciede2000(asked, shown)])
    return np.array(shifts)


def _seconds_a_megapixel(lightness, ab, lab):
    """Of merging as the package does it, and of lowering the chroma."""
    actions = (
        partial(steps.merge, lightness, ab, np.uint8),
        partial(_with_lower_chroma, lab),
    )
    return [seconds(action) / len(lab) * 1e6 for action in actions]


def _clipped(lab):
    from keras_colorizer import lab_to_rgb, rgb_to_lab

    return rgb_to_lab(lab_to_rgb(lab)).numpy()


def _with_lower_chroma(lab):
    """Moves what is outside sRGB towards the grey of the same L*.

    Bisects, for every pixel, the share of its chroma that sRGB can show.
    """
    outside = ~_fits(lab)
    asked = lab[outside]
    low, high = np.zeros((2, len(asked), 1), "float32")
    high += 1
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        fits = _fits(_scaled(asked, middle))[:, None]
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    shown = lab.copy()
    shown[outside] = _scaled(asked, low)
    return shown


def _scaled(lab, share):
    return np.concatenate([lab[:, :1], share * lab[:, 1:]], axis=1)


def _fits(lab):
    rgb = _linear_rgb(lab)
    return ((rgb > -TOLERANCE) & (rgb < 1 + TOLERANCE)).all(axis=1)


def _linear_rgb(lab):
    """As `color.lab_to_rgb`, without clipping and gamma encoding."""
    from keras_colorizer import color

    offset = np.array([color.LIGHTNESS_OFFSET, 0, 0], "float32")
    t = (lab + offset) @ color.ROOTS_FROM_LAB.T.astype("float32")
    line = 3 * color.DELTA**2 * (t - 4 / 29)
    cubes = np.where(t > color.DELTA, t**3, line)
    return cubes @ color.RGB_FROM_WHITENED.T.astype("float32")


def _print_shifts(shifts, pixels):
    count = shifts.shape[-1]
    print(
        f"Of {pixels / 1e6:.1f} megapixels {count / pixels:.2%} are asked to "
        "show a color outside sRGB.\n"
    )
    if not count:
        return
    header = ["shown by", "mean outside", "mean"]
    header += [f"{share} %" for share in PERCENTILES]
    print_table(
        [*header, "largest"],
        [
            (f"{method}: shift of {shift}", *_summary(values, pixels))
            for method, of_method in zip(METHODS, shifts, strict=True)
            for shift, values in zip(SHIFTS, of_method, strict=True)
        ],
    )
    print('Of all pixels but for "mean outside".')


def _summary(values, pixels):
    percentiles = [_percentile(values, share, pixels) for share in PERCENTILES]
    mean = float(values.sum() / pixels)
    return float(values.mean()), mean, *percentiles, float(values.max())


def _percentile(values, share, pixels):
    """Of all pixels: those not in `values` are inside sRGB, and keep still."""
    above = round((100 - share) / 100 * pixels)
    return float(np.sort(values)[-above]) if above <= len(values) else 0.0


if __name__ == "__main__":
    tyro.cli(main)
