"""Keeps the embedded server busy for long, and asks much nonsense meanwhile.

Run it as `python benchmarks/soak.py [--minutes 10]`, on Linux.
"""

import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import tyro
from measuring import in_new_process, print_machine, print_table
from natural_photos import jpegs
from server_process import (
    base_path_of,
    colored_directly,
    latest_version,
    served,
)
from soak_requests import (
    MAX_BODY_MIB,
    BusyError,
    Client,
    Kind,
    broken_kinds,
    good_kinds,
)

SMALL, LARGE = (256, 256), (1024, 1024)
COUNT_SMALL, COUNT_LARGE = 9, 1
BROKEN = 0.05  # Of all requests.
SAMPLES_A_MINUTE = 60
WARM_UP = 0.2  # Of the time; as much at its end is compared with what follows.
GROWTH = 0.05  # Of memory, at most.
SECONDS_TO_CLOSE = 30.0  # In which all descriptors are to be free again.
FEWEST_MINUTES = 2.0  # In which memory can settle.
ROWS = 10  # Of the table of samples.


class Sample(NamedTuple):
    """The server at one moment.

    Attributes:
        minute: Since the start.
        answers: So far.
        memory: Resident, in MB.
        descriptors: Open ones.
        threads: How many.
    """

    minute: float
    answers: int
    memory: float
    descriptors: int
    threads: int


def main(
    *,
    model: Path | None = None,
    minutes: float = 10.0,
    clients: int = 24,
    seed: int = 0,
) -> None:
    """Asks without a pause; exits with 1 if anything is not as it must be.

    Nine of ten photos have 256 x 256 pixels, the others a megapixel; what must
    come back is known from the SavedModel itself, called directly before. One
    in twenty requests is broken, each kind is sent at the start, and then by
    chance. Every request must get the answer that is right for it, and no
    second one; clients told to come back (503) do so. Memory after a fifth of
    the time, the warm-up, is compared with that at the end, medians of a
    fifth of the time each.

    Args:
        model: The folder of a SavedModel's versions, by default of the
            pretrained `small`.
        minutes: How long; in less than two, memory is not judged.
        clients: How many ask at once.
        seed: Of what is asked.
    """
    print_machine("tensorflow", "uvicorn", "starlette", "httptools")
    files = jpegs(count=COUNT_SMALL, size=SMALL)
    files += jpegs(count=COUNT_LARGE, size=LARGE)
    with base_path_of(model) as base_path, TemporaryDirectory() as folder:
        log, version = Path(folder, "server.log"), latest_version(base_path)
        pngs = in_new_process(colored_directly, version, files)
        limit = f"{MAX_BODY_MIB}"
        with served(base_path, "--max-body-mib", limit, log=log) as server:
            good, broken = good_kinds(files, pngs), broken_kinds(files[0])
            soak = Soak(server, good, broken, clients=clients, seed=seed)
            soak.run(minutes)
        is_clean = "Traceback" not in log.read_text()
    _print_samples(soak.samples)
    _print_kinds(soak)
    verdicts = [*soak.verdicts(), (is_clean, "its log has no traceback")]
    for has_passed, claim in verdicts:
        print(f"{'PASS' if has_passed else 'FAIL'}: {claim}")
    raise SystemExit(not all(has_passed for has_passed, _ in verdicts))


class Soak:
    """Clients at work, and what they and the server went through.

    Args:
        server: A `ServerProcess`.
        good: Kinds of requests that are answered with photos.
        broken: Others.
        clients: How many ask at once.
        seed: Of what is asked.

    Attributes:
        sent: How many of each kind.
        wrong: Descriptions of answers that were not right.
        retries: How often the server said 503.
        samples: Of the server, in time.
    """

    def __init__(self, server, good, broken, *, clients, seed):
        self._server = server
        self._good, self._broken = good, broken
        self._clients = clients
        self._random = random.Random(seed)
        self._first = [*broken]
        self._lock = threading.Lock()
        self._ends = 0.0
        self.sent: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.retries = 0
        self.samples: list[Sample] = []
        self._descriptors = (0, 0)

    @property
    def broken_names(self) -> set[str]:
        """Names of the broken kinds."""
        return {kind.name for kind in self._broken}

    def run(self, minutes: float) -> None:
        """Soaks."""
        self._ask_each_good_one()
        before = self._count_descriptors()
        started = time.monotonic()
        self._ends = started + 60 * minutes
        threads = [
            threading.Thread(target=self._work) for _ in range(self._clients)
        ]
        for thread in threads:
            thread.start()
        while time.monotonic() < self._ends:
            self.samples.append(self._sample(started))
            time.sleep(60 / SAMPLES_A_MINUTE)
        for thread in threads:
            thread.join()
        self._descriptors = (before, self._wait_for_descriptors(before))
        self._ask_each_good_one()

    def verdicts(self) -> list[tuple[bool, str]]:
        """Returns whether it passed, and what, for each thing looked at."""
        total, wrong = self.sent.total(), len(self.wrong)
        kinds = len(self.broken_names)
        sent = sum(self.sent[name] > 0 for name in self.broken_names)
        before, after = self._descriptors
        return [
            (
                not wrong,
                f"{total - wrong:,} of {total:,} requests got the answer "
                f"that is right, and no other ({self.retries:,} times 503 on "
                "the way)",
            ),
            (sent == kinds, f"{sent} of {kinds} broken kinds were sent"),
            *self._memory_verdicts(),
            (
                after <= before,
                f"{before} descriptors were open before, {after} are after",
            ),
        ]

    def _memory_verdicts(self):
        minutes = self.samples[-1].minute
        if minutes < FEWEST_MINUTES * 0.95:
            return []
        early = _memory(self.samples, WARM_UP, 2 * WARM_UP)
        late = _memory(self.samples, 1 - WARM_UP, 1)
        return [
            (
                late <= (1 + GROWTH) * early,
                f"memory went from {early:,.0f} MB after the warm-up to "
                f"{late:,.0f} MB, {late / early - 1:+.1%}",
            )
        ]

    def _ask_each_good_one(self):
        client = Client(self._server)
        for kind in self._good:
            self._send(client, kind)
        client.close()

    def _work(self):
        client = Client(self._server)
        while time.monotonic() < self._ends:
            self._send(client, self._draw())
        self._try("the end of a connection", client.close)

    def _draw(self) -> Kind:
        with self._lock:
            if self._first:
                return self._first.pop()
            is_broken = self._random.random() < BROKEN
            return self._random.choice(
                self._broken if is_broken else self._good
            )

    def _send(self, client, kind):
        """Sends it until the server is not too busy."""
        is_sent = False
        while not is_sent:
            try:
                if not self._try(kind.name, lambda: kind.send(client)):
                    client.connection.close()
                is_sent = True
            except BusyError as busy:
                with self._lock:
                    self.retries += 1
                time.sleep(busy.seconds)
        with self._lock:
            self.sent[kind.name] += 1

    def _try(self, name, action: Callable[[], None]) -> bool:
        """Whether it went as it must."""
        try:
            action()
        except BusyError:
            raise
        except Exception as error:
            with self._lock:
                self.wrong.append(f"{name}: {type(error).__name__}: {error}")
            return False
        return True

    def _sample(self, started):
        process = self._server.process
        with process.oneshot():
            return Sample(
                (time.monotonic() - started) / 60,
                self.sent.total(),
                process.memory_info().rss / 1e6,
                process.num_fds(),
                process.num_threads(),
            )

    def _count_descriptors(self):
        time.sleep(0.5)  # In which it closes what the client has closed.
        return self._server.process.num_fds()

    def _wait_for_descriptors(self, most):
        patience = time.monotonic() + SECONDS_TO_CLOSE
        while (count := self._count_descriptors()) > most:
            if time.monotonic() > patience:
                break
        return count


def _memory(samples, begin, end):
    """The median between two shares of the time, in MB."""
    whole = samples[-1].minute
    return statistics.median(
        sample.memory
        for sample in samples
        if begin * whole <= sample.minute <= end * whole
    )


def _print_samples(samples):
    step = max(1, -(-len(samples) // ROWS))
    rows = []
    for start in range(0, len(samples), step):
        part = samples[start : start + step]
        after = samples[min(start + step, len(samples) - 1)]
        taken = 60 * (after.minute - part[0].minute)
        rows.append(
            (
                f"{part[0].minute:.1f} to {after.minute:.1f}",
                (after.answers - part[0].answers) / taken if taken else "",
                statistics.median(sample.memory for sample in part),
                max(sample.memory for sample in part),
                max(sample.descriptors for sample in part),
                max(sample.threads for sample in part),
            )
        )
    columns = ("answers/s", "MB", "MB at most", "descriptors", "threads")
    print_table(["minutes", *columns], rows)


def _print_kinds(soak):
    print_table(
        ["requests", "sent"],
        sorted(
            ((name, f"{count:,}") for name, count in soak.sent.items()),
            key=lambda row: row[0] in soak.broken_names,
        ),
    )
    for description in soak.wrong[:20]:
        print(f"wrong: {description}")
    if soak.wrong:
        print()


if __name__ == "__main__":
    tyro.cli(main)
