"""What a step would gain by being computed otherwise.

Run it as `python benchmarks/step_options.py`.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import tyro
from measuring import interleaved, print_machine, print_table

from keras_colorizer.silence import silent_stderr

with silent_stderr():
    import keras
    import tensorflow as tf

    from keras_colorizer import (
        ColorizationGAN,
        build_discriminator,
        build_generator,
        losses,
    )
    from keras_colorizer.data.encoded_squares import encode_squares

AS_IT_IS, MANY = "as `train.py` computes it", 8


class OnePass(ColorizationGAN):
    """True and generated ab go through the discriminator together."""

    def _train_discriminator(self, lightness, real_ab, fake_ab):
        with tf.GradientTape() as tape:
            logits = self._judged(
                tf.concat([lightness, lightness], 0),
                tf.concat([real_ab, tf.cast(fake_ab, real_ab.dtype)], 0),
            )
            loss = losses.discriminator_loss(*tf.split(logits, 2))
        variables = self.discriminator.trainable_variables
        gradients = tape.gradient(loss, variables)
        self.discriminator_optimizer.apply(gradients, variables)
        return loss


class CompiledAverage(ColorizationGAN):
    """XLA makes one loop of each weight's moving average."""

    def _average(self):
        average = super()._average
        tf.function(lambda: average(), jit_compile=True, autograph=False)()


class CompiledAdam(keras.optimizers.Adam):
    """XLA makes one loop of each weight's update."""

    def apply(self, gradients, variables):
        apply = super().apply

        def update(gradients):
            apply(gradients, variables)

        tf.function(update, jit_compile=True, autograph=False)(gradients)


class FusedAdam(keras.optimizers.Adam):
    """TensorFlow's own operation for Adam, one for each weight."""

    def update_step(self, gradient, variable, learning_rate):
        step = tf.cast(self.iterations + 1, tf.float32)
        place = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[place]),
            v=_handle(self._velocities[place]),
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


@dataclass(frozen=True)
class Option:
    """A way to compute steps.

    Attributes:
        model: The class of both networks together.
        adam: The class of their optimizers.
        compiled: Whether XLA compiles the whole step.
        encoded: Whether the pipeline makes L*a*b*, not the step.
        steps: Steps in one call of TensorFlow.
    """

    model: type[ColorizationGAN] = ColorizationGAN
    adam: type[keras.optimizers.Adam] = keras.optimizers.Adam
    compiled: bool = False
    encoded: bool = False
    steps: int = 1


OPTIONS = {
    AS_IT_IS: Option(),
    "L\\*a\\*b\\* in the pipeline": Option(encoded=True),
    "one discriminator pass": Option(OnePass),
    f"{MANY} steps a call": Option(steps=MANY),
    "Adam as one operation": Option(adam=FusedAdam),
    "updates compiled by XLA": Option(CompiledAverage, CompiledAdam),
    "all compiled by XLA": Option(compiled=True),
}


def main(
    *,
    generator: str = "quick",
    discriminator: str = "patchgan_70_spectral",
    size: int = 128,
    batch_size: int = 8,
    rounds: int = 5,
) -> None:
    """Compares ways to compute a training step, on noise, by turns.

    "Start" are the seconds until the first step is done. One pass of the
    discriminator is left out where batch norm would then see true and
    generated ab as one batch, which is another method.

    Args:
        generator: Its preset.
        discriminator: Its preset.
        size: Side of the squares in pixels.
        batch_size: Squares of a step.
        rounds: How often eight steps of each are timed.
    """
    print_machine("tensorflow", "keras")
    print(
        f"{generator} and {discriminator}, batches of {batch_size} squares "
        f"of {size} x {size} pixels.\n"
    )
    options = {
        name: option
        for name, option in OPTIONS.items()
        if option.model is not OnePass or discriminator != "patchgan_70"
    }
    # It takes the same function, traced for each row, for a mistake.
    tf.get_logger().setLevel("ERROR")
    squares = _squares(batch_size, size)
    steps, starts = {}, {}
    for name, option in options.items():
        step = _step(option, generator, discriminator, squares)
        starts[name] = _seconds(step)
        steps[name] = _timed(step, MANY // option.steps)
    _print(interleaved(steps, repeats=rounds), starts, batch_size)


def _handle(variable):
    """Of one of TensorFlow's variables, or of Keras'."""
    return getattr(variable, "_value", variable).handle


def _squares(batch_size, size):
    shape = (batch_size, size, size, 3)
    noise = tf.random.uniform(shape, maxval=256, dtype=tf.int32)
    return tf.data.Dataset.from_tensors(tf.cast(noise, tf.uint8)).repeat()


def _step(option, generator, discriminator, squares) -> Callable:
    keras.utils.set_random_seed(0)
    gan = option.model(
        build_generator(generator), build_discriminator(discriminator)
    )
    gan.compile(option.adam(2e-4, 0.5), option.adam(2e-4, 0.5))
    encode = tf.function(encode_squares, jit_compile=True)
    if option.encoded:
        squares = squares.map(encode, num_parallel_calls=2).prefetch(2)
    batches = iter(squares)

    def train(batch):
        return gan.train_step(batch if option.encoded else encode(batch))

    train = tf.function(train, jit_compile=option.compiled, autograph=False)

    def steps():
        for _ in tf.range(option.steps - 1):
            train(next(batches))
        return train(next(batches))

    return tf.function(steps)


def _seconds(step) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def _timed(step, calls) -> Callable[[], tuple[float, float]]:
    def measure():
        start, busy = time.perf_counter(), time.process_time()
        for _ in range(calls):
            step()
        return time.perf_counter() - start, time.process_time() - busy

    return measure


def _print(taken, starts, batch_size):
    medians = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in taken.items()
    }
    wall, busy = medians[AS_IT_IS]
    print_table(
        ["step", "images/s", "time", "processor time", "start, s"],
        [
            (name, MANY * batch_size / w, w / wall, b / busy, starts[name])
            for name, (w, b) in medians.items()
        ],
    )
    print('"Time" and "processor time" are ratios to the first row.')


if __name__ == "__main__":
    tyro.cli(main)
