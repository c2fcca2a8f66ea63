"""The engine of many machines: Ray Data on a cluster."""

import importlib.util
import multiprocessing
import socket
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from keras_colorizer.bulk.batch import Settings
from keras_colorizer.bulk.folders import Folder, LocalFolder
from keras_colorizer.bulk.ray_driver import drive
from keras_colorizer.bulk.records import Record, Task
from keras_colorizer.bulk.workers import interrupts_held
from keras_colorizer.errors import ColorizerError, ConfigError, first_line

WINDOW = 100_000  # Tasks that are handed to the cluster at a time.
START_SECONDS, PROBE_SECONDS = 120.0, 5.0
STOP_SECONDS = 20.0


class RayCluster:
    """Colors photos on a cluster, or on all cores of this machine.

    Ray itself runs in a process of its own: it talks a lot to the console,
    and waits long, or ends its process, when no cluster answers.

    Args:
        model: A `.tflite` file; it is sent to the cluster.
        settings: For all photos. Local folders must be the same folders on
            every machine of the cluster.
        workers: How many actors; a core of the cluster each when None.
        address: As for `ray.init`; a new cluster on this machine when None.
            See `check_ray`.
    """

    def __init__(
        self,
        model: Path,
        settings: Settings,
        *,
        workers: int | None,
        address: str | None,
    ):
        self._model = model.read_bytes()
        self._settings = _absolute(settings)
        self._workers, self._address = workers, address

    def color(self, tasks: Iterable[Task]) -> Iterator[Record]:
        """Colors photos; yields a record of each, in the order they are done.

        Raises:
            ConfigError: If there is no such cluster.
            ColorizerError: If the cluster is lost.
        """
        tasks = iter(tasks)
        context = multiprocessing.get_context("spawn")
        connection, theirs = context.Pipe()
        process = context.Process(
            target=drive,
            args=(theirs, self._model, self._settings)
            + (self._workers, self._address),
        )
        with interrupts_held():
            process.start()
        theirs.close()
        try:
            self._wait_for_start(connection)
            while window := list(islice(tasks, WINDOW)):
                connection.send(window)
                yield from self._records(connection, len(window))
        finally:
            connection.close()
            _stop(process)

    def _wait_for_start(self, connection):
        if not connection.poll(START_SECONDS):
            raise ConfigError(
                f"{self._cluster()} did not answer in {START_SECONDS:.0f} "
                "seconds."
            )
        self._received(connection)

    def _records(self, connection, count):
        more = True
        while more:
            records, more = self._received(connection)
            count -= len(records)
            yield from records
        if count:
            raise ColorizerError(
                f"{self._cluster()} has lost {count} photos: run the same "
                "command again, it goes on from here."
            )

    def _received(self, connection):
        try:
            answer = connection.recv()
        except (EOFError, OSError):
            answer = ColorizerError(
                f"{self._cluster()} was lost: run the same command again, it "
                "goes on from here."
            )
        if isinstance(answer, ColorizerError):
            raise answer
        return answer

    def _cluster(self):
        if self._address is None:
            return "The Ray cluster on this machine"
        return f"The Ray cluster at {self._address}"


def check_ray(address: str | None) -> None:
    """Refuses early what cannot work.

    Raises:
        ConfigError: If Ray is not installed, or nothing answers at `address`.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigError(
            '--engine ray needs Ray: pip install "keras_colorizer[ray]".'
        )
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), PROBE_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"--address: no Ray cluster answers at {address} "
            f"({getattr(error, 'strerror', None) or first_line(error)})."
        ) from None


def _absolute(settings):
    return replace(
        settings,
        roots=tuple(map(_absolute_folder, settings.roots)),
        output=_absolute_folder(settings.output),
    )


def _absolute_folder(folder: Folder) -> Folder:
    """Workers have a working folder of their own."""
    if isinstance(folder, LocalFolder):
        return LocalFolder(folder.path.absolute())
    return folder


def _stop(process):
    process.terminate()
    process.join(STOP_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
