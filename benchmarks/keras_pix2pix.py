"""Our training step as a process of its own: prints its times as JSON.

    python benchmarks/keras_pix2pix.py 4 6 float32 plain

The arguments are those of `main`. Precision and threads belong to a process:
`train_step` starts one for every row of its table.
"""

import json
import sys
import time
from itertools import pairwise

from measuring import seconds

from keras_colorizer.silence import silent_stderr

WARM_UP, MATMUL_SIDE, MATMULS = 3, 2048, 5


def main(batch_size: str, steps: str, precision: str, compiler: str) -> None:
    """Prints the seconds of every step and of a plain multiplication.

    Args:
        batch_size: Squares of 256 x 256 pixels per step.
        steps: Steps that are timed, after three to warm up.
        precision: "float32" or "bfloat16".
        compiler: "xla" as with `--jit-compile`, "plain" as without.
    """
    settings = {"precision": precision, "jit_compile": compiler == "xla"}
    with silent_stderr():
        ends = _step_ends(int(batch_size), WARM_UP + int(steps), settings)
    taken = [end - start for start, end in pairwise(ends[WARM_UP - 1 :])]
    matmuls = matmul_seconds(precision)
    print(json.dumps({"step": taken, "matmul": matmuls, "side": MATMUL_SIDE}))


def _step_ends(batch_size, steps, settings):
    """Trains on noise as `train.py` does; returns when each step ended."""
    import keras

    from keras_colorizer import TrainingConfig
    from keras_colorizer.training.networks import build_gan

    config = TrainingConfig(**settings)
    set_precision(config.precision)
    gan = build_gan(config, steps)
    ends: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter())
    )
    noise = _noise(batch_size)
    gan.fit(noise, steps_per_epoch=steps, verbose=0, callbacks=[clock])
    return ends


def _noise(batch_size):
    import tensorflow as tf

    shapes = [(batch_size, 256, 256, channels) for channels in (1, 2)]
    batch = tuple(tf.random.uniform(shape, -1, 1) for shape in shapes)
    return tf.data.Dataset.from_tensors(batch).repeat()


def set_precision(precision: str) -> None:
    """Has networks built from now on compute in it, as `train.py` does."""
    import keras

    if precision != "float32":
        keras.config.set_dtype_policy(f"mixed_{precision}")


def matmul_seconds(precision: str) -> list[float]:
    """Times the multiplication of two squares of `MATMUL_SIDE`."""
    import tensorflow as tf

    square = tf.random.uniform((MATMUL_SIDE, MATMUL_SIDE))
    square = tf.cast(square, precision)
    return [
        seconds(lambda: tf.matmul(square, square).numpy())
        for _ in range(MATMULS)
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
