"""The process that talks to Ray, so that the command line need not."""

import logging
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from types import ModuleType

from keras_colorizer.bulk.batch import Settings
from keras_colorizer.errors import ColorizerError, ConfigError

# What passes between processes are names; the photos themselves never do.
OBJECT_STORE_BYTES = 200 * 2**20


def drive(
    connection: Connection,
    model: bytes,
    settings: Settings,
    workers: int | None,
    address: str | None,
) -> None:
    """Passes tasks from a pipe to a foreman in the cluster, and records back.

    The first message it sends is None, when the cluster is ready; then, for
    each list of tasks, what `Foreman.more` returns, until that says so. If all
    fails, the last message is a `ColorizerError`.

    Args:
        connection: The end of the pipe that tasks come from.
        model: The bytes of a `.tflite` file.
        settings: For all photos.
        workers: As for `Foreman`.
        address: As for `ray.init`; None starts a cluster on this machine.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _silence()
    try:
        with _cluster(address, workers) as ray:
            from keras_colorizer.bulk.ray_cluster import Foreman

            actor = ray.remote(Foreman).options(num_cpus=0)
            _pass_on(connection, ray, actor.remote(model, settings, workers))
    except (EOFError, BrokenPipeError):
        pass  # All is done, or the other process has ended.
    except ConnectionError as error:
        with suppress(OSError):
            connection.send(_no_cluster(address, error))
    except Exception as error:  # noqa: BLE001, Ray has no common base of all.
        with suppress(OSError):
            connection.send(ColorizerError(f"Ray failed: {_last_line(error)}"))


def _pass_on(connection, ray, foreman):
    ray.get(foreman.start.remote([]))
    connection.send(None)
    while True:
        ray.get(foreman.start.remote(connection.recv()))
        more = True
        while more:
            records, more = ray.get(foreman.more.remote())
            connection.send((records, more))


@contextmanager
def _cluster(address, workers) -> Iterator[ModuleType]:
    import ray

    if address is not None:
        ray.init(address=address, logging_level=logging.CRITICAL)
        yield ray
        ray.shutdown()
        return
    # Names of sockets lie there, and must be short.
    short = "/tmp" if os.path.isdir("/tmp") else None
    folder = tempfile.mkdtemp(prefix="colorize-", dir=short)
    try:
        ray.init(
            address="local",
            num_cpus=workers,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            _temp_dir=folder,
        )
        yield ray
    finally:
        # A second request to end must not keep it from clearing away.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _end_with_parent():
    """Ends this process when the command has been killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _silence():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)


def _no_cluster(address, error):
    return ConfigError(
        f"--address: no Ray cluster answers at {address} ({_last_line(error)});"
        " if it asks for a token, set RAY_AUTH_MODE=token."
    )


def _last_line(error):
    """Of a traceback from a worker, the line that says what is wrong."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
