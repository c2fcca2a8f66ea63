"""Latency and memory of each runtime: the network alone, then whole photos.

Run it as `python benchmarks/latency.py`, on Linux.
"""

import os
import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

import tyro
from measuring import (
    in_new_process,
    interleaved,
    median_seconds,
    new_process,
    peak_megabytes,
    print_machine,
    print_table,
    seconds,
    use_cores,
)

from keras_colorizer.silence import silent_stderr

SIZES = ((256, 256), (1024, 1024), (4000, 3000))  # Of photos.
KERAS, SAVED_MODEL = "generator.keras", "saved_model"
FLOAT32, FLOAT16 = "colorizer_float32.tflite", "colorizer_float16.tflite"
NETWORKS = {
    "Keras": KERAS,
    "SavedModel": SAVED_MODEL,
    "LiteRT, float32": FLOAT32,
    "LiteRT, float16 weights": "ab_float16.tflite",
    "LiteRT, int8": "ab_int8.tflite",
    "LiteRT, int8 weights": "ab_int8_weights.tflite",
}
# Colorizers color strip by strip, signatures the whole photo in one graph.
COLORIZERS = {
    "Keras, Colorizer": (KERAS, "Colorizer"),
    "SavedModel, `colorize`": (SAVED_MODEL, "signature"),
    "LiteRT, float32, `colorize`": (FLOAT32, "signature"),
    "LiteRT, float16 weights, `colorize`": (FLOAT16, "signature"),
    "LiteRT, float16 weights, Colorizer": (FLOAT16, "Colorizer"),
}


def main(
    *, preset: str = "small", run: Path | None = None, repeats: int = 7
) -> None:
    """Compares runtimes by turns, on this machine with nothing else to do.

    The network alone predicts the ab of a square of L*, from NumPy to NumPy,
    on one core and on two. Files of 8-bit arithmetic are calibrated on random
    colors, which does for the time.

    Photos are arrays of uint8, colored on all cores; no file is decoded. The
    first one is colored when the model has been loaded. Memory is that of the
    process, before the first photo and at most until it is colored.

    Every row is a process of its own, called for half a second, then the next
    one's turn comes.

    Args:
        preset: A generator, untrained.
        run: A run folder or a `.keras` file, instead.
        repeats: Rounds of which the median is taken.
    """
    print_machine("tensorflow", "keras", "ai-edge-litert")
    print(f"Of `{run or preset}`.\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        side = in_new_process(_write_artifacts, folder, preset, run)
        for cores in range(1, 1 + min(2, len(os.sched_getaffinity(0)))):
            _compare_networks(folder, side, cores, repeats)
        for size in SIZES:
            _compare_photos(folder, size, repeats)


def _write_artifacts(folder: Path, preset: str, run: Path | None) -> int:
    """Writes all artifacts; returns the side of the network's square."""
    with silent_stderr():
        from keras_colorizer.exporting.conversion import convert
        from keras_colorizer.exporting.saved_model import write_saved_model
        from keras_colorizer.networks.generator_file import save_generator
        from keras_colorizer.photos import MAX_PIXELS

        network = _keras_network(preset, run)
        side = network.render_size
        path = folder / KERAS
        save_generator(network.generator, path, preset=preset, render_size=side)
        write_saved_model(network, folder / SAVED_MODEL, max_pixels=MAX_PIXELS)
        for file in {*NETWORKS.values(), FLOAT16} - {KERAS, SAVED_MODEL}:
            kind, precision = file.removesuffix(".tflite").split("_", 1)
            options = {"any_size": kind == "colorizer", "views": _views(side)}
            content = convert(network, precision=precision, **options)
            (folder / file).write_bytes(content)
    return side


def _keras_network(preset: str, run: Path | None):
    from keras_colorizer import build_generator
    from keras_colorizer.inference.keras_network import KerasNetwork
    from keras_colorizer.inference.network import load_network
    from keras_colorizer.presets import generator_preset

    if run is not None:
        return load_network(run)
    side = generator_preset(preset).render_size
    return KerasNetwork(build_generator(preset), render_size=side)


def _views(side: int) -> list:
    """A few smooth views, to calibrate 8-bit arithmetic with."""
    from keras_colorizer.chroma import steps

    photos = [_photo((side, side), seed=n) for n in range(8)]
    lightness = map(steps.photo_lightness, photos)
    return [steps.network_view(one, side) for one in lightness]


def _photo(size: tuple[int, int], *, seed: int = 0):
    """Random colors with smooth transitions, `(h, w, 3)` uint8."""
    import numpy as np
    from PIL import Image

    colors = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), "uint8")
    tile = np.asarray(Image.fromarray(colors).resize((256, 256)))
    columns, rows = (np.arange(side) % 256 for side in size)
    return tile[rows[:, np.newaxis], columns]  # No memory but its own.


def _compare_networks(folder, side, cores, repeats):
    with ExitStack() as stack:
        measures = {}
        for name, file in NETWORKS.items():
            process = stack.enter_context(new_process(_start, cores, file))
            ask = partial(_ask, process, _network_seconds)
            measures[name] = partial(ask, folder / file, side)
        results = interleaved(measures, repeats=repeats)
    times = {name: statistics.median(taken) for name, taken in results.items()}
    rows = []
    for name, taken in times.items():
        size = _megabytes(folder / NETWORKS[name])
        rows.append((name, 1e3 * taken, times["Keras"] / taken, size))
    title = f"network, {side} x {side}, {cores} core{'s' if cores > 1 else ''}"
    print_table([title, "ms", "times Keras", "MB"], rows)


def _start(cores, file):
    """Gives a new process its cores, before anything has started threads."""
    use_cores(cores)
    if file.endswith(".tflite"):
        return  # LiteRT takes as many as there are, and needs no TensorFlow.
    with silent_stderr():
        import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(cores)


def _ask(process, function, *args):
    return process.submit(function, *args).result()


def _network_seconds(file, side):
    import numpy as np

    lightness = np.random.default_rng(0).uniform(0, 100, (1, side, side, 1))
    network = _network(file)
    return median_seconds(lambda: network.predict_ab(np.float32(lightness)))


@cache
def _network(file):
    with silent_stderr():
        from keras_colorizer.inference.network import load_network

        return load_network(file)


def _megabytes(path):
    paths = path.rglob("*") if path.is_dir() else [path]
    return sum(p.stat().st_size for p in paths if p.is_file()) / 1e6


def _compare_photos(folder, size, repeats):
    """Prints times of the first photo and of later ones, and the memory."""
    with ExitStack() as stack:
        firsts, measures = {}, {}
        for name, (file, way) in COLORIZERS.items():
            ask = partial(_ask, stack.enter_context(new_process()))
            row = folder / file, way, size
            firsts[name] = ask(_first_photo, *row)
            measures[name] = partial(ask, _later_photos, *row)
        results = interleaved(measures, repeats=repeats)
    rows = []
    for name, (first, *memory) in firsts.items():
        later = statistics.median(results[name])
        rows.append((name, 1e3 * first, 1e3 * later, *memory))
    title = f"photo, {size[0]} x {size[1]}"
    print_table(
        [title, "first, ms", "later, ms", "MB before", "MB at most"], rows
    )


def _first_photo(path, way, size):
    """Seconds of the first call, and peak memory in MB before and after."""
    colorize, photo = _colorizer(path, way), _photo(size)
    before = peak_megabytes()
    taken = seconds(partial(colorize, photo))
    return taken, before, peak_megabytes()


def _later_photos(path, way, size):
    return median_seconds(partial(_colorizer(path, way), _photo(size)))


@cache
def _colorizer(path: Path, way: str) -> Callable:
    """Returns a function of `(h, w, 3)` uint8 sRGB."""
    with silent_stderr():
        if way == "Colorizer":
            from keras_colorizer import Colorizer
            from keras_colorizer.photos import Photo

            colorizer = Colorizer.load(path)
            return lambda rgb: colorizer.colorize_photo(Photo(rgb))
        if path.suffix == ".tflite":
            from keras_colorizer.litert import signature_runner

            run = signature_runner(path, "colorize")
            return lambda rgb: run(rgb=rgb[None])
        import tensorflow as tf

        model = tf.saved_model.load(str(path))
        return lambda rgb: model.signatures["colorize"](rgb=rgb[None])


if __name__ == "__main__":
    tyro.cli(main)
