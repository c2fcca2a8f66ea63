"""The same network in another precision."""

import keras


def with_precision(generator: keras.Model, dtype: str) -> keras.Model:
    """Returns a copy that holds its weights and computes in one precision.

    Args:
        generator: Maps lightness to ab.
        dtype: `float32` or `float16`.
    """

    def converted(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = {**layer.get_config(), "dtype": dtype}
        return layer.__class__.from_config(config)

    copy = keras.models.clone_model(generator, clone_function=converted)
    copy.set_weights(generator.get_weights())
    return copy
