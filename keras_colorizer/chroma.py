"""The network's small ab, at the photo's size, under the photo's own L*.

Pixels are converted in chunks of one fixed length: memory does not grow with
the photo, and the conversion is compiled once, whatever the sizes of photos.
"""

import numpy as np
import tensorflow as tf

from keras_colorizer import color

CHUNK = 2**18  # Pixels. Its temporary arrays stay near the processor's cache.
OVERSAMPLING = 4


def photo_lightness(pixels: np.ndarray) -> np.ndarray:
    """Returns a photo's own L*.

    Args:
        pixels: `(h, w, 3)` uint8 sRGB, or `(h, w)` uint8 or uint16 grey.

    Returns:
        `(h, w, 1)` float32 L* in [0, 100].
    """
    if pixels.ndim == 2:
        # As many values as levels: a table, exact for 16 bits, too.
        levels = np.linspace(0, 1, np.iinfo(pixels.dtype).max + 1)
        greys = np.repeat(levels[:, None], 3, axis=1).astype("float32")
        return color.rgb_to_lightness(greys).numpy()[pixels]
    flat = pixels.reshape(-1, 3)
    lightness = np.empty((len(flat), 1), "float32")
    for start in range(0, len(flat), CHUNK):
        chunk = slice(start, start + CHUNK)
        lightness[chunk] = _in_chunk(_lightness_of_chunk, flat[chunk])
    return lightness.reshape(*pixels.shape[:2], 1)


def network_view(lightness: np.ndarray, render_size: int) -> tf.Tensor:
    """Shows a whole photo to the network: squashed to a square.

    Bilinear to 4 times the side, then the mean of 4 x 4: close to an
    antialiased resize, of TFLite's built-in operations alone, so that every
    runtime sees the same.

    Args:
        lightness: `(h, w, 1)` float32 L*.
        render_size: Side of the square in pixels.

    Returns:
        `(1, render_size, render_size, 1)` float32 L*.
    """
    side = OVERSAMPLING * render_size
    enlarged = tf.image.resize(lightness[None], (side, side))
    return tf.nn.avg_pool2d(enlarged, OVERSAMPLING, OVERSAMPLING, "VALID")


def merge(lightness: np.ndarray, ab: tf.Tensor, dtype: type) -> np.ndarray:
    """Puts ab, upsampled bilinearly, under full-size lightness.

    What sRGB cannot show is clipped, which shifts the lightness there.

    Args:
        lightness: `(h, w, 1)` float32 L*.
        ab: `(s, s, 2)` float32, L*a*b* units.
        dtype: `np.uint8` or `np.uint16`, of the result.

    Returns:
        `(h, w, 3)` sRGB over the full range of `dtype`.
    """
    height, width, _ = lightness.shape
    rgb = np.empty((height * width, 3), dtype)
    flat = lightness.reshape(-1, 1)
    white = np.float32(np.iinfo(dtype).max)
    start = 0
    for rows in _upsampled_strips(ab, height, width):
        for part in range(0, len(rows), CHUNK):
            ab_chunk = rows[part : part + CHUNK]
            chunk = slice(start, start + len(ab_chunk))
            lab = np.concatenate([flat[chunk], ab_chunk], axis=1)
            rgb[chunk] = _in_chunk(_levels_of_chunk, lab, white)
            start += len(ab_chunk)
    return rgb.reshape(height, width, 3)


def _upsampled_strips(ab, height, width):
    """Yields ab at full size, `(pixels, 2)`, some rows at a time.

    Bilinear resizing is separable: first all columns, then strips of rows.
    """
    tall = tf.image.resize(ab[None], (height, ab.shape[1]))
    rows = max(1, CHUNK // width)
    for top in range(0, height, rows):
        strip = tall[:, top : top + rows]
        wide = tf.image.resize(strip, (strip.shape[1], width))
        yield wide.numpy().reshape(-1, 2)


def _in_chunk(convert, pixels, *args):
    """Calls a compiled conversion, which takes whole chunks alone."""
    missing = CHUNK - len(pixels)
    if missing:
        pixels = np.pad(pixels, ((0, missing), (0, 0)))
    return convert(pixels, *args).numpy()[: CHUNK - missing]


@tf.function(jit_compile=True)
def _lightness_of_chunk(rgb):
    return color.rgb_to_lightness(rgb)


@tf.function(jit_compile=True)
def _levels_of_chunk(lab, white):
    return tf.cast(tf.round(color.lab_to_rgb(lab) * white), tf.int32)
