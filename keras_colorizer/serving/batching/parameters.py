"""How requests are gathered into batches."""

import os
from dataclasses import dataclass

from keras_colorizer.errors import ConfigError


@dataclass(frozen=True)
class BatchingParameters:
    """The parameters of TF Serving's batching file, with its defaults.

    Attributes:
        max_batch_size: The most rows of a batch, and of a request.
        batch_timeout_micros: How long a batch that is not full waits for more
            requests, in microseconds.
        max_enqueued_batches: The most batches that wait, for each signature.
        num_batch_threads: Batches that run at once.
        allowed_batch_sizes: If any, batches are filled up to one of these with
            copies of a row.
        pad_variable_length_inputs: Whether inputs of different shapes are
            filled up with zeros, to run together.
        enable_large_batch_splitting: Whether a request may have more rows than
            a batch, and is run in parts.
        max_execution_batch_size: The most rows of a batch where that is so; by
            default `max_batch_size`.

    Raises:
        ConfigError: If they contradict each other.

    Source:
        TF Serving's servables/tensorflow/session_bundle_config.proto, and for
        the defaults TensorFlow's kernels/batching_util/
        shared_batch_scheduler.h.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int | None = None

    def __post_init__(self):
        for name in (
            "max_batch_size",
            "max_enqueued_batches",
            "num_batch_threads",
        ):
            self._check_at_least(1, name)
        self._check_at_least(0, "batch_timeout_micros")
        self._check_execution_size()
        self._check_allowed_sizes()

    @property
    def rows_at_once(self) -> int:
        """The most rows that run at once."""
        if self.enable_large_batch_splitting:
            return self.max_execution_batch_size or self.max_batch_size
        return self.max_batch_size

    def padded_size(self, size: int) -> int:
        """Returns the rows of a batch once it is filled up."""
        sizes = self.allowed_batch_sizes
        return next((allowed for allowed in sizes if allowed >= size), size)

    def _check_at_least(self, least, name):
        value = getattr(self, name)
        if value < least:
            raise ConfigError(
                f"{name} must be at least {least}. Received: {value}"
            )

    def _check_execution_size(self):
        size = self.max_execution_batch_size
        if size is None:
            return
        self._check_at_least(1, "max_execution_batch_size")
        if size > self.max_batch_size:
            raise ConfigError(
                "max_execution_batch_size must be at most max_batch_size. "
                f"Received: {size} and {self.max_batch_size}"
            )

    def _check_allowed_sizes(self):
        sizes = self.allowed_batch_sizes
        if not sizes:
            return
        if list(sizes) != sorted(set(sizes)) or sizes[0] < 1:
            raise ConfigError(
                "allowed_batch_sizes entries must be in increasing order. "
                f"Received: {list(sizes)}"
            )
        if sizes[-1] != self.rows_at_once:
            is_split = self.rows_at_once != self.max_batch_size
            limit = "max_execution_batch_size" if is_split else "max_batch_size"
            raise ConfigError(
                f"Last entry in allowed_batch_sizes must match {limit}; "
                f"last entry was {sizes[-1]}; expected {self.rows_at_once}"
            )


# Without a batching file. For photos on few cores: a photo takes milliseconds
# to seconds of all cores, so waiting for company would cost latency and gain
# nothing (timeout 0); a batch holds as many as the graph works on at once, and
# in one batch a slow photo holds up few others; two batches in work fill the
# gaps that decoding and encoding, on one core each, leave in the other.
PHOTO_BATCHING = BatchingParameters(
    max_batch_size=4,
    batch_timeout_micros=0,
    max_enqueued_batches=64,
    num_batch_threads=2,
)
