"""The network of a Keras generator."""

from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_colorizer import encoding
from keras_colorizer.errors import ArtifactError
from keras_colorizer.label import DEFAULT_RENDER_SIZE
from keras_colorizer.networks.generator_file import load_generator
from keras_colorizer.networks.hint_propagation import with_hints


class KerasNetwork:
    """Hides the encoding of a generator.

    Args:
        generator: Maps encoded lightness to encoded ab.
        render_size: Side in pixels of the square it sees of a photo.
    """

    takes_hints: bool = True

    def __init__(self, generator: keras.Model, *, render_size: int):
        self.generator = generator
        self.render_size = render_size
        self._predict = tf.function(self.traced)
        self._predict_with_hints = tf.function(self.traced_with_hints)

    @classmethod
    def load(cls, path: Path) -> "KerasNetwork":
        """Reads a `.keras` file, see `load_generator`."""
        saved = load_generator(path)
        return cls(saved.generator, render_size=saved.render_size)

    @classmethod
    def of_generator(
        cls, generator: keras.Model, *, render_size: int | None = None
    ) -> "KerasNetwork":
        """Takes a generator from memory.

        Args:
            generator: Maps encoded lightness to encoded ab.
            render_size: By default the side of its input or, where that is
                open, 256.

        Raises:
            ArtifactError: If it maps something else.
        """
        inputs = getattr(generator, "inputs", None) or []
        outputs = getattr(generator, "outputs", None) or []
        ends = [(len(t.shape), t.shape[-1]) for t in (*inputs, *outputs)]
        if ends != [(4, 1), (4, 2)]:
            raise ArtifactError(
                f"`{generator.name}` is a Keras model, but no generator: that "
                "maps lightness (batch, h, w, 1) to ab (batch, h, w, 2)."
            )
        side = render_size or inputs[0].shape[1] or DEFAULT_RENDER_SIZE
        return cls(generator, render_size=side)

    def predict_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Maps `(n, s, s, 1)` float32 L* to `(n, s, s, 2)` float32 ab."""
        return self._predict(lightness).numpy()

    def predict_ab_with_hints(
        self, lightness: np.ndarray, hints: np.ndarray
    ) -> np.ndarray:
        """Maps it and `(n, 32, 5)` hints, see `hint_array`, to ab."""
        return self._predict_with_hints(lightness, hints).numpy()

    def traced(self, lightness: tf.Tensor) -> tf.Tensor:
        """`predict_ab` in TensorFlow ops, to be part of a graph."""
        encoded = encoding.encode_lightness(lightness)
        return encoding.decode_ab(self.generator(encoded, training=False))

    def traced_with_hints(
        self, lightness: tf.Tensor, hints: tf.Tensor
    ) -> tf.Tensor:
        """`predict_ab_with_hints` in TensorFlow ops."""
        pair = [
            encoding.encode_lightness(lightness),
            encoding.encode_hints(hints),
        ]
        return encoding.decode_ab(self._hinted(pair, training=False))

    @cached_property
    def _hinted(self) -> keras.Model:
        return with_hints(self.generator)
