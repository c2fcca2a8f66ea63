"""Weights that lose little when they are stored in float16."""

from typing import Any

import keras
from keras import layers

from keras_colorizer.networks.precision import with_precision


def ready_for_float16(generator: keras.Model, *, folded: bool) -> keras.Model:
    """Returns a copy whose first kernels keep their sums in float16.

    The first convolution sees lightness itself. Many of its kernels answer to
    edges and sum to nearly nothing; rounding leaves them a small answer to
    flat areas, which a dark sky shows everywhere at once. Here the smallest
    weight of each kernel takes up what the others lost.

    Args:
        generator: Maps lightness to ab.
        folded: Whether batch norm will be multiplied into the kernels before
            they are rounded, as the TFLite converter does.
    """
    copy = with_precision(generator, "float32")
    convs = [i for i, x in enumerate(copy.layers) if type(x) is layers.Conv2D]
    if not convs:
        return copy
    first, *after = copy.layers[convs[0] :]
    kernel, *bias = first.get_weights()
    scale = _scale(after[0]) if folded and after else 1.0
    first.set_weights([_rounded(kernel * scale) / scale, *bias])
    return copy


def _scale(layer: layers.Layer) -> Any:
    if not isinstance(layer, layers.BatchNormalization):
        return 1.0
    gamma, _, _, variance = layer.get_weights()
    return gamma / (variance + layer.epsilon) ** 0.5


def _rounded(kernel: Any) -> Any:
    """Rounds to float16, preserving the sum over all but the last axis."""
    rows = kernel.reshape(-1, kernel.shape[-1]).astype("float64")
    rounded = rows.astype("float16")
    lost = rows.sum(axis=0) - rounded.sum(axis=0, dtype="float64")
    smallest = abs(rows).argmin(axis=0)
    rounded[smallest, range(len(lost))] += lost.astype("float16")
    return rounded.astype("float32").reshape(kernel.shape)
