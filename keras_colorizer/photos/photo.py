"""A photo in memory: upright sRGB pixels, alpha and metadata."""

from dataclasses import dataclass

import numpy as np

from keras_colorizer.photos.metadata import Metadata

MAX_PIXELS = 100_000_000

# In levels of 255. Grey photos saved as RGB JPEGs measure 0.0 at qualities
# 20 to 90, the palest of 250 color photos 6.1.
COLORED_SPREAD = 4.0


@dataclass(frozen=True)
class Photo:
    """A photo as read, or as it shall be written.

    Attributes:
        pixels: `(height, width, 3)` uint8 sRGB, or `(height, width)` uint8 or
            uint16 sRGB-encoded grey over the full range of the dtype. Writing
            takes `(height, width, 3)` uint16 too.
        alpha: `(height, width)` uint8 or uint16, 0 is transparent; or None.
        metadata: EXIF, captions and comments; the orientation is 1, since
            the pixels follow it already.
        dpi: Horizontal and vertical dots per inch, or None.
        format: Pillow's name of the file's format, such as "JPEG"; None for
            arrays and images made in memory.
        pages: Number of pages or frames in the file, without small copies.
        is_cut_off: Whether the file, a JPEG, lacks its end, but no pixel.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    metadata: Metadata = Metadata()
    dpi: tuple[float, float] | None = None
    format: str | None = None
    pages: int = 1
    is_cut_off: bool = False

    @property
    def height(self) -> int:
        """In pixels."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """In pixels."""
        return self.pixels.shape[1]

    @property
    def is_colored(self) -> bool:
        """Whether the channels differ by more than a scan's or JPEG's noise.

        True when the largest minus the smallest channel, averaged over at
        most 512 x 512 evenly spread pixels, exceeds `COLORED_SPREAD`.
        """
        if self.pixels.ndim == 2:
            return False
        step = -(-max(self.height, self.width) // 512)
        sample = to_uint8(self.pixels[::step, ::step])
        return np.ptp(sample, axis=-1).mean() > COLORED_SPREAD


def to_uint8(levels: np.ndarray) -> np.ndarray:
    """Rounds 16 bits to 8: 65535 is 257 times 255.

    Args:
        levels: uint8, returned as it is, or uint16; any shape.

    Returns:
        uint8, of the same shape.
    """
    if levels.dtype == np.uint8:
        return levels
    return ((levels.astype(np.uint32) + 128) // 257).astype(np.uint8)
