"""How requests are gathered into batches."""

import os
from dataclasses import dataclass

from keras_colorizer.errors import ConfigError


@dataclass(frozen=True)
class BatchingParameters:
    """The parameters of TF Serving's batching file, with its defaults.

    Attributes:
        max_batch_size: The most rows of a batch.
        batch_timeout_micros: How long a batch that is not full waits for more
            requests, in microseconds.
        max_enqueued_batches: The most batches that wait, for each signature.
        num_batch_threads: Batches that run at once.
        allowed_batch_sizes: If any, batches are filled up to one of these with
            copies of a row.
        pad_variable_length_inputs: Whether inputs of different shapes are
            filled up with zeros, to run together.

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

    def __post_init__(self):
        for name in (
            "max_batch_size",
            "max_enqueued_batches",
            "num_batch_threads",
        ):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} must be at least 1. Received: "
                    f"{getattr(self, name)}"
                )
        if self.batch_timeout_micros < 0:
            raise ConfigError(
                "batch_timeout_micros must be at least 0. Received: "
                f"{self.batch_timeout_micros}"
            )
        self._check_allowed_sizes()

    def padded_size(self, size: int) -> int:
        """Returns the rows of a batch once it is filled up."""
        sizes = self.allowed_batch_sizes
        return next((allowed for allowed in sizes if allowed >= size), size)

    def _check_allowed_sizes(self):
        sizes = self.allowed_batch_sizes
        if not sizes:
            return
        if list(sizes) != sorted(set(sizes)) or sizes[0] < 1:
            raise ConfigError(
                "allowed_batch_sizes entries must be in increasing order. "
                f"Received: {list(sizes)}"
            )
        if sizes[-1] != self.max_batch_size:
            raise ConfigError(
                "Last entry in allowed_batch_sizes must match max_batch_size; "
                f"last entry was {sizes[-1]}; expected {self.max_batch_size}"
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
