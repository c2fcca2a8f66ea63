"""Propagation of color hints from their places to all that looks alike.

A hint says how far the prediction is off at one place. That residual is added
wherever lightness, features of the encoder and distance say that the place is
of the same thing:

    ab = predicted + sum_k w_k (hint_k - predicted at k) / (sum_k w_k + 0.005)

    log w_k = sum over levels of t_level (cosine of the features there and at k
              - 1) - t_lightness (difference of lightness) ** 2
              - t_distance distance

Without a hint both sums are empty, and the prediction is left as it is.

Source: own; the weights are those of a joint bilateral filter, Petschnigg et
al., 2004, https://doi.org/10.1145/1186562.1015777, between learned features.
"""

from collections.abc import Iterator

import keras
from keras import layers, ops

from keras_colorizer.networks.smooth_decoder import double

HINTS = 32  # Rows of the list; those not used are all 0.
LEAST_WEIGHT = 0.005  # Where all weights are smaller, hints fade out.
FEATURES = 32  # Channels in which features are compared.
LIGHTNESS_FALLOFF = 8.4  # For a difference of 50 units of L*.
DISTANCE_FALLOFF = 1.9  # For the width or height of a photo.
FEATURE_FALLOFF = 1.3  # Of each level, to begin with.
TINY = 1e-8


@keras.saving.register_keras_serializable("keras_colorizer")
class HintPropagation(layers.Layer):
    """Corrects a prediction by hints.

    Called without hints it returns the prediction, so that a network can hold
    it, and its weights, whether hints are ever given or not.

    Inputs: a list of `ab`, `(batch, h, w, 2)` in [-1, 1], `lightness`,
    `(batch, h, w, 1)` in [-1, 1], and any number of features, `(batch, h / 2
    ** n, w / 2 ** n, channels)`. `hints`, `(batch, any number, 5)`: x and y in
    [0, 1] of the width and height, ab in [-1, 1], and 1 for a hint; 0 in all
    five for none.
    """

    def build(self, input_shape: list[tuple]) -> None:
        _, _, *features = input_shape
        self.projections = [
            self.add_weight(
                name=f"projection_{i}",
                shape=(shape[-1], FEATURES),
                initializer="glorot_uniform",
            )
            for i, shape in enumerate(features)
        ]
        self.falloffs = self.add_weight(
            name="falloffs",
            shape=(len(features) + 2,),
            initializer=_initial_falloffs,
        )

    def call(
        self,
        inputs: list[keras.KerasTensor],
        hints: keras.KerasTensor | None = None,
    ) -> keras.KerasTensor:
        ab, lightness, *features = inputs
        if hints is None:
            return ab
        values = [ab, lightness, *self._projected(features)]
        values = ops.concatenate(values, axis=-1)
        sampled = sample(values, hints[..., :2])
        weights = self._weights(values, sampled, hints)
        residuals = hints[..., 2:4] - sampled[..., :2]
        total = ops.sum(weights, axis=-1, keepdims=True) + LEAST_WEIGHT
        shape = ops.shape(ab)
        change = ops.matmul(weights, residuals) / total
        return ab + ops.reshape(change, shape)

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        return input_shape[0]

    def _projected(
        self, features: list[keras.KerasTensor]
    ) -> Iterator[keras.KerasTensor]:
        """Unit vectors at the finest size, scaled by the level's falloff."""
        scales = ops.sqrt(ops.abs(self.falloffs[2:]))
        for i, (level, kernel) in enumerate(
            zip(features, self.projections, strict=True)
        ):
            x = ops.matmul(level, kernel)
            for _ in range(i):
                x = double(x)
            square = ops.sum(ops.square(x), axis=-1, keepdims=True)
            yield x * ops.rsqrt(square + TINY) * scales[i]

    def _weights(
        self,
        values: keras.KerasTensor,
        sampled: keras.KerasTensor,
        hints: keras.KerasTensor,
    ) -> keras.KerasTensor:
        """Returns `(batch, h * w, hints)`."""
        channels = values.shape[-1]
        batch, height, width, _ = ops.shape(values)
        flat = ops.reshape(values, (batch, height * width, channels))
        at_hints = ops.transpose(sampled, (0, 2, 1))
        lighter = flat[..., 2:3] - at_hints[:, 2:3]
        away = ops.reshape(
            distances(hints[..., :2], height, width),
            (batch, height * width, hints.shape[1]),
        )
        exponent = (
            -ops.abs(self.falloffs[0]) * ops.square(lighter)
            - ops.abs(self.falloffs[1]) * away
        )
        if channels > 3:  # LiteRT multiplies no matrices without rows.
            exponent += ops.matmul(flat[..., 3:], at_hints[:, 3:])
            exponent -= ops.sum(ops.abs(self.falloffs[2:]))
        return ops.exp(exponent) * hints[..., 4][:, None, :]


def with_hints(generator: keras.Model, *, count: int = HINTS) -> keras.Model:
    """Returns a network that takes hints and shares the generator's weights.

    Args:
        generator: Maps lightness to ab. Where it holds no `HintPropagation`,
            hints reach what is near and of like lightness.
        count: Rows of the list of hints.

    Returns:
        A functional model from `[lightness, hints]` to `ab`; `hints` is
        `(batch, count, 5)`, see `HintPropagation`.
    """
    hints = keras.Input((count, 5), name="hints")
    held = [x for x in generator.layers if isinstance(x, HintPropagation)]
    if held:
        (layer,) = held
        after = keras.Model(layer.output, generator.output)
        ab = after(layer(layer.input, hints=hints))
    else:
        pair = [generator.output, generator.input]
        ab = HintPropagation(name="hint_propagation", dtype="float32")(
            pair, hints=hints
        )
    return keras.Model([generator.input, hints], ab, name="hinted_generator")


def colors_with_hints(
    generator: keras.Model, *, count: int
) -> keras.Model | None:
    """Returns a network that predicts without hints and with them at once.

    Args:
        generator: Maps lightness to ab.
        count: Rows of the list of hints.

    Returns:
        A functional model from `[lightness, hints]` to `[ab, hinted ab]`, or
        None where the generator holds no `HintPropagation` to be trained.
    """
    if not any(isinstance(x, HintPropagation) for x in generator.layers):
        return None
    hinted = with_hints(generator, count=count)
    return keras.Model(hinted.inputs, [generator.output, hinted.output])


def sample(
    values: keras.KerasTensor, places: keras.KerasTensor
) -> keras.KerasTensor:
    """Reads maps between their pixels, bilinearly.

    Args:
        values: `(batch, h, w, channels)`.
        places: `(batch, n, 2)`, x and y in [0, 1].

    Returns:
        `(batch, n, channels)`.
    """
    batch, height, width, _ = ops.shape(values)
    across = _tent(places[..., 0], width)[:, :, None, :]
    down = _tent(places[..., 1], height)[:, :, :, None]
    count = places.shape[1]
    shares = ops.reshape(down * across, (batch, count, height * width))
    flat = ops.reshape(values, (batch, height * width, values.shape[-1]))
    return ops.matmul(shares, flat)


def distances(
    places: keras.KerasTensor, height: int, width: int
) -> keras.KerasTensor:
    """Returns how far pixels are from places: `(batch, height, width, n)`.

    Args:
        places: `(batch, n, 2)`, x and y in [0, 1].
        height: Of the map.
        width: Of the map.
    """
    # One index after the other, as GPUs take no more than 4 dimensions.
    across, down = places[..., 0], places[..., 1]
    x = _centers(width)[None, None, :, None] - across[:, None, None, :]
    y = _centers(height)[None, :, None, None] - down[:, None, None, :]
    return ops.sqrt(ops.square(x) + ops.square(y) + TINY)


def _tent(place: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """Shares of `size` pixels in what is between two of them."""
    last = ops.cast(size - 1, "float32")
    position = place * ops.cast(size, "float32") - 0.5
    position = ops.clip(position, 0.0, last)
    pixels = ops.arange(size, dtype="float32")
    return ops.relu(1.0 - ops.abs(pixels - position[..., None]))


def _centers(size: int) -> keras.KerasTensor:
    pixels = ops.arange(size, dtype="float32")
    return (pixels + 0.5) / ops.cast(size, "float32")


def _initial_falloffs(
    shape: tuple[int], dtype: str | None = None
) -> keras.KerasTensor:
    levels = shape[0] - 2
    return ops.convert_to_tensor(
        [LIGHTNESS_FALLOFF, DISTANCE_FALLOFF, *[FEATURE_FALLOFF] * levels],
        dtype=dtype,
    )
