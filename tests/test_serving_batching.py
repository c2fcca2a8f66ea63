"""Which requests run together, and that each gets its own answer."""

import os
import threading
import time

import numpy as np
import pytest
from fixtures.half_plus_two import save_half_plus_two
from numpy.testing import assert_array_equal

from keras_colorizer.errors import ConfigError
from keras_colorizer.serving.batching.parameters import BatchingParameters
from keras_colorizer.serving.batching.queue import Batch
from keras_colorizer.serving.batching.runner import LARGE_BYTES, SignatureRunner
from keras_colorizer.serving.batching.scheduler import BatchScheduler, Lane
from keras_colorizer.serving.models.saved_model import LoadedModel
from keras_colorizer.serving.rest.status import Code, RestError


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "1"
    save_half_plus_two(folder)
    model = LoadedModel(folder, timeout_ms=0)
    yield model
    model.close()


@pytest.fixture
def batched(model):
    """Runs arrays as one batch, and returns what becomes of each."""

    def batched(signature, arrays, *, follows_file=True, **parameters):
        runs = []

        def run(inputs):
            runs.append(len(inputs["x"]))
            return model.run(signature, inputs)

        runner = SignatureRunner(
            model.signatures[signature],
            run,
            BatchingParameters(**parameters),
            follows_file=follows_file,
        )
        batch = Batch("all")
        for array in arrays:
            batch.add(task_of(runner, array))
        runner.run_batch(batch)
        return [outcome(task) for task in batch.tasks], runs

    return batched


def task_of(runner, array, **inputs):
    return runner.task(
        inputs or {"x": array},
        lambda outputs: outputs["y"],
        deadline=time.monotonic() + 60,
    )


def outcome(task):
    error = task.future.exception(timeout=60)
    return task.future.result() if error is None else error


def floats(*values):
    return np.array(values, "float32")


def test_requests_run_together_and_get_their_own_rows(batched):
    answers, runs = batched(
        "no_negatives", [floats(0), floats(2, 4), floats(6)]
    )
    assert runs == [4]
    for answer, expected in zip(answers, ([2], [3, 4], [5]), strict=True):
        assert_array_equal(answer, expected)


def test_one_bad_request_is_no_others_business(batched):
    answers, runs = batched(
        "no_negatives", [floats(0), floats(-1), floats(2, 4)]
    )
    assert runs == [4, 1, 1, 2]
    assert_array_equal(answers[0], [2])
    assert answers[1].code is Code.INVALID_ARGUMENT
    assert "negative:" in answers[1].message
    assert_array_equal(answers[2], [3, 4])


@pytest.mark.parametrize(
    ("signature", "expected"),
    [("zero_out", [[], []]), ("scalar_out", [1, 5])],
)
def test_outputs_without_rows_are_made_one_by_one(batched, signature, expected):
    answers, runs = batched(signature, [floats(1), floats(2, 3)])
    assert runs == [3, 1, 2]
    for answer, y in zip(answers, expected, strict=True):
        assert_array_equal(answer, y)


def test_batches_are_filled_up_to_allowed_sizes(batched):
    answers, runs = batched(
        "no_negatives",
        [floats(0), floats(2, 4)],
        max_batch_size=8,
        allowed_batch_sizes=(2, 4, 8),
    )
    assert runs == [4]
    assert_array_equal(answers[1], [3, 4])
    answers, runs = batched(
        "scalar_out",
        [floats(5)],
        max_batch_size=2,
        allowed_batch_sizes=(2,),
    )
    assert runs == [2, 1]
    assert_array_equal(answers[0], 5)


SPLIT = {
    "max_batch_size": 8,
    "enable_large_batch_splitting": True,
    "max_execution_batch_size": 2,
}


@pytest.mark.parametrize(
    ("more", "sizes"),
    [({}, [2, 2, 1]), ({"allowed_batch_sizes": (2,)}, [2, 2, 2])],
)
def test_a_large_request_may_run_in_parts(batched, more, sizes):
    large = floats(0, 2, 4, 6, 8)
    answers, runs = batched("no_negatives", [large], **SPLIT, **more)
    assert runs == sizes
    assert_array_equal(answers[0], [2, 3, 4, 5, 6])


def test_a_fault_in_one_part_is_the_requests_own(batched):
    answers, _ = batched("no_negatives", [floats(0, 2, -1)], **SPLIT)
    assert "negative:" in answers[0].message


def test_a_request_may_be_split_but_has_its_limit(model):
    runner = SignatureRunner(
        model.signatures["no_negatives"],
        lambda inputs: inputs,
        BatchingParameters(**SPLIT),
        follows_file=True,
    )
    assert task_of(runner, floats(*range(8))).size == 8
    with pytest.raises(RestError, match="Task size 9 is larger than"):
        task_of(runner, floats(*range(9)))


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_of_any_kind_is_answered(model, count):
    def run(inputs):
        raise MemoryError("no room")

    runner = SignatureRunner(
        model.signatures["no_negatives"],
        run,
        BatchingParameters(),
        follows_file=True,
    )
    batch = Batch("all")
    for _ in range(count):
        batch.add(task_of(runner, floats(1)))
    runner.run_batch(batch)
    for task in batch.tasks:
        error = outcome(task)
        assert (error.code, error.message) == (Code.INTERNAL, "no room")


def test_different_shapes_are_refused(batched):
    answers, runs = batched("double_id", [np.ones([1, 2]), np.ones([1, 3])])
    assert not runs
    for error in answers:
        assert error.http_status == 400
        assert error.message.startswith(
            "Tensors with name 'double_id_x:0' from different tasks have "
            "different shapes and padding is turned off."
        )


@pytest.mark.parametrize(
    ("signature", "pad", "kind"),
    [("double_id", 0, float), ("string_id", b"", object)],
)
def test_different_shapes_may_be_padded_at_the_end(
    batched, signature, pad, kind
):
    value = b"a" if kind is object else 1
    arrays = [np.full((2, 1, 3), value, kind), np.full((1, 2, 2), value, kind)]
    answers, runs = batched(signature, arrays, pad_variable_length_inputs=True)
    assert runs == [3]
    assert_array_equal(answers[0][0], [[value] * 3, [pad] * 3])
    assert_array_equal(answers[1][0], [[value, value, pad]] * 2)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": floats(1, 2, 3, 4)}, "Task size 4 is larger than maximum input"),
        (
            {"x": floats(1), "y": floats(1, 2)},
            "input tensors must have equal 0th-dimension size",
        ),
        ({"x": np.float32(1)}, "must have at least one dimension"),
    ],
)
def test_what_cannot_be_batched_is_refused_where_all_has_to(
    model, inputs, message
):
    runner = SignatureRunner(
        model.signatures["no_negatives"],
        lambda inputs: inputs,
        BatchingParameters(max_batch_size=3),
        follows_file=True,
    )
    with pytest.raises(RestError, match=message):
        task_of(runner, None, **inputs)


@pytest.fixture
def scheduler():
    """Makes one with a lane that notes what ran, and waits while held."""
    made = []

    def make(run, **options):
        parameters = BatchingParameters(**options)
        scheduler = BatchScheduler(parameters.num_batch_threads)
        made.append(scheduler)
        return scheduler, Lane(parameters, run)

    yield make
    for scheduler in made:
        scheduler.stop(timeout=60)


class Gate:
    """Runs batches only when it is opened; notes the size of each."""

    def __init__(self):
        self.opened, self.entered = threading.Event(), threading.Event()
        self.sizes = []

    def run(self, batch):
        self.entered.set()
        self.opened.wait(60)
        self.sizes.append(len(batch.tasks))
        for task in batch.tasks:
            if task.future.set_running_or_notify_cancel():
                task.future.set_result(None)


def own_runner(model, signature="no_negatives", **parameters):
    """One for requests without the user's parameters."""
    return SignatureRunner(
        model.signatures[signature],
        lambda inputs: inputs,
        BatchingParameters(**parameters),
        follows_file=False,
    )


LARGE = np.ones([1, LARGE_BYTES + 1], "uint8")


def submit(scheduler, lane, tasks):
    for task in tasks:
        scheduler.submit(lane, task)


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [([1, 1, 1, 1, 1, 1], [4, 2]), ([3, 2, 2, 1], [1, 2, 1]), ([9, 1], [1, 1])],
)
def test_what_waits_meanwhile_runs_together(model, scheduler, rows, sizes):
    gate, runner = Gate(), own_runner(model)
    threads = {"num_batch_threads": 1, "max_batch_size": 4}
    line, lane = scheduler(gate.run, **threads)
    tasks = [task_of(runner, floats(*[0] * n)) for n in [1, *rows]]
    submit(line, lane, tasks[:1])
    gate.entered.wait(60)
    submit(line, lane, tasks[1:])
    gate.opened.set()
    for task in tasks:
        task.future.result(60)
    assert gate.sizes == [1, *sizes]


@pytest.mark.parametrize(
    ("signature", "first", "second", "sizes"),
    [
        ("no_negatives", floats(1), floats(1, 2), [1, 2]),
        ("no_negatives", np.ones([1, 2]), np.ones([1, 3]), [1, 1, 1]),
        ("no_negatives", np.ones([1, 2]), floats(1), [1, 1, 1]),
        ("no_negatives", floats(1), np.ones([1]), [1, 1, 1]),
        ("no_negatives", np.ones(0), np.ones(0), [1, 1, 1]),
        ("no_negatives", LARGE, LARGE, [1, 1, 1]),
        ("double_id", np.ones([1]), np.ones([1]), [1, 1, 1]),
        ("scalar_out", floats(1), floats(1), [1, 1, 1]),
    ],
    ids=[
        "rows",
        "shapes",
        "ranks",
        "types",
        "no rows",
        "large",
        "unknown rank",
        "no output rows",
    ],
)
def test_only_what_is_safe_runs_together_by_default(
    model, scheduler, signature, first, second, sizes
):
    gate, runner = Gate(), own_runner(model, signature)
    line, lane = scheduler(gate.run, num_batch_threads=1)
    submit(line, lane, [task_of(runner, floats(0))])
    gate.entered.wait(60)
    tasks = [task_of(runner, first), task_of(runner, second)]
    submit(line, lane, tasks)
    gate.opened.set()
    for task in tasks:
        task.future.result(60)
    assert gate.sizes == sizes


def test_signatures_take_turns(model, scheduler):
    order = []
    gate = Gate()

    def run(batch):
        gate.run(batch)
        order.append(batch.mates)

    line, crowded = scheduler(run, num_batch_threads=1, max_batch_size=1)
    other = Lane(BatchingParameters(), run)
    runner = own_runner(model)
    many = [task_of(runner, floats(n)) for n in range(5)]
    one = task_of(runner, np.ones([1]))
    submit(line, crowded, many)
    submit(line, other, [one])
    gate.opened.set()
    for task in [*many, one]:
        task.future.result(60)
    assert order.index(one.mates) <= 2


def test_a_batch_waits_for_company_as_long_as_it_is_told(model, scheduler):
    gate, runner = Gate(), own_runner(model)
    gate.opened.set()
    line, lane = scheduler(
        gate.run, batch_timeout_micros=300_000, max_batch_size=3
    )
    tasks = [task_of(runner, floats(n)) for n in range(5)]
    submit(line, lane, tasks[:3])
    tasks[0].future.result(0.2)  # It is full, and does not wait.
    begun = time.monotonic()
    submit(line, lane, tasks[3:])
    tasks[4].future.result(60)
    assert time.monotonic() - begun >= 0.3
    assert gate.sizes == [3, 2]


def test_a_full_queue_takes_the_place_of_those_who_left(model, scheduler):
    gate, runner = Gate(), own_runner(model)
    line, lane = scheduler(
        gate.run, num_batch_threads=1, max_batch_size=1, max_enqueued_batches=2
    )
    tasks = [task_of(runner, floats(n)) for n in range(5)]
    submit(line, lane, tasks[:1])
    gate.entered.wait(60)
    submit(line, lane, tasks[1:3])
    with pytest.raises(RestError, match="submitted is full") as refusal:
        line.submit(lane, tasks[3])
    assert refusal.value.http_status == 503
    assert tasks[1].future.cancel()
    line.submit(lane, tasks[4])
    gate.opened.set()
    assert tasks[4].future.result(60) is None


def test_batches_hold_what_may_run_at_once(model, scheduler):
    gate = Gate()
    line, lane = scheduler(gate.run, num_batch_threads=1, **SPLIT)
    runner = SignatureRunner(
        model.signatures["no_negatives"],
        lambda inputs: inputs,
        BatchingParameters(**SPLIT),
        follows_file=True,
    )
    first = task_of(runner, floats(0))
    submit(line, lane, [first])
    gate.entered.wait(60)
    tasks = [task_of(runner, floats(*[0] * rows)) for rows in (1, 1, 5, 1)]
    submit(line, lane, tasks)
    gate.opened.set()
    for task in tasks:
        task.future.result(60)
    assert gate.sizes == [1, 2, 1, 1]


def test_what_waits_is_run_before_it_stops(model, scheduler):
    gate, runner = Gate(), own_runner(model)
    line, lane = scheduler(
        gate.run, num_batch_threads=1, batch_timeout_micros=100_000
    )
    task = task_of(runner, floats(1))
    line.submit(lane, task)
    gate.opened.set()
    line.stop(timeout=60)
    assert task.future.done()
    with pytest.raises(RestError, match="stopping"):
        line.submit(lane, task_of(runner, floats(1)))


def test_who_comes_too_late_is_not_run(model):
    for follows_file, status in ((True, 429), (False, 504)):
        runner = SignatureRunner(
            model.signatures["no_negatives"],
            lambda inputs: pytest.fail("it ran"),
            BatchingParameters(),
            follows_file=follows_file,
        )
        task = runner.task({"x": floats(1)}, dict, deadline=time.monotonic())
        batch = Batch(None)
        batch.add(task)
        runner.run_batch(batch)
        assert outcome(task).http_status == status


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_batch_size": 0}, "max_batch_size must be at least 1"),
        ({"num_batch_threads": 0}, "num_batch_threads must be at least 1"),
        ({"batch_timeout_micros": -1}, "must be at least 0"),
        (
            {"max_batch_size": 8, "allowed_batch_sizes": (2, 4)},
            "Last entry in allowed_batch_sizes must match max_batch_size; last "
            "entry was 4; expected 8",
        ),
        (
            {**SPLIT, "allowed_batch_sizes": (4, 8)},
            "must match max_execution_batch_size; last entry was 8; expected 2",
        ),
        ({"max_execution_batch_size": 0}, "must be at least 1"),
        (
            {"max_batch_size": 2, "max_execution_batch_size": 3},
            "max_execution_batch_size must be at most max_batch_size. "
            "Received: 3 and 2",
        ),
        (
            {"max_batch_size": 2, "allowed_batch_sizes": (4, 2)},
            "must be in increasing order",
        ),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(parameters, message):
    with pytest.raises(ConfigError, match=message):
        BatchingParameters(**parameters)


def test_defaults_are_tensorflows():
    # Of SharedBatchScheduler's options, in shared_batch_scheduler.h.
    assert BatchingParameters() == BatchingParameters(
        max_batch_size=1000,
        batch_timeout_micros=0,
        max_enqueued_batches=10,
        num_batch_threads=os.cpu_count(),
    )
