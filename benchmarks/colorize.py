"""Where the time goes when a 12-megapixel photo is colored, and the memory.

Run it as `python benchmarks/colorize.py`.
"""

import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import tyro
from measuring import (
    in_new_process,
    interleaved,
    peak_megabytes,
    print_machine,
    print_table,
    seconds,
)
from natural_photos import write_large

from keras_colorizer import Colorizer
from keras_colorizer.chroma import steps
from keras_colorizer.photos import read_photo, write_photo
from keras_colorizer.silence import silent_stderr

MODEL = "colorizer_float16.tflite"
SIZE, SMALL_SIZE = (4000, 3000), (1152, 868)
MODES = {"color": "RGB", "grey": "L"}
READING, WRITING = "reading, decoding", "encoding, writing"
LIGHTNESS, MERGING = "lightness", "merging"
OTHERS = "all but reading and writing"


def main(*, repeats: int = 5) -> None:
    """Colors JPEGs of 12 megapixels, a color one and a grey one.

    The generator is `small`, untrained, as `colorizer_float16.tflite`. The
    peer takes the lightness and puts ab under it with NumPy and scikit-image.
    At last, whole commands are timed, from the start of a process to the
    colorized file.

    Args:
        repeats: Rounds of which the median is taken, after one to warm up.
    """
    print_machine("ai-edge-litert", "scikit-image", "pillow")
    with tempfile.TemporaryDirectory() as folder:
        # In new processes: the memory of this one would count for theirs.
        in_new_process(_export, Path(folder, MODEL))
        for name, mode in MODES.items():
            path = Path(folder, f"{name}.jpg")
            in_new_process(write_large, path, size=SIZE, mode=mode)
            _measure_steps(name, path, repeats)
        small = Path(folder, "small.jpg")
        in_new_process(write_large, small, size=SMALL_SIZE, mode="L")
        print_table(
            ["whole command, grey JPEG", "s"],
            [
                (f"{width} x {height}", _command_seconds(photo, repeats))
                for photo, (width, height) in [
                    (small, SMALL_SIZE),
                    (path, SIZE),
                ]
            ],
        )


def _measure_steps(name, path, repeats):
    first, empty, peak = in_new_process(_first_photo, path)
    later, peer = in_new_process(_later_photos, path, repeats)
    _print_times(name, first, later)
    _print_peer(peer, later[LIGHTNESS] + later[MERGING])
    print(
        f"Peak memory of a process that colors this one photo: {peak:.0f} "
        f"MB, {empty:.0f} MB of\nthem before it reads the photo.\n"
    )


def _export(path):
    with silent_stderr():
        from keras_colorizer import build_generator
        from keras_colorizer.exporting.conversion import convert
        from keras_colorizer.inference.keras_network import KerasNetwork
        from keras_colorizer.presets import generator_preset

        size = generator_preset("small").render_size
        network = KerasNetwork(build_generator("small"), render_size=size)
        path.write_bytes(convert(network, precision="float16", any_size=True))


def _command_seconds(path, repeats):
    command = [sys.executable, "-m", "keras_colorizer", "colorize", str(path)]
    command += ["-o", str(path.with_suffix(".command.jpg")), "--overwrite"]
    command += ["--model", str(path.with_name(MODEL))]
    run = partial(subprocess.run, command, check=True, capture_output=True)
    return statistics.median(seconds(run) for _ in range(repeats))


def _first_photo(path):
    """Seconds of each step, and peak memory in MB before and after."""
    colorizer = Colorizer.load(path.with_name(MODEL))
    before = peak_megabytes()
    times = _lap_times(_steps(colorizer, path))
    return times, before, peak_megabytes()


def _later_photos(path, repeats):
    """Median seconds of each step, and those of the peer."""
    colorizer = Colorizer.load(path.with_name(MODEL))
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
