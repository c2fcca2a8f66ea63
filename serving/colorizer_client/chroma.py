"""The chroma of a reduced photo, put under the lightness of the whole one.

sRGB (IEC 61966-2-1:1999) to and from CIE L*a*b* (CIE 15:2004; D65), in NumPy.
Row by row: whole photos in floating point would take gigabytes.
"""

import numpy as np
from PIL import Image

# ITU-R BT.709 primaries and D65, divided by the white: greys have no chroma.
XYZ_FROM_RGB = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
XYZ_FROM_RGB /= XYZ_FROM_RGB.sum(axis=1, keepdims=True)
RGB_FROM_XYZ = np.linalg.inv(XYZ_FROM_RGB).astype(np.float32)
XYZ_FROM_RGB = XYZ_FROM_RGB.astype(np.float32)

DECODED_JOIN, ENCODED_JOIN = 0.04045, 0.0031308  # IEC 61966-2-1
DELTA = 6 / 29  # CIE 15:2004

LEVELS = np.arange(256, dtype=np.float32) / 255
LINEAR_OF_LEVEL = np.where(
    LEVELS > DECODED_JOIN, ((LEVELS + 0.055) / 1.055) ** 2.4, LEVELS / 12.92
).astype(np.float32)

STRIP = 1 << 20  # Pixels in work at a time: about 50 MB.


def merged(whole: Image.Image, colored: Image.Image) -> Image.Image:
    """Colors a photo with the chroma of a smaller version of it.

    ab is upsampled bilinearly. What sRGB cannot show is clipped.

    Args:
        whole: Mode "L" or "RGB"; of its colors only the lightness is used.
        colored: Mode "RGB", of the same view in any size.

    Returns:
        Mode "RGB", of the size of `whole`.
    """
    lightness_of, chroma_of = np.asarray(whole), np.asarray(colored)
    height, width = lightness_of.shape[:2]
    columns = _neighbours(chroma_of.shape[1], width, 0, width)
    result = np.empty((height, width, 3), np.uint8)
    rows_at_once = max(1, STRIP // width)
    for top in range(0, height, rows_at_once):
        strip = lightness_of[top : top + rows_at_once]
        rows = _neighbours(chroma_of.shape[0], height, top, len(strip))
        ab = _upsampled(chroma_of, rows, columns)
        result[top : top + rows_at_once] = _rgb(_luminance_root(strip), ab)
    return Image.fromarray(result)


def _neighbours(small, large, start, count):
    """Which two of the small samples each large one lies between, and where.

    Samples are the middles of pixels; beyond the outermost, these go on.
    """
    middles = (np.arange(start, start + count) + 0.5) * (small / large) - 0.5
    middles = np.clip(middles, 0, small - 1)
    before = np.floor(middles).astype(np.intp)
    after = np.minimum(before + 1, small - 1)
    return before, after, (middles - before).astype(np.float32)


def _upsampled(colored, rows, columns):
    above, below, row_weights = rows
    first = above[0]
    ab = _ab(colored[first : below[-1] + 1])
    weights = row_weights[:, None, None]
    ab = ab[above - first] * (1 - weights) + ab[below - first] * weights
    left, right, column_weights = columns
    weights = column_weights[None, :, None]
    return ab[:, left] * (1 - weights) + ab[:, right] * weights


def _ab(rgb):
    x, y, z = np.moveaxis(_root(LINEAR_OF_LEVEL[rgb] @ XYZ_FROM_RGB.T), -1, 0)
    return np.stack([500 * (x - y), 200 * (y - z)], axis=-1)


def _luminance_root(pixels):
    """(L* + 16) / 116."""
    linear = LINEAR_OF_LEVEL[pixels]
    return _root(linear if linear.ndim == 2 else linear @ XYZ_FROM_RGB[1])


def _rgb(root, ab):
    a, b = ab[..., 0], ab[..., 1]
    roots = np.stack([root + a / 500, root, root - b / 200], axis=-1)
    return _levels(_cube(roots) @ RGB_FROM_XYZ.T)


def _root(t):
    line = t / (3 * DELTA**2) + 4 / 29
    return np.where(t > DELTA**3, np.cbrt(t), line)


def _cube(t):
    return np.where(t > DELTA, t * t * t, 3 * DELTA**2 * (t - 4 / 29))


def _levels(linear):
    linear = np.clip(linear, 0, 1)
    curve = 1.055 * linear ** np.float32(1 / 2.4) - 0.055
    encoded = np.where(linear > ENCODED_JOIN, curve, 12.92 * linear)
    return np.rint(255 * encoded).astype(np.uint8)
