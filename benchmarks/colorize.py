"""Where the time goes when a 12-megapixel photo is colored, and the memory.

Run it as `python benchmarks/colorize.py`.
"""

import dataclasses
import multiprocessing
import resource
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import tyro
from measuring import (
    interleaved,
    print_machine,
    print_table,
    seconds,
)
from natural_photos import write_large

from keras_colorizer.chroma import steps
from keras_colorizer.photos import read_photo, write_photo
from keras_colorizer.silence import silent_stderr

SIZE = (4000, 3000)
MODES = {"color": "RGB", "grey": "L"}
READING, WRITING = "reading, decoding", "encoding, writing"
LIGHTNESS, MERGING = "lightness", "merging"
OTHERS = "all but reading and writing"


def main(*, repeats: int = 5) -> None:
    """Colors JPEGs of 12 megapixels, a color one and a grey one.

    The generator is `small`, untrained. The peer takes the lightness and puts
    ab under it with NumPy and scikit-image.

    Args:
        repeats: Rounds of which the median is taken, after one to warm up.
    """
    print_machine("tensorflow", "keras", "scikit-image", "pillow")
    for name, mode in MODES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"{name}.jpg")
            # Not in this process: its memory would count for those it starts.
            _in_new_process(write_large, path, size=SIZE, mode=mode)
            first, empty, peak = _in_new_process(_first_photo, path)
            later, peer = _in_new_process(_later_photos, path, repeats)
        _print_times(name, first, later)
        _print_peer(peer, later[LIGHTNESS] + later[MERGING])
        print(
            f"Peak memory of a process that colors this one photo: {peak:.0f} "
            f"MB, {empty:.0f} MB of\nthem before it reads the photo.\n"
        )


def _in_new_process(function, *args, **kwargs):
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *args, **kwargs).result()


def _first_photo(path):
    """Seconds of each step, and peak memory in MB before and after."""
    colorizer = _untrained_colorizer()
    before = _peak_megabytes()
    times = _lap_times(_steps(colorizer, path))
    return times, before, _peak_megabytes()


def _peak_megabytes():
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes * 1024 / 1e6


def _later_photos(path, repeats):
    """Median seconds of each step, and those of the peer."""
    colorizer = _untrained_colorizer()
    pixels, ab = read_photo(path).pixels, _noise_ab(colorizer.render_size)
    measures = {
        "ours": lambda: _lap_times(_steps(colorizer, path)),
        "peer": lambda: seconds(partial(_by_scikit_image, pixels, ab)),
    }
    interleaved(measures, repeats=1)
    results = interleaved(measures, repeats=repeats)
    ours = {
        step: statistics.median(times[step] for times in results["ours"])
        for step in results["ours"][0]
    }
    return ours, statistics.median(results["peer"])


def _untrained_colorizer():
    with silent_stderr():
        from keras_colorizer import Colorizer, build_generator
        from keras_colorizer.presets import generator_preset
    return Colorizer(
        build_generator("small"),
        render_size=generator_preset("small").render_size,
    )


def _steps(colorizer, path):
    """Colors a file as the command line does; yields each step when done."""
    photo = read_photo(path)
    yield READING
    lightness = steps.photo_lightness(photo.pixels)
    yield LIGHTNESS
    view = steps.network_view(lightness, colorizer.render_size)
    yield "network's view"
    ab = colorizer.predict_ab(view)[0]
    yield "network"
    rgb = steps.merge(lightness, ab, photo.pixels.dtype.type)
    yield MERGING
    write_photo(
        dataclasses.replace(photo, pixels=rgb), path.with_suffix(".out.jpg")
    )
    yield WRITING


def _lap_times(steps):
    times, start = {}, time.perf_counter()
    for name in steps:
        end = time.perf_counter()
        times[name] = end - start
        start = end
    between = [t for name, t in times.items() if name not in (READING, WRITING)]
    return {**times, OTHERS: sum(between)}


def _noise_ab(side):
    import numpy as np

    return np.random.default_rng(0).uniform(-20, 20, (side, side, 2))


def _by_scikit_image(pixels, ab):
    from skimage import color, transform, util

    rgb = color.gray2rgb(pixels) if pixels.ndim == 2 else pixels
    lab = color.rgb2lab(rgb)
    lab[..., 1:] = transform.resize(ab, pixels.shape[:2], order=1)
    return util.img_as_ubyte(color.lab2rgb(lab))


def _print_times(name, first, later):
    print_table(
        [f"{name} JPEG, {SIZE[0]} x {SIZE[1]}", "first photo, s", "later, s"],
        [(step, first[step], later[step]) for step in later],
    )


def _print_peer(peer, ours):
    print(
        f"NumPy and scikit-image take {peer:.2f} s for lightness and merging, "
        f"{peer / ours:.1f} times as\nlong."
    )


if __name__ == "__main__":
    tyro.cli(main)
