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
        monitoring: Counts the runs.
    """

    def __init__(
        self, parameters: BatchingParameters | None, monitoring: Monitoring
    ):
        self._follows_file = parameters is not None
        self._parameters = parameters or PHOTO_BATCHING
        self._monitoring = monitoring
        self._scheduler = BatchScheduler(self._parameters)
        self._lock = threading.Lock()
        # They end with the model, which they must not keep in memory.
        self._lanes: WeakKeyDictionary[
            LoadedModel, dict[str, tuple[SignatureRunner, Lane]]
        ] = WeakKeyDictionary()

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
                runner = self._runner(version, signature)
                lanes[signature] = (
                    runner,
                    self._scheduler.lane(runner.run_batch),
                )
            return lanes[signature]

    def _runner(self, version, signature):
        model, name = weakref.proxy(version.model), version.model_name

        def run(inputs):
            started = time.monotonic()
            outputs = model.run(signature, inputs)
            self._monitoring.add_run(name, seconds=time.monotonic() - started)
            return outputs

        return SignatureRunner(
            model.signatures[signature],
            run,
            self._parameters,
            follows_file=self._follows_file,
        )
