"""Weights that lose little when they are stored in float16."""

from typing import Any

import keras
from keras import layers

from keras_colorizer.networks.precision import with_precision


def ready_for_float16(generator: keras.Model, *, folded: bool) -> keras.Model:
    """Returns a copy whose kernels that see edges keep their sums in float16.

    The first convolution sees lightness itself, depthwise ones a channel each.
    Many of their kernels answer to edges and sum to nearly nothing; rounding
    leaves them a small answer to flat areas, which a dark sky shows everywhere
    at once. Here the smallest weight of each kernel takes up what the others
    lost.

    Args:
        generator: Maps lightness to ab.
        folded: Whether batch norm will be multiplied into the kernels before
            they are rounded, as the TFLite converter does.
    """
    copy = with_precision(generator, "float32")
    convs = [i for i, x in enumerate(copy.layers) if type(x) is layers.Conv2D]
    for place, layer in enumerate(copy.layers[:-1]):
        is_depthwise = type(layer) is layers.DepthwiseConv2D
        if is_depthwise or place == convs[0]:
            kernel, *bias = layer.get_weights()
            scale = _scale(copy.layers[place + 1]) if folded else 1.0
            # A depthwise kernel has its channels before the last axis.
            rows = kernel[..., 0] if is_depthwise else kernel
            rows = _rounded(rows * scale) / scale
            layer.set_weights([rows.reshape(kernel.shape), *bias])
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
