"""Start, memory and speed of the embedded server, and a soak of it.

Run it as `python benchmarks/serving.py [--beside CHECKOUT] [--soak SECONDS]`,
on Linux.
"""

import base64
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from functools import partial
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
BUSY = 503
BROKEN_SHARE = 0.05


class Server(NamedTuple):
    """A server that runs.

    Attributes:
        port: Of this machine.
        process: For what it takes of the machine.
        first: Seconds from its start to its first answer.
    """

    port: int
    process: psutil.Process
    first: float

    @property
    def megabytes(self) -> float:
        """What it holds of the memory."""
        return self.process.memory_info().rss / 1e6

    @property
    def cpu_seconds(self) -> float:
        """What it has taken of the processor, by all its threads."""
        times = self.process.cpu_times()
        return times.user + times.system


class Call(NamedTuple):
    """A request, and the answer that must come.

    Attributes:
        body: As it is sent.
        status: The status of the answer.
        answer: The body of the answer, or None for any.
        headers: Beside those that every request has.
    """

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

    Photos are square JPEGs, one a request. Each client waits for its answer,
    compares it with the first answer to the same photo, and asks for the next.
    The clients run in this process, on the cores that the servers need.

    Args:
        beside: Another checkout, whose server is measured by turns.
        model: For `--model` of both; by default what each serves without.
        duration: Seconds of each measurement, at least.
        repeats: Rounds of which the median is taken.
        requests: After these, memory is read again.
        soak: Seconds to load the server of this checkout with good and broken
            requests; nothing else is measured then.
    """
    print_machine("uvicorn", "starlette", "ai-edge-litert", "tensorflow")
    checkouts = {"here": HERE} | ({"beside": beside} if beside else {})
    options = ("--model", str(model.resolve())) if model else ()
    if soak:
        with _served(HERE, *options) as server:
            _soak(server, soak)
        return
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(_served(checkout, *options))
            for name, checkout in checkouts.items()
        }
        _compare(servers, duration, repeats, requests)


def _compare(servers, duration, repeats, requests):
    rows = {name: [s.first, s.megabytes] for name, s in servers.items()}
    for clients, side in LOADS:
        files = jpegs(count=COUNT, size=(side, side))
        calls = {name: _expected(s, files) for name, s in servers.items()}
        measures = {
            name: partial(_rate, s, calls[name], clients, duration)
            for name, s in servers.items()
        }
        for name, rates in interleaved(measures, repeats=repeats).items():
            rows[name] += map(statistics.median, zip(*rates, strict=True))
    small = jpegs(count=COUNT, size=(64, 64))
    for name, server in servers.items():
        _ask_many(server, _expected(server, small), requests)
        rows[name].append(server.megabytes)
    loads = [f"{clients} x {side} px" for clients, side in LOADS]
    columns = [f"{what}, {load}" for load in loads for what in ("1/s", "CPU")]
    print_table(
        ["server", "first, s", "MB", *columns, f"MB after {requests}"],
        [(name, *row) for name, row in rows.items()],
    )


@contextmanager
def _served(checkout, *options):
    """Yields a server on a free port, once it has answered."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "keras_colorizer", "serve", "--port", "0"]
    with subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(checkout)},
        cwd=checkout,
    ) as process:
        try:
            port = _port(process)
            (file,) = jpegs(count=1, size=(256, 256))
            _ask(HTTPConnection("127.0.0.1", port), Call(_body(file)))
            first = time.perf_counter() - started
            yield Server(port, psutil.Process(process.pid), first)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _port(process):
    for line in process.stdout:
        if found := re.search(r"http://\S+:(\d+)", line):
            return int(found[1])
    raise SystemExit("The server did not start.")


def _body(*files):
    rows = [{"b64": base64.b64encode(file).decode()} for file in files]
    return json.dumps({"instances": rows}).encode()


def _expected(server, files):
    """Calls with the answers that the server gives when it has time."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    bodies = map(_body, files)
    return [Call(b, answer=_ask(connection, Call(b))) for b in bodies]


def _ask(connection, call):
    """Returns the answer, and None if the server is busy."""
    connection.request("POST", PREDICT, call.body, call.headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status == BUSY:
        time.sleep(float(response.headers["Retry-After"]))
        return None
    is_wrong = call.answer is not None and call.answer != answer
    if response.status != call.status or is_wrong:
        raise SystemExit(f"{response.status} {answer[:300]!r}")
    return answer


def _rate(server, calls, clients, duration):
    """Returns answers a second, and the server's CPU seconds of each."""
    over = time.perf_counter() + duration
    begun, cpu = time.perf_counter(), server.cpu_seconds
    answers = _work(server, clients, lambda n: calls[n % len(calls)], over=over)
    taken = time.perf_counter() - begun
    return answers / taken, (server.cpu_seconds - cpu) / answers


def _ask_many(server, calls, requests):
    _work(server, 8, lambda n: calls[n % len(calls)], limit=requests)


def _work(
    server: Server,
    clients: int,
    choose: Callable[[int], Call],
    *,
    over: float = float("inf"),
    limit: int = sys.maxsize,
) -> int:
    """Asks by many clients until a time or a count; returns the answers."""
    lock, numbers, answers = threading.Lock(), iter(range(limit)), [0]
    errors: list[BaseException] = []

    def work():
        connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        try:
            while time.perf_counter() < over and not errors:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                answered = _ask(connection, choose(number)) is not None
                with lock:
                    answers[0] += answered
        except BaseException as error:  # noqa: BLE001, raised below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return answers[0]


def _soak(server, duration):
    raise NotImplementedError


if __name__ == "__main__":
    tyro.cli(main)
