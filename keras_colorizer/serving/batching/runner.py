"""How the batches of a signature run, so that each task gets its own answer."""

from collections.abc import Callable, Hashable, Sequence

from keras_colorizer.serving.batching.merging import (
    merge,
    run_in_parts,
    split,
)
from keras_colorizer.serving.batching.parameters import BatchingParameters
from keras_colorizer.serving.batching.queue import Batch
from keras_colorizer.serving.batching.task import (
    Task,
    Tensors,
    checked_rows,
    common_rows,
)
from keras_colorizer.serving.rest.metadata import Signature
from keras_colorizer.serving.rest.status import (
    Code,
    RestError,
    as_rest_error,
    invalid_argument,
)

# Without the user's parameters, more runs alone: several large scans at once
# would take gigabytes, and hold up the small photos that run with them.
LARGE_BYTES = 2**19

TIMED_OUT = "Timed out waiting for notification"
TIMED_OUT_IN_QUEUE = "Run() timeout exceeded while waiting in batching queue"


class SignatureRunner:
    """Makes tasks for a signature, and runs batches of them.

    With parameters of the user's, tasks are gathered by TF Serving's rules,
    whatever the signature. Without, only where rows are independent as far as
    the signature tells, and only small tasks of equal types and shapes.

    Args:
        signature: Its inputs and outputs.
        run: Maps inputs to outputs; raises `RestError`.
        parameters: See `BatchingParameters`.
        follows_file: Whether they are the user's.
    """

    def __init__(
        self,
        signature: Signature,
        run: Callable[[Tensors], Tensors],
        parameters: BatchingParameters,
        *,
        follows_file: bool,
    ):
        self._run = run
        self._parameters = parameters
        self._follows_file = follows_file
        self._is_batchable = _has_open_rows(signature)
        self._names = {
            alias: info.name for alias, info in signature.inputs.items()
        }

    def task(
        self,
        inputs: Tensors,
        finish: Callable[[Tensors], bytes],
        *,
        deadline: float,
    ) -> Task:
        """Makes a task of a request's inputs.

        Args:
            inputs: An array for each alias.
            finish: Makes the answer of the outputs.
            deadline: See `Task`.

        Raises:
            RestError: INVALID_ARGUMENT if the user's parameters forbid it.
        """
        rows = self._rows(inputs)
        mates = self._mates(inputs, rows)
        return Task(inputs, finish, rows, mates, deadline)

    def run_batch(self, batch: Batch) -> None:
        """Runs a batch; every future is done or cancelled afterwards.

        If it fails, or its outputs are not the tasks' rows, each task runs
        alone: one bad photo is no other's business.
        """
        tasks = self._wanted(batch.tasks)
        if self._is_merged(tasks) and self._ran_together(tasks):
            return
        for task in self._wanted(tasks):
            self._run_alone(task)

    def late_error(self, *, is_waiting: bool) -> RestError:
        """Returns the error of a task whose deadline has passed.

        Args:
            is_waiting: Whether it has not begun to run.
        """
        if is_waiting and self._follows_file:
            return RestError(Code.RESOURCE_EXHAUSTED, TIMED_OUT_IN_QUEUE)
        return RestError(Code.DEADLINE_EXCEEDED, TIMED_OUT)

    def _rows(self, inputs):
        if not self._follows_file:
            return common_rows(inputs) or 0
        rows, limit = checked_rows(inputs), self._parameters.max_batch_size
        if rows > limit:
            raise invalid_argument(
                f"Task size {rows} is larger than maximum input batch size "
                f"{limit}"
            )
        return rows

    def _mates(self, inputs, rows) -> Hashable | None:
        if not rows:
            return None
        if self._follows_file:
            return "all"
        if not self._is_batchable or _count_bytes(inputs) > LARGE_BYTES:
            return None
        return tuple(
            (alias, array.dtype.str, array.shape[1:])
            for alias, array in inputs.items()
        )

    def _wanted(self, tasks):
        """Those that somebody waits for; the others get their error."""
        running = [task for task in tasks if _starts(task)]
        for task in running:
            if task.is_late:
                _fail(task, self.late_error(is_waiting=True))
        return [task for task in running if not task.future.done()]

    def _is_merged(self, tasks):
        """Whether they do not simply run one by one, as they are."""
        rows = sum(task.size for task in tasks)
        is_split = (
            self._parameters.enable_large_batch_splitting
            and rows > self._parameters.rows_at_once
        )
        is_filled_up = bool(self._parameters.allowed_batch_sizes)
        return rows > 0 and (len(tasks) > 1 or is_filled_up or is_split)

    def _ran_together(self, tasks):
        try:
            merged = merge(
                [task.inputs for task in tasks],
                pads=self._parameters.pad_variable_length_inputs,
                names=self._names,
            )
        except Exception as error:
            return _fail_all(tasks, as_rest_error(error))
        sizes = [task.size for task in tasks]
        try:
            outputs = run_in_parts(
                self._run, merged, sum(sizes), self._parameters
            )
        except Exception as error:
            code = getattr(error, "code", None)
            is_late = code is Code.DEADLINE_EXCEEDED
            return is_late and _fail_all(tasks, error)
        if outputs is None:
            self._is_batchable = False  # It would be the same every time.
            return False
        for task, part in zip(tasks, split(outputs, sizes), strict=True):
            _finish(task, part)
        return True

    def _run_alone(self, task):
        try:
            outputs = self._run(task.inputs)
        except Exception as error:
            _fail(task, as_rest_error(error))
        else:
            _finish(task, outputs)


def _count_bytes(inputs):
    return sum(
        sum(map(len, array.flat)) if array.dtype == object else array.nbytes
        for array in inputs.values()
    )


def _has_open_rows(signature):
    tensors = [*signature.inputs.values(), *signature.outputs.values()]
    return bool(signature.inputs) and all(
        info.shape and info.shape[0] == -1 for info in tensors
    )


def _starts(task):
    return task.future.running() or task.future.set_running_or_notify_cancel()


def _fail_all(tasks: Sequence[Task], error):
    for task in tasks:
        _fail(task, error)
    return True


def _fail(task, error):
    task.future.set_exception(error)


def _finish(task, outputs):
    try:
        answer = task.finish(outputs)
    except Exception as error:
        _fail(task, as_rest_error(error))
    else:
        task.future.set_result(answer)
