"""Which machines train together, and whether they reach each other."""

import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from keras_colorizer.errors import ConfigError, TrainingError

VARIABLE = "TF_CONFIG"
EXAMPLE = (
    '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
ADDRESS = r"(\[[0-9a-fA-F:.]+\]|[^\s:]+):\d{1,5}"  # Brackets: IPv6.
PAUSE = 0.2  # Seconds between two knocks at the same door.
TIMEOUT = 5  # Seconds to wait for an answer to one of them.


@dataclass(frozen=True)
class Cluster:
    """The workers of a run, and which of them this process is.

    Attributes:
        addresses: `host:port` of every worker.
        index: This one's place among them. Worker 0, the chief, writes the
            run folder; the others compute.
        chief_apart: Whether worker 0 has a job of its own, `chief`, so that
            TensorFlow counts the others from 0.
    """

    addresses: tuple[str, ...]
    index: int
    chief_apart: bool = False

    @property
    def is_chief(self) -> bool:
        return self.index == 0

    def number(self, job: str, task: int) -> int:
        """Returns the place of the worker that TensorFlow calls job, task."""
        return task + (self.chief_apart and job == "worker")

    def name(self, index: int) -> str:
        """Names a worker in messages."""
        return f"Worker {index} ({self.addresses[index]})"


def read_cluster() -> Cluster | None:
    """Returns what the environment variable TF_CONFIG says; None without it.

    Raises:
        ConfigError: If it does not describe workers, and one of them.
    """
    if not os.environ.get(VARIABLE, "").strip():
        return None
    described = _parsed()
    jobs = _jobs(described.get("cluster"))
    addresses = (*jobs["chief"], *jobs["worker"])
    _check_addresses(addresses)
    index = _index(described.get("task"), jobs)
    return Cluster(addresses, index, chief_apart=bool(jobs["chief"]))


def meet(
    cluster: Cluster,
    *,
    patience: float,
    on_wait: Callable[[str], object] = lambda message: None,
) -> None:
    """Waits until every worker answers at its address.

    This one answers as well while it waits, at its own address. TensorFlow
    would wait, too, but for ever, and without saying for whom.

    Args:
        cluster: All workers.
        patience: Seconds to wait for the last of them.
        on_wait: Told whom this worker waits for.

    Raises:
        ConfigError: If this worker's own port cannot be opened.
        TrainingError: If a worker does not answer in time.
    """
    others = [i for i in range(len(cluster.addresses)) if i != cluster.index]
    deadline = time.monotonic() + patience
    with _open_door(cluster):
        for index in others:
            on_wait(f"Waiting for {cluster.name(index)}")
            while not _answers(cluster.addresses[index]):
                if time.monotonic() > deadline:
                    raise TrainingError(
                        f"{cluster.name(index)} has not answered for "
                        f"{patience:.0f} seconds: start it, and see that its "
                        f"address in {VARIABLE} is right and that no firewall "
                        "is in between."
                    )
                time.sleep(PAUSE)


def _parsed():
    try:
        described = json.loads(os.environ[VARIABLE])
    except ValueError as error:
        raise _wrong(f"is not JSON ({error})") from None
    if not isinstance(described, dict):
        raise _wrong("is no JSON object")
    return described


def _jobs(cluster):
    """Returns the addresses under each name, as lists."""
    if not isinstance(cluster, dict) or not cluster:
        raise _wrong("names no `cluster`")
    strange = set(cluster) - {"chief", "worker"}
    if strange:
        raise _wrong(f"has a `{min(strange)}` among the jobs of its `cluster`")
    jobs = {job: cluster.get(job, []) for job in ("chief", "worker")}
    if not all(isinstance(addresses, list) for addresses in jobs.values()):
        raise _wrong("must list the addresses of each job in its `cluster`")
    if len(jobs["chief"]) > 1:
        raise _wrong("names more than one chief")
    return jobs


def _check_addresses(addresses):
    for address in addresses:
        if not re.fullmatch(ADDRESS, str(address)):
            raise _wrong(f"has an address that is no host:port, `{address}`")
    if not addresses or len(set(addresses)) < len(addresses):
        raise _wrong("names no worker, or one of them twice")


def _index(task, jobs):
    """Returns this worker's number, counted from the chief."""
    if not isinstance(task, dict) or not isinstance(task.get("index"), int):
        raise _wrong("does not say which worker this is: no `task` and `index`")
    job, index = task.get("type"), task["index"]
    listed = jobs[job] if job in ("chief", "worker") else []
    if not 0 <= index < len(listed):
        raise _wrong(
            f"says that this is `{job}` {index}, but its `cluster` lists "
            f"{len(listed)} of that name, counted from 0"
        )
    return index + (len(jobs["chief"]) if job == "worker" else 0)


def _wrong(what):
    return ConfigError(
        f"The environment variable {VARIABLE} {what}. Set it on every worker "
        f"as docs/scaling.md shows, for example {EXAMPLE}"
    )


@contextmanager
def _open_door(cluster) -> Iterator[None]:
    """Accepts connections at this worker's port, as its server will."""
    port = int(cluster.addresses[cluster.index].rpartition(":")[2])
    try:
        door = socket.create_server(("", port), backlog=len(cluster.addresses))
    except OSError as error:
        raise ConfigError(
            f"Port {port} of this worker cannot be opened ({error.strerror}): "
            f"end what uses it, or name another port in {VARIABLE}."
        ) from None
    with door:
        yield


def _answers(address):
    host, _, port = address.rpartition(":")
    try:
        where = (host.strip("[]"), int(port))
        socket.create_connection(where, timeout=TIMEOUT).close()
    except OSError:
        return False
    return True
