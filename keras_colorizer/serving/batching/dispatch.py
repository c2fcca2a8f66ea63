"""From a request's tensors to the queue of its signature."""

import threading
import time
import weakref
from collections.abc import Callable
from weakref import WeakKeyDictionary

from keras_colorizer.serving.batching.parameters import (
    PHOTO_BATCHING,
    BatchingParameters,
)
from keras_colorizer.serving.batching.runner import SignatureRunner
from keras_colorizer.serving.batching.scheduler import BatchScheduler, Lane
from keras_colorizer.serving.batching.task import Task, Tensors
from keras_colorizer.serving.models.saved_model import LoadedModel
from keras_colorizer.serving.models.version import Version
from keras_colorizer.serving.monitoring import Monitoring


class Dispatcher:
    """Lets the requests for all signatures of all versions wait and run.

    Args:
        parameters: The user's; None for those made for photos.
        monitoring: Counts the runs, and how long requests wait for them.
        per_model: Whether models bring their own parameters, by `adopt`; of
            the user's, only the number of threads then counts.
    """

    def __init__(
        self,
        parameters: BatchingParameters | None,
        monitoring: Monitoring,
        *,
        per_model: bool = False,
    ):
        threads_of = parameters or PHOTO_BATCHING
        self._parameters = None if per_model else parameters
        self._monitoring = monitoring
        self._scheduler = BatchScheduler(threads_of.num_batch_threads)
        self._lock = threading.Lock()
        # They end with the model, which they must not keep in memory.
        self._own: WeakKeyDictionary[LoadedModel, BatchingParameters] = (
            WeakKeyDictionary()
        )
        self._lanes: WeakKeyDictionary[
            LoadedModel, dict[str, tuple[SignatureRunner, Lane]]
        ] = WeakKeyDictionary()

    def adopt(self, model: LoadedModel, parameters: BatchingParameters) -> None:
        """Gathers the requests for a model by its own parameters.

        Args:
            model: Which nobody has asked yet.
            parameters: All but the number of threads, which models share.
        """
        self._own[model] = parameters

    def submit(
        self,
        version: Version,
        signature: str,
        inputs: Tensors,
        finish: Callable[[Tensors], bytes],
        *,
        deadline: float,
    ) -> tuple[Task, SignatureRunner]:
        """Lets a request wait.

        Args:
            version: Acquired by the caller, until the task's future is done.
            signature: A name of one of the version's.
            inputs: An array for each alias.
            finish: Makes the answer of the outputs.
            deadline: See `Task`.

        Returns:
            The task, and what runs it.

        Raises:
            RestError: If it must not wait, or too many do.
        """
        runner, lane = self._lane(version, signature)
        task = runner.task(inputs, finish, deadline=deadline)
        self._scheduler.submit(lane, task)
        return task, runner

    def stop(self, *, timeout: float) -> None:
        """Runs what waits, and takes nothing new.

        Args:
            timeout: The longest to wait, in seconds.
        """
        self._scheduler.stop(timeout=timeout)

    def _lane(self, version, signature):
        with self._lock:
            lanes = self._lanes.setdefault(version.model, {})
            if signature not in lanes:
                lanes[signature] = self._new_lane(version, signature)
            return lanes[signature]

    def _new_lane(self, version, signature):
        model, name = weakref.proxy(version.model), version.model_name
        parameters = self._own.get(version.model, self._parameters)

        def run(inputs):
            started = time.monotonic()
            outputs = model.run(signature, inputs)
            self._monitoring.add_run(name, seconds=time.monotonic() - started)
            return outputs

        runner = SignatureRunner(
            model.signatures[signature],
            run,
            parameters or PHOTO_BATCHING,
            follows_file=parameters is not None,
        )

        def run_batch(batch):
            now = time.monotonic()
            for task in batch.tasks:
                self._monitoring.add_wait(seconds=now - task.started)
            runner.run_batch(batch)

        return runner, Lane(parameters or PHOTO_BATCHING, run_batch)
