"""sRGB to and from CIE L*a*b*, in TensorFlow ops (D65, 2 degree observer).

Sources: IEC 61966-2-1:1999 for the sRGB transfer curve, CIE 15:2004 for
L*a*b*. Everything here is float32, whatever the mixed-precision policy: half
a level of 8 bits is less than float16 or bfloat16 can tell apart.
"""

import numpy as np
import tensorflow as tf

# ITU-R BT.709 primaries and D65, to the six digits scikit-image uses.
XYZ_FROM_RGB = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
# Divided by the matrix's own white, so that neutral greys have a* = b* = 0.
WHITENED_FROM_RGB = XYZ_FROM_RGB / XYZ_FROM_RGB.sum(axis=1, keepdims=True)
RGB_FROM_WHITENED = np.linalg.inv(WHITENED_FROM_RGB)

# L* = 116 y - 16, a* = 500 (x - y), b* = 200 (y - z), of cube roots x, y, z.
LAB_FROM_ROOTS = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]])
LIGHTNESS_OFFSET = 16.0

# Where a curve meets the straight line below it.
DECODED_JOIN, ENCODED_JOIN = 0.04045, 0.0031308  # IEC 61966-2-1
DELTA = 6 / 29  # CIE 15:2004


def rgb_to_lab(rgb: tf.Tensor) -> tf.Tensor:
    """Converts sRGB to L*a*b*.

    Args:
        rgb: `(..., 3)` gamma-encoded sRGB, uint8 in [0, 255] or floating
            point in [0, 1].

    Returns:
        `(..., 3)` float32, L*a*b* units. L* is in [0, 100]; over the sRGB
        gamut a* is in [-86.2, 98.3] and b* in [-107.9, 94.5].

    Raises:
        TypeError: If `rgb` is of another integer type: its white is unknown.

    Example:
        >>> rgb_to_lab([1.0, 0.0, 0.0]).numpy().round(1)
        array([53.2, 80.1, 67.2], dtype=float32)
    """
    roots = _cube_root(_transformed(_linear(rgb), WHITENED_FROM_RGB))
    return _transformed(roots, LAB_FROM_ROOTS) - [LIGHTNESS_OFFSET, 0.0, 0.0]


def rgb_to_lightness(rgb: tf.Tensor) -> tf.Tensor:
    """Converts sRGB to L* alone, the first channel of `rgb_to_lab`.

    Args:
        rgb: `(..., 3)` as for `rgb_to_lab`.

    Returns:
        `(..., 1)` float32 L* in [0, 100].
    """
    return _lightness(_transformed(_linear(rgb), WHITENED_FROM_RGB[1:2]))


def film_lightness(rgb: tf.Tensor, sensitivity: tf.Tensor) -> tf.Tensor:
    """Converts sRGB to the L* that a black-and-white film makes of it.

    Args:
        rgb: `(..., 3)` as for `rgb_to_lab`.
        sensitivity: `(..., 3)` float32, the film's to linear red, green and
            blue light, with a sum of 1.

    Returns:
        `(..., 1)` float32 L* in [0, 100].
    """
    exposure = tf.reduce_sum(_linear(rgb) * sensitivity, -1, keepdims=True)
    return _lightness(exposure)


def lab_to_rgb(lab: tf.Tensor) -> tf.Tensor:
    """Converts L*a*b* to sRGB, clipping what the sRGB gamut cannot show.

    Args:
        lab: `(..., 3)` floating point, L*a*b* units, L* in [0, 100].

    Returns:
        `(..., 3)` float32 in [0, 1], gamma-encoded.

    Example:
        >>> lab_to_rgb([53.39, 0.0, 0.0]).numpy().round(2)
        array([0.5, 0.5, 0.5], dtype=float32)
    """
    channels = tf.unstack(tf.cast(lab, tf.float32), axis=-1)
    return tf.stack(rgb_channels(*channels), axis=-1)


def rgb_channels(
    lightness: tf.Tensor, a: tf.Tensor, b: tf.Tensor
) -> list[tf.Tensor]:
    """Converts as `lab_to_rgb`, with each channel as a tensor of its own.

    Kernels work on many neighbors at a time: pixels here, three channels there.

    Args:
        lightness: float32 L*, of any shape.
        a: float32 a*, of the same shape.
        b: float32 b*, of the same shape.

    Returns:
        Red, green and blue, float32 in [0, 1].
    """
    y = (lightness + LIGHTNESS_OFFSET) / 116
    x, y, z = (_cube(root) for root in (y + a / 500, y, y - b / 200))
    return [
        tf.clip_by_value(_gamma_encoded(to_x * x + to_y * y + to_z * z), 0, 1)
        for to_x, to_y, to_z in RGB_FROM_WHITENED.astype("float32")
    ]


def _transformed(channels: tf.Tensor, matrix: np.ndarray) -> tf.Tensor:
    matrix = matrix.T.astype("float32")
    if channels.shape.rank == 1:
        return tf.linalg.matmul(channels[None], matrix)[0]
    return tf.linalg.matmul(channels, matrix)


def _linear(rgb: tf.Tensor) -> tf.Tensor:
    rgb = tf.convert_to_tensor(rgb)
    if rgb.dtype == tf.uint8:
        # 256 possible values: a table is several times faster than a power.
        return tf.gather(LINEAR_OF_LEVEL, tf.cast(rgb, tf.int32))
    if not rgb.dtype.is_floating:
        raise TypeError(
            "`rgb` must be uint8 or floating point in [0, 1]. "
            f"Received: {rgb.dtype.name}"
        )
    return _gamma_decoded(tf.cast(rgb, tf.float32))


def _lightness(luminance: tf.Tensor) -> tf.Tensor:
    return 116 * _cube_root(luminance) - LIGHTNESS_OFFSET


# The functions below are curves above a join and straight lines below it:
# curve(max(t, join)) + slope * min(t - join, 0). Beside `tf.where`, whose
# dropped branch sends NaN into the gradient, this is also what phones run
# without leaving their fast kernels. Powers are spelled exp(log(t) / n), which
# is several times faster than pow.


def _gamma_decoded(rgb: tf.Tensor) -> tf.Tensor:
    curve = _power((tf.maximum(rgb, DECODED_JOIN) + 0.055) / 1.055, 2.4)
    return curve + tf.minimum(rgb - DECODED_JOIN, 0) / 12.92


def _gamma_encoded(rgb: tf.Tensor) -> tf.Tensor:
    curve = 1.055 * _power(tf.maximum(rgb, ENCODED_JOIN), 1 / 2.4) - 0.055
    return curve + 12.92 * tf.minimum(rgb - ENCODED_JOIN, 0)


def _cube_root(t: tf.Tensor) -> tf.Tensor:
    curve = _power(tf.maximum(t, DELTA**3), 1 / 3)
    return curve + tf.minimum(t - DELTA**3, 0) / (3 * DELTA**2)


def _cube(t: tf.Tensor) -> tf.Tensor:
    above = tf.maximum(t, DELTA)
    return above * above * above + 3 * DELTA**2 * tf.minimum(t - DELTA, 0)


def _power(t: tf.Tensor, exponent: float) -> tf.Tensor:
    return tf.exp(exponent * tf.math.log(t))


def _linear_levels() -> np.ndarray:
    levels = np.arange(256) / 255
    curve = ((levels + 0.055) / 1.055) ** 2.4
    line = levels / 12.92
    return np.where(levels > DECODED_JOIN, curve, line).astype("float32")


LINEAR_OF_LEVEL = _linear_levels()
