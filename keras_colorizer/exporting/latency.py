"""How long an artifact takes, on the machine that exports it."""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_colorizer.exporting.report import Latency
from keras_colorizer.exporting.tflite.flatbuffer import signatures
from keras_colorizer.litert import available_cores, signature_runner

REPEATS = 20
SIDES = (256, 1024)  # Of photos, in pixels.
THREADS = (1, 2)
GREY = {"rgb": 128, "lightness": 50.0}


def tflite_latency(path: Path) -> Iterator[Latency]:
    """Times the first signature of a file.

    Args:
        path: A `.tflite` file.
    """
    name, signature = next(iter(signatures(path.read_bytes()).items()))
    ((input_name, spec),) = signature.inputs.items()
    fixed = spec.shape[1]
    for side in SIDES if fixed < 0 else (fixed,):
        shape = (1, side, side, spec.shape[3])
        grey = np.full(shape, GREY[input_name], spec.dtype)
        for threads in THREADS:
            run = signature_runner(path, name, threads=threads)
            milliseconds = _median_milliseconds(run, **{input_name: grey})
            yield Latency(name, side, threads, milliseconds)


def saved_model_latency(model) -> Iterator[Latency]:
    """Times the signature `colorize` with all cores.

    Args:
        model: A loaded SavedModel.
    """
    run = model.signatures["colorize"]
    for side in SIDES:
        grey = tf.fill([1, side, side, 3], tf.constant(GREY["rgb"], tf.uint8))
        milliseconds = _median_milliseconds(run, rgb=grey)
        yield Latency("colorize", side, available_cores(), milliseconds)


def _median_milliseconds(run: Callable[..., object], **inputs) -> float:
    times = []
    for _ in range(2 + REPEATS):
        start = time.perf_counter()
        run(**inputs)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[2:])  # The first two prepare memory.
