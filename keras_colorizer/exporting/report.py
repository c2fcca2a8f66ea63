"""The report of an export: size, latency and parity of each artifact."""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from keras_colorizer.exporting.parity import Parity
from keras_colorizer.files import whole_file
from keras_colorizer.litert import available_cores, signature_runner

REPEATS = 20
SIDES = (256, 1024)  # Of photos, in pixels.
THREADS = (1, 2)


@dataclass(frozen=True)
class Latency:
    """Median of 20 calls of a signature with squares of `side` pixels."""

    signature: str
    side: int
    threads: int
    milliseconds: float


@dataclass(frozen=True)
class ArtifactReport:
    """Measurements of one artifact.

    Attributes:
        name: Its path in the export folder.
        precision: `float32`, `float16` (of the weights), `int8` (all of it)
            or `int8_weights`.
        problem: Why it was not published, or None.
        bytes: Its size.
        latency: On the machine that exported it.
        parity: The difference from the Keras model.
    """

    name: str
    precision: str
    problem: str | None
    bytes: int
    latency: list[Latency]
    parity: Parity


def file_latency(path: Path) -> Iterator[Latency]:
    """Times the first signature of a `.tflite` file; other files have none."""
    if path.suffix != ".tflite":
        return
    signature, *_ = Interpreter(str(path)).get_signature_list()
    for threads in THREADS:
        run = signature_runner(path, signature, threads=threads)
        ((name, spec),) = run.get_input_details().items()
        _, fixed, _, channels = spec["shape_signature"]
        for side in SIDES if fixed < 0 else (int(fixed),):
            black = np.zeros((1, side, side, channels), spec["dtype"])
            milliseconds = _median_milliseconds(run, **{name: black})
            yield Latency(signature, side, threads, milliseconds)


def saved_model_latency(model: Any) -> Iterator[Latency]:
    """Times the signature `colorize` of a loaded SavedModel, on all cores."""
    run = model.signatures["colorize"]
    for side in SIDES:
        black = np.zeros((1, side, side, 3), "uint8")
        milliseconds = _median_milliseconds(run, rgb=black)
        yield Latency("colorize", side, available_cores(), milliseconds)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a report or a model card, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")


def _median_milliseconds(run: Callable[..., object], **inputs: object) -> float:
    times = []
    for _ in range(2 + REPEATS):
        start = time.perf_counter()
        run(**inputs)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[2:])  # The first two prepare memory.
