"""Bolder colors where the network is sure of them.

L1 leaves predictions shy: the less sure, the paler. A power of the chroma above
1 and a factor make sure colors bold and leave unsure ones pale:

    ab * factor * (chroma / 12) ** (power - 1)

A plain factor makes both bolder alike, and costs more of the nearness to the
truth at equal colorfulness.
"""

from typing import Any

import keras
from keras import layers, ops

PIVOT = 12.0 / 110.0  # The chroma that the power leaves as it is, encoded.
TINY = 1e-8


@keras.saving.register_keras_serializable("keras_colorizer")
class Readout(layers.Layer):
    """Raises chroma to a power, times a factor, up to the limit of 1.

    Args:
        power: Of the chroma; 1 changes nothing.
        factor: On ab; 1 changes nothing.
        **kwargs: As for any Keras layer.
    """

    def __init__(
        self, power: float = 1.0, factor: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.power = power
        self.factor = factor

    def call(self, ab: keras.KerasTensor) -> keras.KerasTensor:
        if (self.power, self.factor) == (1.0, 1.0):
            return ab
        square = ops.sum(ops.square(ab), axis=-1, keepdims=True) + TINY
        exponent = (self.power - 1) / 2
        gain = ops.exp(exponent * ops.log(square / PIVOT**2))
        return ops.clip(self.factor * gain * ab, -1.0, 1.0)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "power": self.power, "factor": self.factor}


def with_readout(
    generator: keras.Model, *, power: float = 1.0, factor: float = 1.0
) -> keras.Model:
    """Returns a copy with a bolder or calmer readout.

    Args:
        generator: Maps lightness to ab. Where it holds no `Readout`, one is
            added at its end.
        power: Multiplies the power of its own readout.
        factor: Multiplies the factor of its own; 0 leaves photos grey.
    """

    def converted(layer: layers.Layer) -> layers.Layer:
        config = {**layer.get_config(), "dtype": "float32"}
        if isinstance(layer, Readout):
            config["power"] *= power
            config["factor"] *= factor
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(generator, clone_function=converted)
    copy.set_weights(generator.get_weights())
    if any(isinstance(layer, Readout) for layer in copy.layers):
        return copy
    ab = Readout(power, factor, name="readout")(copy.output)
    return keras.Model(copy.input, ab, name=copy.name)
