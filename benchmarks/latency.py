"""How long each runtime takes to color a photo, beside PyTorch.

Run it as `python benchmarks/latency.py [--torch-python PATH]`, on Linux.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import tyro
from keras_pix2pix import MATMUL_SIDE, matmul_seconds
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
from train_step import torch_version

from keras_colorizer.silence import silent_stderr

SIDE = 256  # Of squares, besides the generator's own render size.
SIZES = ((256, 256), (1024, 1024), (4000, 3000))  # Of photos.
MATMUL = "matmul"
# Of the standard deviation of ab, by which PyTorch may differ from Keras.
TOLERANCE = 1e-3
CALIBRATION = 8  # Views; no more is needed, as only the time matters.
KERAS, SAVED_MODEL = "generator.keras", "saved_model"
FLOAT32, FLOAT16 = "colorizer_float32.tflite", "colorizer_float16.tflite"
NETWORKS = {
    "Keras": KERAS,
    "SavedModel": SAVED_MODEL,
    "LiteRT, float32": FLOAT32,
    "LiteRT, float16 weights": "ab_float16.tflite",
    "LiteRT, int8": "ab_int8.tflite",
    "LiteRT, int8 weights": "ab_dynamic.tflite",
}
PYTORCH = {"PyTorch": "eager", "PyTorch, torch.compile": "compiled"}
# Colorizers color strip by strip, signatures the whole photo in one graph.
COLORIZERS = {
    "Keras, Colorizer": (KERAS, "Colorizer"),
    "SavedModel, `colorize`": (SAVED_MODEL, "signature"),
    "LiteRT, float32, `colorize`": (FLOAT32, "signature"),
    "LiteRT, float16 weights, `colorize`": (FLOAT16, "signature"),
    "LiteRT, float16 weights, Colorizer": (FLOAT16, "Colorizer"),
}


class Subject(NamedTuple):
    """What is measured.

    Attributes:
        folder: Holds its artifacts by side.
        render_size: Side in pixels of the square it sees of a photo.
        multiply_adds: Of a square, by side.
    """

    folder: Path
    render_size: int
    multiply_adds: dict[int, int]


def main(
    *,
    torch_python: Path = Path(sys.executable),
    preset: str = "small",
    run: Path | None = None,
    repeats: int = 7,
) -> None:
    """Compares runtimes: the network alone, then whole photos.

    The network alone predicts the ab of a square of L*, from NumPy to NumPy,
    on one core and on two. PyTorch runs the same layers with the same weights,
    channels last, in inference mode, batch norms folded into convolutions;
    what it predicts must be what Keras predicts. Files of 8-bit arithmetic are
    calibrated on random colors, which does for the time.

    Photos are arrays of uint8, colored on all cores; no file is decoded. The
    first one is colored when the model has been loaded. Memory is that of the
    process, before the first photo and at most until it is colored.

    Every row is a process of its own, called for half a second, then the next
    one's turn comes. Nothing else may run: PyTorch's threads wait for one
    another, and with one core taken they lose most of their time by it.

    Args:
        torch_python: A Python that has PyTorch; it needs nothing else.
        preset: A generator, untrained.
        run: A run folder or a `.keras` file, instead.
        repeats: Rounds of which the median is taken.
    """
    torch = torch_version(torch_python)
    print_machine("tensorflow", "keras", "ai-edge-litert")
    print(f"PyTorch {torch}. Of `{run or preset}`.\n")
    with tempfile.TemporaryDirectory() as folder:
        subject = in_new_process(_write_subject, Path(folder), preset, run)
        for cores in range(1, 1 + min(2, len(os.sched_getaffinity(0)))):
            _compare_networks(subject, cores, torch_python, repeats)
        _print_notes()
        for size in SIZES:
            _compare_photos(subject, size, repeats)


def _print_notes():
    print(
        '"Times PyTorch" is the speed over that of the faster PyTorch. "Of '
        'peak" is the share\nof the fastest multiplication of two square '
        "float32 matrices seen on as many cores,\nwhich 8-bit arithmetic may "
        "exceed.\n"
    )


def _write_subject(folder, preset, run):
    """Writes all artifacts for all sides; returns the subject."""
    with silent_stderr():
        from arithmetic import forward_multiply_adds

        generator, render_size = _generator(preset, run)
        _write_layers(generator, folder)
        sides = sorted({render_size, SIDE})
        for side in sides:
            _write_artifacts(generator, folder / f"{side}", side)
    counts = {s: forward_multiply_adds(generator, side=s) for s in sides}
    return Subject(folder, render_size, counts)


def _generator(preset, run):
    from keras_colorizer import build_generator
    from keras_colorizer.inference.network import generator_of_run
    from keras_colorizer.networks.generator_file import load_generator
    from keras_colorizer.presets import generator_preset

    if run is not None:
        path = generator_of_run(run) if run.is_dir() else run
        saved = load_generator(path)
        return saved.generator, saved.render_size
    generator = build_generator(preset)
    _settle(generator)
    return generator, generator_preset(preset).render_size


def _settle(generator):
    """Gives an untrained generator biases and statistics, as training does.

    Without, many a layer would do nothing, and a fault in PyTorch's twin of it
    stay unnoticed.
    """
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    for weight in generator.trainable_weights:
        if len(weight.shape) == 1:
            weight.assign(weight + rng.uniform(0, 0.2, weight.shape))
    norms = [
        layer
        for layer in generator.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0  # Take the next batch's for the statistics.
    generator(rng.uniform(-1, 1, (8, SIDE, SIDE, 1)), training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def _write_layers(generator, folder):
    """Writes what `pytorch_generator` builds its network of."""
    import keras
    import numpy as np

    from keras_colorizer import encoding

    makers = {id(layer.output): layer.name for layer in generator.operations}
    layers = [
        {
            "kind": type(layer).__name__,
            "name": layer.name,
            "inputs": [makers[id(x)] for x in keras.tree.flatten(layer.input)],
            "channels": layer.output.shape[-1],
            "config": layer.get_config(),
        }
        for layer in generator.operations
    ]
    about = {
        "layers": layers,
        "lightness_half": encoding.LIGHTNESS_HALF,
        "ab_limit": encoding.AB_LIMIT,
    }
    (folder / "network.json").write_text(json.dumps(about, default=repr))
    weights = {
        f"{layer.name}/{weight.name}": weight.numpy()
        for layer in generator.layers
        for weight in layer.weights
    }
    np.savez(folder / "network.npz", **weights)


def _write_artifacts(generator, folder, side):
    """Writes each artifact for squares of a side, an input and its ab."""
    import numpy as np

    from keras_colorizer import encoding
    from keras_colorizer.exporting.saved_model.publishing import (
        write_saved_model,
    )
    from keras_colorizer.exporting.tflite import conversion
    from keras_colorizer.inference.keras_network import KerasNetwork
    from keras_colorizer.networks.generator_file import save_generator
    from keras_colorizer.photos import MAX_PIXELS

    network = KerasNetwork(generator, render_size=side)
    save_generator(
        generator, folder / KERAS, preset="measured", render_size=side
    )
    write_saved_model(network, folder / SAVED_MODEL, max_pixels=MAX_PIXELS)
    for name, content in {
        FLOAT32: conversion.colorizer_tflite(network, float16=False),
        FLOAT16: conversion.colorizer_tflite(network, float16=True),
        "ab_float16.tflite": conversion.ab_float16_tflite(network),
        "ab_int8.tflite": conversion.ab_integer_tflite(network, _views(side)),
        "ab_dynamic.tflite": conversion.ab_dynamic_tflite(network),
    }.items():
        (folder / name).write_bytes(content)
    rng = np.random.default_rng(0)
    lightness = rng.uniform(0, 100, (1, side, side, 1)).astype("float32")
    np.save(folder / "lightness.npy", lightness)
    encoded_ab = network.predict_ab(lightness) / encoding.AB_LIMIT
    np.save(folder / "encoded_ab.npy", encoded_ab)


def _views(side):
    """A few smooth views, to calibrate 8-bit arithmetic with."""
    from keras_colorizer.chroma import steps

    photos = (_photo((SIDE, SIDE), seed=n) for n in range(CALIBRATION))
    return [
        steps.network_view(steps.photo_lightness(photo), side)
        for photo in photos
    ]


def _photo(size, *, seed=0):
    """Random colors with smooth transitions, `(h, w, 3)` uint8.

    A square again and again: making it takes no memory but its own.
    """
    import numpy as np
    from PIL import Image

    colors = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), "uint8")
    smooth = Image.fromarray(colors).resize((SIDE, SIDE))
    more = [(0, side - SIDE) for side in reversed(size)]
    return np.pad(smooth, [*more, (0, 0)], mode="wrap")


def _compare_networks(subject, cores, torch_python, repeats):
    with ExitStack() as stack:
        measures = {
            **_our_measures(stack, subject, cores),
            **_pytorch_measures(stack, subject, cores, torch_python),
        }
        results = interleaved(measures, repeats=repeats)
    peak = _peak(results)
    for side in subject.multiply_adds:
        times = {
            name: statistics.median(taken)
            for (name, what), taken in results.items()
            if what == side
        }
        _print_networks(subject, cores, side, times, peak)


def _our_measures(stack, subject, cores):
    """Functions that return seconds, by name and by side or MATMUL."""
    measures = {}
    for name, file in NETWORKS.items():
        process = stack.enter_context(new_process(_start, cores, file))
        for side in subject.multiply_adds:
            path = subject.folder / f"{side}"
            measures[name, side] = partial(
                _ask, process, _network_seconds, path / file, path
            )
        if file == KERAS:
            measures[name, MATMUL] = partial(_ask, process, _matmul)
    return measures


def _pytorch_measures(stack, subject, cores, python):
    """The same of PyTorch, once it predicts what Keras predicts."""
    measures = {}
    for name, way in PYTORCH.items():
        process = _pytorch(python, subject.folder, cores, way)
        try:
            ask = stack.enter_context(process)
            _check(name, ask, subject, cores)
        except EOFError:
            if way == "eager":
                raise SystemExit("PyTorch ended, see above.") from None
            print(f"{name} does not work here, and is left out.\n")
            continue
        for side in subject.multiply_adds:
            measures[name, side] = partial(ask, "seconds", side)
        measures[name, MATMUL] = partial(ask, "matmul", MATMUL_SIDE)
    return measures


def _check(name, ask, subject, cores):
    """Compares what PyTorch predicts of noise with what Keras does.

    Raises:
        SystemExit: If they differ.
        EOFError: If PyTorch fails.
    """
    import numpy as np

    pairs = []
    for side in subject.multiply_adds:
        ask("predict", side)
        path = subject.folder / f"{side}"
        files = ("predicted.npy", "encoded_ab.npy")
        pairs.append([np.load(path / file).ravel() for file in files])
    predicted, expected = map(np.concatenate, zip(*pairs, strict=True))
    difference, deviation = np.abs(predicted - expected).max(), expected.std()
    print(
        f"{name} on {_cores(cores)}: encoded ab differs from Keras' by at most "
        f"{difference:.0e}\n(its standard deviation is {deviation:.2f}).\n"
    )
    if not difference <= TOLERANCE * deviation:
        raise SystemExit("That is too much: they are not the same network.")


def _cores(count):
    return "1 core" if count == 1 else f"{count} cores"


def _start(cores, file):
    """Gives a new process its cores, before anything has started threads."""
    use_cores(cores)
    if file not in (KERAS, SAVED_MODEL):
        return  # LiteRT takes as many as there are, and needs no TensorFlow.
    with silent_stderr():
        import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(cores)


def _ask(process: ProcessPoolExecutor, function, *args):
    return process.submit(function, *args).result()


def _network_seconds(file, path):
    import numpy as np

    network, lightness = _network(file), np.load(path / "lightness.npy")
    return median_seconds(lambda: network.predict_ab(lightness))


@cache
def _network(file):
    with silent_stderr():
        from keras_colorizer.inference.network import load_network

        return load_network(file)


def _matmul():
    return min(matmul_seconds("float32"))


@contextmanager
def _pytorch(python, folder, cores, way) -> Iterator[Callable]:
    """Starts `pytorch_generator`; yields what asks it."""
    script = Path(__file__).with_name("pytorch_generator.py")
    process = subprocess.Popen(
        [python, script, folder, f"{cores}", way],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor"},
    )
    with process:  # Closes its input at the end, and with that, ends it.
        _answer(process)
        yield partial(_ask_pytorch, process)


def _ask_pytorch(process, question, side):
    print(question, side, file=process.stdin, flush=True)
    return json.loads(_answer(process))


def _answer(process):
    if line := process.stdout.readline():
        return line
    raise EOFError


def _peak(results):
    """The most multiply-adds a second that multiplied two matrices."""
    taken = (t for (_, what), t in results.items() if what == MATMUL)
    return MATMUL_SIDE**3 / min(map(min, taken))


def _print_networks(subject, cores, side, times, peak):
    pytorch = min(times[name] for name in PYTORCH if name in times)
    table = []
    for name, taken in times.items():
        speed = subject.multiply_adds[side] / taken
        file = subject.folder / f"{side}" / NETWORKS.get(name, "none")
        size = _megabytes(file) if file.exists() else ""
        share = f"{speed / peak:.0%}"
        row = (name, 1e3 * taken, pytorch / taken, size, speed / 1e9, share)
        table.append(row)
    title = f"network, {side} x {side}, {_cores(cores)}"
    columns = ("ms", "times PyTorch", "MB", "G multiply-adds/s", "of peak")
    print_table([title, *columns], table)


def _megabytes(path):
    paths = path.rglob("*") if path.is_dir() else [path]
    return sum(p.stat().st_size for p in paths if p.is_file()) / 1e6


def _compare_photos(subject, size, repeats):
    """Prints times of the first photo and of later ones, and the memory."""
    folder = subject.folder / f"{subject.render_size}"
    arguments = {
        name: (folder / file, way, size)
        for name, (file, way) in COLORIZERS.items()
    }
    with ExitStack() as stack:
        asks = {
            name: partial(_ask, stack.enter_context(new_process()))
            for name in COLORIZERS
        }
        firsts = {
            name: ask(_first_photo, *arguments[name])
            for name, ask in asks.items()
        }
        measures = {
            name: partial(ask, _later_photos, *arguments[name])
            for name, ask in asks.items()
        }
        results = interleaved(measures, repeats=repeats)
    later = {name: statistics.median(taken) for name, taken in results.items()}
    _print_photos(size, firsts, later)


def _first_photo(path, way, size):
    """Seconds of the first call, and peak memory in MB before and after."""
    colorize, photo = _colorizer(path, way), _photo(size)
    before = peak_megabytes()
    taken = seconds(partial(colorize, photo))
    return taken, before, peak_megabytes()


def _later_photos(path, way, size):
    return median_seconds(partial(_colorizer(path, way), _photo(size)))


@cache
def _colorizer(path, way):
    """Returns a function from and to `(h, w, 3)` uint8 sRGB."""
    with silent_stderr():
        if way == "Colorizer":
            return _by_colorizer(path)
        if path.suffix == ".tflite":
            return _by_litert(path)
        return _by_saved_model(path)


def _by_colorizer(path):
    from keras_colorizer import Colorizer
    from keras_colorizer.photos import Photo

    colorizer = Colorizer.load(path)
    return lambda rgb: colorizer.colorize_photo(Photo(rgb)).pixels


def _by_litert(path):
    from keras_colorizer.litert import signature_runner

    run = signature_runner(path, "colorize")
    return lambda rgb: run(rgb=rgb[None])["rgb"][0]


def _by_saved_model(path):
    import tensorflow as tf

    model = tf.saved_model.load(str(path))

    def colorize(rgb):
        run = model.signatures["colorize"]
        return run(rgb=tf.constant(rgb[None]))["rgb"].numpy()[0]

    return colorize


def _print_photos(size, firsts, later):
    print_table(
        [
            f"photo, {size[0]} x {size[1]}",
            "first, ms",
            "later, ms",
            "MB before",
            "MB at most",
        ],
        [
            (name, 1e3 * first, 1e3 * later[name], before, most)
            for name, (first, before, most) in firsts.items()
        ],
    )


if __name__ == "__main__":
    tyro.cli(main)
