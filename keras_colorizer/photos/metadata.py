"""Orientation, EXIF and resolution of a file.

Where they are damaged or missing the photo is read without them: nothing here
raises.
"""

from typing import Any

import numpy as np
from PIL import ExifTags, Image

ORIENTATION = ExifTags.Base.Orientation

# Tags about the photo, not about the layout of the file it was in. The
# thumbnail is left behind: it would show the photo as it was.
TEXT_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.HostComputer,
    ExifTags.Base.Copyright,
)
KEPT_IFDS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
COLOR_SPACE_SRGB = {ExifTags.Base.ColorSpace: 1}
LONGEST_EXIF = 65_533  # What a JPEG marker holds.

# Orientation to (swap the axes, step down, step right): CIPA DC-008, 4.6.5.1.
TURNS = {
    1: (False, 1, 1),
    2: (False, 1, -1),
    3: (False, -1, -1),
    4: (False, -1, 1),
    5: (True, 1, 1),
    6: (True, 1, -1),
    7: (True, -1, -1),
    8: (True, -1, 1),
}


def upright(layer: Image.Image, image: Image.Image) -> np.ndarray:
    """Pixels turned and mirrored as the orientation of their photo says.

    Args:
        layer: The image, or a layer of it.
        image: The photo, decoded: Pillow turns TIFFs by itself while decoding
            and then forgets the orientation.

    Returns:
        `(height, width)` or `(height, width, 3)`; quarter turns exchange the
        sides of the layer.
    """
    swapped, down, right = TURNS[_orientation(image)]
    pixels = np.asarray(layer)
    if swapped:
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(pixels[::down, ::right])


def kept_exif(image: Image.Image) -> bytes | None:
    """The EXIF of a decoded image that still holds for upright sRGB pixels."""
    try:
        exif = image.getexif()
        kept = Image.Exif()
        kept.update({tag: exif[tag] for tag in TEXT_TAGS if tag in exif})
        for ifd in KEPT_IFDS:
            if tags := dict(exif.get_ifd(ifd)):
                kept[ifd] = _in_srgb(tags) if ifd == ExifTags.IFD.Exif else tags
        encoded = kept.tobytes()
    except Exception:  # Pillow has no closed list of errors for damaged EXIF.
        return None
    return encoded if kept and len(encoded) <= LONGEST_EXIF else None


def resolution(image: Image.Image) -> tuple[float, float] | None:
    """Horizontal and vertical dots per inch, where a file names plausible ones.

    Pillow reports 0 or 1 for files that name none; JPEG holds up to 65,535.
    """
    try:
        horizontal, vertical = (float(dots) for dots in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    plausible = 1 < horizontal <= 65_535 and 1 < vertical <= 65_535
    return (horizontal, vertical) if plausible else None


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # As in `kept_exif`.
        return 1
    return orientation if orientation in TURNS else 1


def _in_srgb(tags: dict[int, Any]) -> dict[int, Any]:
    tags.pop(ExifTags.IFD.Interop, None)  # Names the color space once more.
    return tags | COLOR_SPACE_SRGB
