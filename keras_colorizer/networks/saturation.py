"""A generator that paints more color, or less."""

import keras

from keras_colorizer.networks.precision import with_precision


def with_saturation(generator: keras.Model, factor: float) -> keras.Model:
    """Returns a copy whose ab is scaled, within its limits.

    The factor goes into the last weights: the copy is as fast. tanh follows
    them, so small ab is multiplied by the factor and large ab by less.

    Args:
        generator: Maps lightness to ab.
        factor: 1 changes nothing, 0 leaves photos grey.
    """
    copy = with_precision(generator, "float32")
    last = [layer for layer in copy.layers if layer.weights][-1]
    last.set_weights([factor * weight for weight in last.get_weights()])
    return copy
