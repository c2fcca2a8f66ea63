"""How many photos a second the embedded server colors, and at what cost.

Run it as `python benchmarks/serving.py [--model BASE_PATH]`, on Linux.
"""

import json
import os
import statistics
import threading
import time
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import tyro
from load import Load, Period
from measuring import (
    interleaved,
    new_process,
    print_machine,
    print_table,
)
from natural_photos import jpegs
from server_process import (
    PREDICT,
    answer_body,
    base_path_of,
    colored_directly,
    direct_colorizer,
    latest_version,
    request_body,
    served,
)
from wire_forms import wire_forms

from keras_colorizer.serving.batching.parameters import PHOTO_BATCHING

SIDES = (256, 1024)
COUNT = 8  # Different photos of each size.
SATURATING = 16  # Clients: as many photos as the server works on, and more.
MIN_ANSWERS = 40  # Of a measurement at saturation: they come four at a time.
GOAL = 0.9  # Of the direct throughput.


class Photos(NamedTuple):
    """Photos of one size, as they are asked for and answered.

    Attributes:
        side: In pixels.
        files: JPEGs.
        bodies: Of requests, one photo each.
        answers: The JSON values that must come back.
    """

    side: int
    files: list[bytes]
    bodies: list[bytes]
    answers: list[object]


def main(
    *,
    model: Path | None = None,
    clients: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64),
    duration: float = 4.0,
    repeats: int = 3,
) -> None:
    """Measures the server with one to 64 clients, and beside the bare model.

    Photos are square JPEGs of 256 pixels and of a megapixel, one a request.
    Each client waits for its answer, compares it with the PNG that the
    SavedModel makes of the photo, and asks for the next.

    Directly, the SavedModel is called in a process of its own by as many
    threads as the server uses, with one photo and with as many as the server
    puts together; the faster of the two is what the server is measured by.
    The clients run in this process, on the cores that the server needs: what
    they take, the server cannot. Time of the processor counts the server's
    alone.

    At last, one photo at a time is sent in several forms. The client's part
    is the way from the file to the request, and from the answer to pixels.

    Args:
        model: The folder of a SavedModel's versions, by default of the
            pretrained `small`.
        clients: How many at once.
        duration: Seconds of each measurement, at least; it lasts until each
            client has had two answers.
        repeats: Rounds of which the median is taken.
    """
    print_machine("tensorflow", "uvicorn", "starlette", "httptools")
    with (
        base_path_of(model) as base_path,
        TemporaryDirectory() as folder,
        new_process() as direct,
    ):
        version = latest_version(base_path)
        sizes = [_photos(direct, version, side) for side in SIDES]
        with served(base_path, log=Path(folder, "server.log")) as server:
            for photos in sizes:
                _compare_clients(server, photos, clients, duration)
            for photos in sizes:
                ask_direct = partial(_ask, direct, version, photos.files)
                _compare_direct(server, photos, ask_direct, duration, repeats)
            for photos in sizes:
                _compare_forms(server, photos, 1e3 * duration / 2)


def _photos(process, version, side):
    files = jpegs(count=COUNT, size=(side, side))
    pngs = process.submit(colored_directly, version, files).result()
    answers = [answer_body(png) for png in pngs]
    return Photos(side, files, [request_body(file) for file in files], answers)


def _compare_clients(server, photos, numbers, duration):
    """Prints how speed and latency grow with the clients."""
    rows = []
    for clients in numbers:
        period = _load(server, photos, clients, duration, 2 * clients)
        rows.append(
            (
                f"{clients}",
                period.rate,
                *(period.percentile(share) for share in (50, 95, 99)),
                len(period.latencies),
                period.refused,
                *map(_share, (period.server_cpu, period.client_cpu)),
            )
        )
    print_table(
        [
            f"clients, {photos.side} x {photos.side}",
            "photos/s",
            *("p50, ms", "p95, ms", "p99, ms"),
            *("answers", "503"),
            *("server CPU", "clients' CPU"),
        ],
        rows,
    )


def _load(server, photos, clients, duration, answers) -> Period:
    return Load(server, photos.bodies, photos.answers, clients=clients).run(
        duration=duration, answers=answers
    )


def _share(cpu_seconds_a_second):
    return f"{cpu_seconds_a_second / (os.cpu_count() or 1):.0%}"


def _compare_direct(server, photos, ask_direct, duration, repeats):
    """Prints the server's speed beside that of the model alone."""
    threads = PHOTO_BATCHING.num_batch_threads
    together = PHOTO_BATCHING.max_batch_size
    measures = {
        f"direct, {threads} threads, {count} at a time": partial(
            ask_direct, count, threads, duration
        )
        for count in (1, together)
    }
    name = f"server, {SATURATING} clients"
    measures[name] = partial(_saturate, server, photos, duration)
    results = interleaved(measures, repeats=repeats)
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in results.items()
    }
    best = max(rate for row, (rate, _) in medians.items() if row != name)
    print_table(
        [
            f"{photos.side} x {photos.side}",
            *("photos/s", "of direct", "CPU, ms a photo"),
        ],
        [
            (name, rate, f"{rate / best:.0%}", 1e3 * cpu)
            for name, (rate, cpu) in medians.items()
        ],
    )
    share = medians[name][0] / best
    verdict = "reached" if share >= GOAL else "missed"
    print(f"The goal of {GOAL:.0%} is {verdict}.\n")


def _saturate(server, photos, duration):
    """Photos a second, and the server's seconds of the processor for one."""
    period = _load(server, photos, SATURATING, duration, MIN_ANSWERS)
    return period.rate, period.server_cpu / period.rate


def _ask(process, *args):
    return process.submit(_call_directly, *args).result()


@cache
def _direct_colorizer(version):
    return direct_colorizer(version)


def _call_directly(
    version: Path, files: Sequence[bytes], count: int, threads: int, duration
):
    """The same of the model alone, called by threads."""
    colorize = _direct_colorizer(version)
    batches = [
        [files[(start + n) % len(files)] for n in range(count)]
        for start in range(len(files))
    ]
    colorize(batches[0])
    rates: list[float] = []

    def call(first):
        started, calls = time.perf_counter(), 0
        while (taken := time.perf_counter() - started) < duration or not calls:
            colorize(batches[(first + calls) % len(batches)])
            calls += 1
        rates.append(calls * count / taken)

    # Threads end one by one: what each does by itself is what counts.
    workers = [
        threading.Thread(target=call, args=(n * count,)) for n in range(threads)
    ]
    busy, started = time.process_time(), time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    taken = time.perf_counter() - started
    cpu = (time.process_time() - busy) / taken
    return sum(rates), cpu / sum(rates)


def _compare_forms(server, photos, duration):
    """Prints what each form of the same photo costs."""
    connection = server.connection()
    forms = wire_forms(_render_size(connection))
    rows = []
    for name, form in forms.items():
        _form_costs(connection, form, photos.files[0])  # To warm up.
        rounds = [_form_costs(connection, form, photos.files[0])]
        while sum(sum(costs[2:]) for costs in rounds) < duration:
            rounds.append(_form_costs(connection, form, photos.files[0]))
        sent, received, client, asking = map(
            statistics.median, zip(*rounds, strict=True)
        )
        rows.append((name, sent, received, asking, client, asking + client))
    connection.close()
    _print_forms(photos.side, rows)


def _render_size(connection):
    connection.request("GET", "/v1/models/colorizer/metadata")
    body = json.load(connection.getresponse())
    definitions = body["metadata"]["signature_def"]["signature_def"]
    shape = definitions["predict_ab"]["inputs"]["lightness"]["tensor_shape"]
    return int(shape["dim"][1]["size"])


def _form_costs(connection, form, file):
    """MB sent and received, ms of the client's part and of the server's."""
    started = time.perf_counter()
    body = form.write(file)
    asked = time.perf_counter()
    connection.request("POST", PREDICT, body)
    response = connection.getresponse()
    answer = response.read()
    answered = time.perf_counter()
    if response.status != 200:
        raise SystemExit(f"{response.status}, {answer[:300]!r}")
    form.read(file, answer)
    asking = answered - asked
    client = time.perf_counter() - started - asking
    return len(body) / 1e6, len(answer) / 1e6, 1e3 * client, 1e3 * asking


def _print_forms(side, rows):
    usual = rows[0][-1]
    print_table(
        [
            f"one photo, {side} x {side}",
            *("request, MB", "answer, MB", "server, ms", "client, ms"),
            *("both, ms", "times as long"),
        ],
        [(*row, row[-1] / usual) for row in rows],
    )


if __name__ == "__main__":
    tyro.cli(main)
