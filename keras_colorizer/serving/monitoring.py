"""Metrics for Prometheus, with TF Serving's names.

Written by hand: TF Serving's names do not end as client libraries insist that
names end.

Source: TF Serving's servables/tensorflow/util.cc, saved_model_warmup_util.cc
there, batching/batching_session.cc and util/prometheus_exporter.cc, and
TensorFlow's cc/saved_model/loader.cc.
"""

import threading
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from keras_colorizer.serving.rest.status import Code

SERVING, LOADING = ":tensorflow:serving:", ":tensorflow:cc:saved_model:"

# Upper limits in microseconds, `Buckets::Exponential(10, 1.8, 33)`: what is
# above the last falls under +Inf.
BUCKETS = [10 * 1.8**i for i in range(33)]
WAITING_BUCKETS = [100 * 1.2**i for i in range(52)]


class Counter:
    """Counts, for each combination of label values.

    Args:
        name: With the prefix.
        labels: Their names.
    """

    def __init__(self, name: str, labels: Sequence[str]):
        self._name, self._labels = name, labels
        self._counts: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def add(self, *values: str, count: int = 1) -> None:
        """Adds to the count of these label values."""
        with self._lock:
            self._counts[values] = self._counts.get(values, 0) + count

    def lines(self) -> list[str]:
        """Returns the metric in Prometheus' text format."""
        with self._lock:
            counts = dict(self._counts)
        return [
            f"# TYPE {self._name} counter",
            *(
                f"{self._name}{{{_labels(self._labels, values)}}} {count}"
                for values, count in counts.items()
            ),
        ]


class Histogram:
    """Durations, for each combination of label values.

    Args:
        name: With the prefix.
        labels: Their names.
        limits: Upper ones of its buckets, in microseconds.
    """

    def __init__(
        self,
        name: str,
        labels: Sequence[str],
        *,
        limits: Sequence[float] = BUCKETS,
    ):
        self._name, self._labels, self._limits = name, labels, limits
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()

    def add(self, seconds: float, *values: str) -> None:
        """Adds a duration, which is counted in microseconds."""
        microseconds = 1e6 * seconds
        with self._lock:
            if values not in self._counts:
                self._counts[values] = [0] * (len(self._limits) + 1)
            self._counts[values][bisect_left(self._limits, microseconds)] += 1
            self._sums[values] = self._sums.get(values, 0.0) + microseconds

    def lines(self) -> list[str]:
        """Returns the metric in Prometheus' text format."""
        with self._lock:
            counts = {key: list(value) for key, value in self._counts.items()}
            sums = dict(self._sums)
        lines = [f"# TYPE {self._name} histogram"]
        limits = [*(f"{limit:.6g}" for limit in self._limits), "+Inf"]
        for values, buckets in counts.items():
            labels = _labels(self._labels, values)
            for limit, total in zip(limits, accumulate(buckets), strict=True):
                bucket = f'{self._name}_bucket{{{labels},le="{limit}"}}'
                lines.append(f"{bucket} {total}")
            lines.append(f"{self._name}_sum{{{labels}}} {sums[values]:.10g}")
            lines.append(f"{self._name}_count{{{labels}}} {sum(buckets)}")
        return lines


class Monitoring:
    """All metrics of a server: every attribute is one."""

    def __init__(self):
        self._load_count = Counter(
            f"{LOADING}load_attempt_count", ("model_path", "status")
        )
        self._load_latency = Counter(f"{LOADING}load_latency", ("model_path",))
        self._warmup_latency = Histogram(
            f"{SERVING}model_warmup_latency", ("model_path", "status")
        )
        self._warmup_records = Counter(
            f"{SERVING}model_warmup_records_read", ("model_path",)
        )
        self._request_count = Counter(
            f"{SERVING}request_count", ("model_name", "status")
        )
        self._request_latency = Histogram(
            f"{SERVING}request_latency", ("model_name", "API", "entrypoint")
        )
        self._runtime_latency = Histogram(
            f"{SERVING}runtime_latency", ("model_name", "API", "runtime")
        )
        self._waiting_latency = Histogram(
            f"{SERVING}batching_session:queuing_latency",
            ("thread_pool_name",),
            limits=WAITING_BUCKETS,
        )

    def add_request(
        self, model: str, api: str, code: Code, *, seconds: float
    ) -> None:
        """Counts a request; only one that succeeded has a latency.

        Args:
            model: The model's name.
            api: "predict", "classify" or "regress".
            code: How it ended.
            seconds: From its target read to its answer written.
        """
        self._request_count.add(model, code.name)
        if code is Code.OK:
            self._request_latency.add(seconds, model, api, "REST")

    def add_wait(self, *, seconds: float) -> None:
        """Counts how long a request waited to be run."""
        self._waiting_latency.add(seconds, "")

    def add_run(self, model: str, *, seconds: float) -> None:
        """Counts a call of TensorFlow."""
        self._runtime_latency.add(seconds, model, "predict", "TF1")

    def add_load(self, path: str, code: Code, *, seconds: float) -> None:
        """Counts the loading of a version; only success has a latency."""
        is_loaded = code is Code.OK
        self._load_count.add(path, "success" if is_loaded else "fail")
        if is_loaded:
            self._load_latency.add(path, count=round(1e6 * seconds))

    def add_warmup(
        self, path: str, code: Code, *, records: int, seconds: float
    ) -> None:
        """Counts the warm-up of a version.

        Args:
            path: Of the version.
            code: How it ended.
            records: How many requests were replayed.
            seconds: How long it took.
        """
        self._warmup_latency.add(seconds, path, code.name)
        self._warmup_records.add(path, count=records)

    def text(self) -> str:
        """Returns all of it in Prometheus' text format."""
        metrics: tuple[Counter | Histogram, ...] = tuple(vars(self).values())
        lines = [line for metric in metrics for line in metric.lines()]
        return "\n".join(lines) + "\n"


def _labels(names, values):
    return ",".join(
        f'{name}="{_escaped(value)}"'
        for name, value in zip(names, values, strict=True)
    )


def _escaped(value):
    """As the text format demands of label values."""
    for character, escape in (("\\", r"\\"), ('"', r"\""), ("\n", r"\n")):
        value = value.replace(character, escape)
    return value
