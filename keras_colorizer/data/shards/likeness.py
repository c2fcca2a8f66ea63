"""What a photo looks like, in 200 bytes: to find it again, resized or saved.

The difference hash says of 8 x 8 places whether it gets brighter to the right.
It is nearly the same after resizing and recompressing, but all sunsets over
the sea share it, too: hence 8 x 8 mean colors beside it.

Source:
    Krawetz, "Kind of Like That" (2013), the hash that the package ImageHash
    calls `dhash`.
"""

import numpy as np
from PIL import Image

SIDE = 8


def difference_hash(rgb: np.ndarray) -> int:
    """Returns 64 bits, row by row, the first one the highest.

    Args:
        rgb: `(height, width, 3)` uint8.
    """
    grey = Image.fromarray(rgb).convert("L")
    small = grey.resize((SIDE + 1, SIDE), Image.Resampling.LANCZOS)
    levels = np.asarray(small)
    bits = np.packbits(levels[:, 1:] > levels[:, :-1])
    return int.from_bytes(bits.tobytes(), "big")


def thumbnail(rgb: np.ndarray) -> np.ndarray:
    """Returns `(8, 8, 3)` uint8, the mean colors of as many parts.

    Args:
        rgb: `(height, width, 3)` uint8.
    """
    small = Image.fromarray(rgb).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small)
