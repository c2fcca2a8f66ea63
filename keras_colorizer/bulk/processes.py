"""The engine of one machine: a process for each core."""

from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from pathlib import Path

from keras_colorizer.bulk.batch import Settings, failure
from keras_colorizer.bulk.records import Record, Task
from keras_colorizer.bulk.workers import Worker


class Processes:
    """Colors photos in several processes.

    When a process dies, such as for lack of memory, another one takes its
    place; its photo is tried once more at the end, with nothing beside it.

    Args:
        model: As for `Colorizer.load`.
        settings: For all photos.
        count: Of the processes, at most; they start when there is work.
    """

    def __init__(self, model: Path, settings: Settings, count: int):
        self._model, self._settings, self._count = model, settings, count
        self._workers: list[Worker] = []
        self._suspects: list[Task] = []

    def color(self, tasks: Iterable[Task]) -> Iterator[Record]:
        """Colors photos; yields a record of each, in the order they are done.

        Raises:
            ColorizerError: If the model cannot be loaded.
        """
        tasks = iter(tasks)
        try:
            while self._occupied(tasks):
                yield from self._answers()
            self.stop()
            for task in self._suspects:
                yield self._alone(task)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends the processes."""
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    def _occupied(self, tasks):
        """Gives every process a task; returns whether any has one."""
        for worker in self._workers:
            if worker.task is None and (task := next(tasks, None)):
                worker.give(task)
        while len(self._workers) < self._count and (task := next(tasks, None)):
            self._start().give(task)
        return any(worker.task for worker in self._workers)

    def _start(self):
        worker = Worker(self._model, self._settings)
        self._workers.append(worker)
        return worker

    def _answers(self):
        busy: dict[object, tuple[Worker, Task]] = {
            worker.connection: (worker, task)
            for worker in self._workers
            if (task := worker.task)
        }
        for connection in wait([w.connection for w, _ in busy.values()]):
            worker, task = busy[connection]
            try:
                yield worker.take()
            except EOFError:
                self._suspects.append(task)
                self._workers.remove(worker)
                worker.stop()

    def _alone(self, task):
        worker = self._workers[0] if self._workers else self._start()
        worker.give(task)
        try:
            return worker.take()
        except EOFError:
            why = worker.why_it_died()
            self.stop()
            label = self._settings.roots[task.root].label(task.photo)
            return failure(
                task,
                self._settings,
                f"`{label}`: the process that colored it died twice ({why}); "
                "is there enough memory?",
            )
