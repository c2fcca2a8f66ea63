"""Weights that lose little when they are stored in float16.

Rounding shifts the mean of every channel a little. The shifts add up from layer
to layer, and flat areas such as a dark sky show them everywhere at once.

Source: Nagel et al., 2019, section 4.2, https://arxiv.org/abs/1906.04721, for
the correction of biases, by the means over photos.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_colorizer.networks.precision import with_precision

NORM = layers.BatchNormalization
PHOTOS = 8  # Enough for means over all of their pixels.


def ready_for_float16(
    generator: keras.Model, views: Sequence[Any], *, folded: bool
) -> keras.Model:
    """Returns a copy whose weights float16 holds nearly as they are.

    Kernels are rounded; those that see edges, the first one and depthwise
    ones, keep their sums. Biases take up what rounding has shifted, layer after
    layer.

    Args:
        generator: Maps lightness to ab.
        views: Photos, `(1, h, w, 1)` float32 in [-1, 1]. Without any, biases
            take up nothing.
        folded: Whether batch norm will be multiplied into the kernels before
            they are rounded, as the TFLite converter does.
    """
    copy = with_precision(generator, "float32")
    pairs = list(_convolutions(copy))
    means = _means(generator, [last for _, last in pairs], views)
    for number, (layer, last) in enumerate(pairs):
        _round_kernel(layer, last if folded else None, is_first=number == 0)
        _round_bias(last, 0.0, folded=folded)
        (mean,) = _means(copy, [last], views)
        _round_bias(last, means[number] - mean, folded=folded)
    return copy


def _convolutions(
    model: keras.Model,
) -> Iterator[tuple[layers.Layer, layers.Layer]]:
    """Yields convolutions, each with its norm or, without one, itself."""
    norms = [x for x in model.layers if isinstance(x, NORM)]
    norm_of = {id(norm.input): norm for norm in norms}
    for layer in model.layers:
        if type(layer) in (layers.Conv2D, layers.DepthwiseConv2D):
            last = norm_of.get(id(layer.output), layer)
            if last is not layer or layer.use_bias:
                yield layer, last


def _means(
    model: keras.Model, of: Sequence[layers.Layer], views: Sequence[Any]
) -> list[Any]:
    """Returns the mean of each channel of some layers, by their names."""
    if not views:
        return [0.0] * len(of)
    outputs = {x.name: model.get_layer(x.name).output for x in of}
    photos = ops.concatenate(views[:PHOTOS])
    features = keras.Model(model.input, outputs)(photos).values()
    return [ops.convert_to_numpy(x).mean(axis=(0, 1, 2)) for x in features]


def _round_kernel(
    layer: layers.Layer, norm: layers.Layer | None, *, is_first: bool
) -> None:
    kernel, *bias = layer.get_weights()
    is_depthwise = type(layer) is layers.DepthwiseConv2D
    # A depthwise kernel has its channels before the last axis.
    rows = kernel.reshape(-1, kernel.shape[2 if is_depthwise else 3])
    scale = _scale(norm) if isinstance(norm, NORM) else 1.0
    rounded = (rows * scale).astype("float16").astype("float32")
    if is_depthwise or is_first:
        rounded = _rounded_with_sums(rows * scale)
    layer.set_weights([(rounded / scale).reshape(kernel.shape), *bias])


def _round_bias(
    layer: layers.Layer, change: Any | float, *, folded: bool
) -> None:
    """Adds to the bias of a convolution, or of a norm, and rounds it."""
    if not isinstance(layer, NORM):
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel, _rounded(bias + change)])
    elif folded:
        gamma, beta, mean, variance = layer.get_weights()
        shift = mean * _scale(layer)
        beta = _rounded(beta + change - shift) + shift
        layer.set_weights([gamma, beta, mean, variance])
    else:
        gamma, beta, *statistics = map(_rounded, layer.get_weights())
        layer.set_weights([gamma, _rounded(beta + change), *statistics])


def _scale(norm: layers.Layer) -> Any:
    gamma, _, _, variance = norm.get_weights()
    scale = gamma / (variance + norm.epsilon) ** 0.5
    return scale + (scale == 0)


def _rounded(weights: Any) -> Any:
    return weights.astype("float16").astype("float32")


def _rounded_with_sums(rows: Any) -> Any:
    """Rounds kernels, of which the smallest weight takes up the loss."""
    rounded = rows.astype("float16")
    lost = rows.sum(axis=0, dtype="float64")
    lost -= rounded.sum(axis=0, dtype="float64")
    smallest = abs(rows).argmin(axis=0)
    rounded[smallest, range(len(lost))] += lost.astype("float16")
    return rounded.astype("float32")
