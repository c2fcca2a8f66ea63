"""Ray Data: the same work, on the machines of a cluster."""

import logging
import os
import pickle
import socket
import warnings
from collections.abc import Iterator, Sequence

from keras_colorizer.colorizing.coloring import (
    Outcome,
    PhotoColorizer,
    Settings,
    Task,
)
from keras_colorizer.errors import (
    ColorizerError,
    ConfigError,
    extras_named,
    first_line,
)
from keras_colorizer.silence import silent_stderr

LARGEST_BLOCK = 32  # Photos, at most, that have no outcome if one kills.
BLOCKS_A_CORE = 8  # At least, so that all cores end at about the same time.


def check_ray() -> None:
    """Refuses early what Ray itself would wait minutes for.

    Raises:
        MissingExtraError: If Ray is not installed.
        ConfigError: If nothing answers at the address in RAY_ADDRESS.
    """
    with extras_named():
        import ray  # noqa: F401
    address = os.environ.get("RAY_ADDRESS", "")
    host, _, port = address.rpartition(":")
    try:
        if port.isdecimal():
            socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"RAY_ADDRESS: no Ray cluster answers at {address} "
            f"({first_line(error)}); name one as HOST:PORT."
        ) from None


def color_on_ray(
    tasks: Sequence[Task], settings: Settings, *, alone: bool
) -> Iterator[Outcome | ColorizerError]:
    """Colors photos on the cluster in RAY_ADDRESS, or on one started here.

    It hands out blocks of photos, or each one `alone`.

    Yields:
        One answer for each task whose worker did not die.

    Raises:
        ColorizerError: If the cluster is lost.
    """
    try:
        yield from _colored(tasks, settings, alone)
    except Exception as error:  # noqa: BLE001, Ray's errors have no one base.
        # Why a cluster refuses, such as for want of a token, is the cause.
        told = error.__cause__ if isinstance(error, ConnectionError) else error
        line = (str(told).strip() or repr(error)).splitlines()[-1]
        raise ColorizerError(f"Ray failed: {line}") from None


def _colored(
    tasks: Sequence[Task], settings: Settings, alone: bool
) -> Iterator[Outcome | ColorizerError]:
    import ray.data

    _connect()
    cores = int(ray.cluster_resources().get("CPU", 1))
    size = 1 if alone else len(tasks) // (cores * BLOCKS_A_CORE)
    blocks = -(-len(tasks) // min(max(1, size), LARGEST_BLOCK))
    # In bytes, as Arrow takes no file names that are not Unicode.
    rows = [{"task": pickle.dumps(task)} for task in tasks]
    # Retries are endless by default, and Ray 2.64 names their limit anew.
    with warnings.catch_warnings(action="ignore"):
        colored = ray.data.from_items(rows, override_num_blocks=blocks).map(
            RowColorizer,  # type: ignore[arg-type]  # Hinted as a function.
            fn_constructor_args=[settings],
            # A photo that kills takes those with it that wait behind.
            compute=ray.data.ActorPoolStrategy(
                size=min(cores, blocks),
                max_tasks_in_flight_per_actor=1 if alone else None,
            ),
            num_cpus=1,
            max_task_retries=0,
        )
    colored.context.max_errored_blocks = -1
    colored.context.enable_progress_bars = False
    for row in colored.iter_rows():
        yield pickle.loads(row["answer"])


def _connect() -> None:
    """Connects to a cluster, or starts one, quietly."""
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    with silent_stderr():
        ray.init(
            address=os.environ.get("RAY_ADDRESS", "local"),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            ignore_reinit_error=True,
        )


class RowColorizer:
    """The function that Ray Data maps, in an actor."""

    def __init__(self, settings: Settings):
        self._work = PhotoColorizer(settings)

    def __call__(self, row: dict[str, bytes]) -> dict[str, bytes]:
        answer = self._work(pickle.loads(row["task"]))
        return {"answer": pickle.dumps(answer)}
