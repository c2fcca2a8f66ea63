"""Clients that keep a server busy, each in a thread of its own."""

import json
import math
import threading
import time
from collections.abc import Sequence
from http.client import HTTPException
from typing import NamedTuple

from server_process import PREDICT, ServerProcess

BUSY = 503
STEP = 0.02  # Seconds between looks at whether it has lasted long enough.


class Period(NamedTuple):
    """What was seen while all clients were at work.

    Attributes:
        rate: Answers a second.
        latencies: Of each, in seconds, sorted.
        refused: How often a client was told to come back.
        server_cpu: Seconds of the processor that the server took, in a second.
        client_cpu: The same of this process.
    """

    rate: float
    latencies: list[float]
    refused: int
    server_cpu: float
    client_cpu: float

    def percentile(self, share: float) -> float:
        """Returns what so many percent of the latencies do not exceed, in ms.

        Of few, a high percentile is the slowest of them.
        """
        rank = math.ceil(share / 100 * len(self.latencies))
        return 1e3 * self.latencies[rank - 1]


class Load:
    """A number of clients, each of which waits for an answer, then asks again.

    Args:
        server: Whom they ask.
        bodies: Of requests, which they send in turn.
        answers: The JSON value that must come back for each.
        clients: How many.
    """

    def __init__(
        self,
        server: ServerProcess,
        bodies: Sequence[bytes],
        answers: Sequence[object],
        *,
        clients: int,
    ):
        self._server = server
        self._requests = list(zip(bodies, answers, strict=True))
        self._connections = [server.connection() for _ in range(clients)]
        self._waiting = set(range(clients))  # For their first answer.
        self._ended: list[tuple[float, float]] = []
        self._refused = 0
        self._is_over = False
        self._error: BaseException | None = None

    def run(self, *, duration: float, answers: int) -> Period:
        """Lets them ask, once each has had an answer, for a period.

        Args:
            duration: The least it lasts, in seconds.
            answers: The least that it has.

        Raises:
            SystemExit: If an answer is wrong.
        """
        threads = [
            threading.Thread(target=self._work, args=(number,), daemon=True)
            for number in range(len(self._connections))
        ]
        for thread in threads:
            thread.start()
        try:
            self._wait(lambda: not self._waiting)
            return self._observe(duration, answers)
        finally:
            self._stop(threads)

    def _observe(self, duration, answers):
        begun, first = time.perf_counter(), len(self._ended)
        cpu, own, refused = self._cpu(), time.process_time(), self._refused
        self._wait(
            lambda: (
                time.perf_counter() >= begun + duration
                and len(self._ended) >= first + answers
            )
        )
        taken = time.perf_counter() - begun
        seen = self._ended[first:]
        # From one answer to another: they come in bursts.
        start = self._ended[first - 1][0]
        return Period(
            len(seen) / (seen[-1][0] - start),
            sorted(latency for _, latency in seen),
            self._refused - refused,
            (self._cpu() - cpu) / taken,
            (time.process_time() - own) / taken,
        )

    def _cpu(self):
        return self._server.cpu_seconds

    def _wait(self, is_enough):
        while not is_enough():
            if self._error is not None:
                raise SystemExit(f"A client failed: {self._error}")
            time.sleep(STEP)

    def _stop(self, threads):
        """Goes away; the server drops what nobody waits for."""
        self._is_over = True
        for connection in self._connections:
            if connection.sock is not None:
                connection.sock.shutdown(2)
        for thread in threads:
            thread.join()
        for connection in self._connections:
            connection.close()

    def _work(self, number):
        try:
            turn = number
            while not self._is_over:
                turn += self._ask(number, turn)
        except (OSError, HTTPException, ValueError) as error:
            if not self._is_over:
                self._error = error

    def _ask(self, number, turn):
        """Returns how many answers that made."""
        body, expected = self._requests[turn % len(self._requests)]
        connection = self._connections[number]
        started = time.perf_counter()
        connection.request("POST", PREDICT, body)
        response = connection.getresponse()
        answer, ended = response.read(), time.perf_counter()
        if response.status == BUSY:
            self._refused += 1
            time.sleep(float(response.headers["Retry-After"]))
            return 0
        if response.status != 200 or json.loads(answer) != expected:
            raise ValueError(f"{response.status}, {answer[:300]!r}")
        self._ended.append((ended, ended - started))
        self._waiting.discard(number)
        return 1
