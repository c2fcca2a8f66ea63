"""What runs inside a Ray cluster: a foreman, and the actors that color."""

import pickle
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import ray
import ray.data

from keras_colorizer.bulk.batch import (
    Settings,
    colorize_batch,
    failure,
    load_colorizer,
)
from keras_colorizer.bulk.records import Record, Task

LARGEST_BATCH = 32  # Photos; what a killed worker has to do again, at most.
BATCHES_A_WORKER = 8  # At least, so that all end at about the same time.
ANSWER_SECONDS = 1.0


class Foreman:
    """Runs Ray Data from within the cluster.

    So the same works for a driver in the cluster and for a Ray client outside
    of it, whom Ray Data does not serve.

    Args:
        model: The bytes of a `.tflite` file.
        settings: For all photos.
        workers: How many actors; a core of the cluster each when None.
    """

    def __init__(self, model: bytes, settings: Settings, workers: int | None):
        # Actors that are started anew need the model again: it is held here.
        self._model, self._settings = ray.put(model), settings
        self._workers = workers or int(ray.cluster_resources().get("CPU", 1))
        self._attempts = ray.remote(Attempts).options(num_cpus=0).remote()
        self._records: Iterator[list[Record]] = iter(())
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False

    def start(self, tasks: list[Task]) -> None:
        """Begins to color photos."""
        self._records = self._colored(tasks)

    def more(self) -> tuple[list[Record], bool]:
        """Returns new records, and whether there will be more."""
        records: list[Record] = []
        start = time.monotonic()
        for batch in self._records:
            records += batch
            if time.monotonic() - start > ANSWER_SECONDS:
                return records, True
        return records, False

    def _colored(self, tasks):
        size = len(tasks) // (self._workers * BATCHES_A_WORKER)
        size = min(max(1, size), LARGEST_BATCH)
        rows = [
            {"tasks": pickle.dumps(tasks[start : start + size])}
            for start in range(0, len(tasks), size)
        ]
        colored = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            cast(Any, Colorist),  # Its annotation knows functions only.
            fn_constructor_args=[[self._model], self._settings, self._attempts],
            compute=ray.data.ActorPoolStrategy(
                size=min(self._workers, len(rows))
            ),
            num_cpus=1,
        )
        for row in colored.iter_rows():
            yield pickle.loads(row["records"])


class Colorist:
    """Colors batches of photos; loads the model once.

    Args:
        model: A list of one, the reference of the model's bytes: in a list,
            references are passed on as they are.
        settings: For all photos.
        attempts: Counts how often each batch was begun.
    """

    def __init__(self, model: list, settings: Settings, attempts):
        with TemporaryDirectory() as folder:
            path = Path(folder, "model.tflite")
            path.write_bytes(ray.get(model[0]))
            self._colorizer = load_colorizer(path)
        self._settings, self._attempts = settings, attempts

    def __call__(self, row: dict) -> dict:
        """Colors the photos of a row of `tasks`; returns their `records`."""
        tasks = pickle.loads(row["tasks"])
        if self._begun("batch", tasks[0]) == 1:
            records = list(self._batch(tasks))
        else:
            # A worker died at one of these, or for a reason of its own.
            records = [self._alone(task) for task in tasks]
        return {"records": pickle.dumps(records)}

    def _batch(self, tasks):
        return colorize_batch(self._colorizer, tasks, self._settings)

    def _alone(self, task):
        if self._begun("photo", task) > 1:
            label = self._settings.roots[task.root].label(task.photo)
            return failure(
                task,
                self._settings,
                f"`{label}`: the workers that colored it died twice; is there "
                "enough memory?",
            )
        (record,) = self._batch([task])
        ray.get(self._attempts.end.remote(("photo", task.output)))
        return record

    def _begun(self, kind, task):
        return ray.get(self._attempts.begin.remote((kind, task.output)))


class Attempts:
    """Counts what was begun and did not end: its worker died."""

    def __init__(self):
        self._begun: Counter = Counter()

    def begin(self, key: tuple[str, str]) -> int:
        """Returns how often this has been begun, this time included."""
        self._begun[key] += 1
        return self._begun[key]

    def end(self, key: tuple[str, str]) -> None:
        """Forgets what went well."""
        del self._begun[key]
