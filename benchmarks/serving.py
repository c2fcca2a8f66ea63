"""Start, memory and speed of the embedded server, and a soak, on Linux."""

import base64
import gzip
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import psutil
import tyro
from measuring import interleaved, print_machine, print_table
from natural_photos import jpegs

HERE = Path(__file__).parents[1]
PREDICT = "/v1/models/colorizer:predict"
LOADS = ((16, 256), (8, 1024))  # Clients, and the side of their photos.
COUNT = 8  # Different photos of each size.
PATIENCE = 120  # Seconds, for the server to start, answer and stop.
SECONDS_TO_REST = 15  # Until memory is given back.
OPTIONS = ("--port", "0", "--rest-api-timeout-in-ms", f"{1000 * PATIENCE}")
CLIENTS, SHARES = 8, (0.95, 0.05)  # Of the soak: good and broken requests.


class Server(NamedTuple):
    """A server that runs."""

    port: int
    process: psutil.Process
    first: float  # Seconds from its start to its first answer.
    first_cpu: float  # Of these, seconds of the processor.

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        return self.process.memory_info().rss / 1e6


class Call(NamedTuple):
    """A request, and the answer that must come: None for any of the status."""

    body: bytes
    status: int = 200
    answer: bytes | None = None
    headers: dict[str, str] = {}


def main(
    *,
    beside: Path | None = None,
    model: Path | None = None,
    duration: float = 20.0,
    repeats: int = 3,
    requests: int = 5000,
    soak: float = 0.0,
) -> None:
    """Measures the server of this checkout, and of another one by turns.

    Photos are square JPEGs, one a request. Each client compares its answer
    with the first answer to the same photo, and asks for the next. Clients run
    on the cores that the servers need; milliseconds of CPU are the server's.

    Args:
        beside: Another checkout, whose server is measured by turns.
        model: For `--model` of both; by default each serves its own.
        duration: Seconds of each measurement, at least.
        repeats: Rounds of which the median is taken.
        requests: After so many more, memory is read again.
        soak: Seconds to soak the server of this checkout, and nothing else.
    """
    print_machine("uvicorn", "starlette", "ai-edge-litert", "tensorflow")
    options = ("--model", str(model.resolve())) if model else ()
    if soak:
        with _served(HERE, *options) as server:
            _soak(server, soak)
        return
    checkouts = {"here": HERE} | ({"beside": beside} if beside else {})
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(_served(checkout, *options))
            for name, checkout in checkouts.items()
        }
        _compare(servers, duration, repeats, requests)


def _compare(servers, duration, repeats, requests):
    rows = {
        name: [s.first, s.first_cpu, s.megabytes] for name, s in servers.items()
    }
    for clients, side in LOADS:
        calls = {
            name: _expected(s, _files(side)) for name, s in servers.items()
        }
        measures = {
            name: partial(_speed, s, calls[name], clients, duration)
            for name, s in servers.items()
        }
        for name, figures in interleaved(measures, repeats=repeats).items():
            rows[name] += map(statistics.median, zip(*figures, strict=True))
    for name, server in servers.items():
        calls = _expected(server, _files(64))
        _work(server, CLIENTS, calls, limit=requests)
        rows[name].append(server.megabytes)
    time.sleep(SECONDS_TO_REST)
    for name, server in servers.items():
        rows[name].append(server.megabytes)
    columns = ["first answer, s", "of CPU, s", "MB"]
    for clients, side in LOADS:
        columns += [f"{clients} x {side} px, 1/s", "CPU, ms", "MB"]
    columns += [f"MB after {requests:,}", "at rest"]
    print_table(["", *rows], zip(columns, *rows.values(), strict=True))


@contextmanager
def _served(checkout, *options):
    """Yields a server on a free port, once it has answered."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "keras_colorizer", "serve", *OPTIONS]
    with subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        cwd=checkout,
    ) as process:
        try:
            line = next(line for line in process.stdout if "http://" in line)
            port = int(re.search(r"http://\S+:(\d+)", line)[1])
            _ask(_connection(port), Call(_body(_files(256)[0])))
            first = time.perf_counter() - started
            program = psutil.Process(process.pid)
            yield Server(port, program, first, _cpu_seconds(program))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _connection(port):
    return HTTPConnection("127.0.0.1", port, timeout=PATIENCE)


def _cpu_seconds(program):
    return sum(program.cpu_times()[:4])  # With those of its children.


@cache
def _files(side):
    return jpegs(count=COUNT, size=(side, side))


def _body(*files):
    rows = [{"b64": base64.b64encode(file).decode()} for file in files]
    return json.dumps({"instances": rows}).encode()


def _expected(server, files):
    """Calls with the answers that the server gives when it has time."""
    connection = _connection(server.port)
    bodies = map(_body, files)
    return [Call(b, answer=_ask(connection, Call(b))) for b in bodies]


def _ask(connection, call):
    """Returns the right answer, however often the server is busy before."""
    while True:
        connection.request("POST", PREDICT, call.body, call.headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 503:
            break
        time.sleep(float(response.headers["Retry-After"]))
    if response.status != call.status or call.answer not in (None, answer):
        raise SystemExit(f"{response.status} {answer[:300]!r}")
    return answer


def _speed(server, calls, clients, duration):
    """Returns answers a second, CPU milliseconds of each, and megabytes."""
    begun, cpu = time.perf_counter(), _cpu_seconds(server.process)
    answers = _work(server, clients, calls, over=begun + duration)
    rate = answers / (time.perf_counter() - begun)
    busy = _cpu_seconds(server.process) - cpu
    return rate, 1e3 * busy / answers, server.megabytes


def _work(
    server: Server,
    clients: int,
    calls: Sequence[Call],
    *,
    over: float = float("inf"),
    limit: int = sys.maxsize,
) -> int:
    """Lets clients ask until a time or a count; returns the right answers."""
    numbers = iter(range(limit))

    def work(_):
        connection, answers = _connection(server.port), 0
        while time.perf_counter() < over:
            number = next(numbers, None)
            if number is None:
                break
            _ask(connection, calls[number % len(calls)])
            answers += 1
        return answers

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(work, range(clients)))


def _soak(server, duration):
    rows, kinds = [], (_expected(server, _files(256)), _broken())
    calls = [*map(random.choice, random.choices(kinds, SHARES, k=2000))]
    over = time.perf_counter() + duration
    while (left := over - time.perf_counter()) > SECONDS_TO_REST:
        until = over - left + min(60, left) - SECONDS_TO_REST
        answers, busy = (
            _work(server, CLIENTS, calls, over=until),
            server.megabytes,
        )
        time.sleep(SECONDS_TO_REST)
        rows.append((len(rows) + 1, answers, busy, server.megabytes))
    print_table(["minute", "right answers", "MB", "MB at rest"], rows)


def _broken():
    zipped = {"Content-Encoding": "gzip"}
    return (
        Call(gzip.compress(2_000_000 * b"["), 400, headers=zipped),
        Call(gzip.compress(bytes(101 * 2**20)), 413, headers=zipped),
        Call(4_000_000 * b"[", 413),
        Call(b'{"instances": [' + 10**6 * b'"a",' + b"0]}", 413),
        Call(b'{"instances": [' + 10**7 * b"[]," + b"0]}", 413),
        Call(b'{"instances": [' + 10**6 * b"[]," + b"0]}", 400),
        Call(b'{"instances": [', 400),
        Call(_body(b"no photo"), 400),
        Call(_body(_files(256)[0][:2000]), 400),
    )


if __name__ == "__main__":
    tyro.cli(main)
