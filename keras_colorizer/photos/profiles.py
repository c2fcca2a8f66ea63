"""Conversion from the ICC profile of a file to sRGB.

Relative colorimetric with black point compensation, as photo editors do by
default: colors that sRGB holds stay exact, white stays white, black black.
"""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.createProfile("sRGB")
INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION

# A profile that moves no color of the probe further is taken for sRGB.
SRGB_TOLERANCE = 2


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Converts an image to sRGB.

    A profile that is damaged or made for other channels is ignored.

    Args:
        image: Mode "L", "I;16", "RGB" or "CMYK".
        profile: The file's ICC profile, if it has one.

    Returns:
        Grey of the same mode for grey, else mode "RGB"; the image itself,
        whatever its mode, where no conversion is known or needed.
    """
    if not isinstance(profile, bytes):
        return image
    if image.mode in ("L", "I;16"):
        curve = _grey_curve(profile)
        return image if curve is None else _apply_curve(image, curve)
    transform = _transform(profile, image.mode)
    return image if transform is None else transform.apply(image)


@lru_cache(maxsize=16)
def _grey_curve(profile: bytes) -> np.ndarray | None:
    """256 sRGB-encoded levels of a ramp of the profile's grey, or None."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    for mode in ("L", "RGB"):
        if transform := _transform(profile, mode):
            levels = transform.apply(ramp.convert(mode)).convert("L")
            return np.asarray(levels)[0]
    return None


def _apply_curve(image: Image.Image, curve: np.ndarray) -> Image.Image:
    if image.mode == "L":
        return image.point(curve.tolist())
    knots = np.arange(256) * 257
    table = np.rint(np.interp(np.arange(65536), knots, curve * 257.0))
    return Image.fromarray(table.astype(np.uint16)[np.asarray(image)])


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        transform = ImageCms.buildTransform(
            BytesIO(profile), SRGB, mode, "RGB", INTENT, FLAGS
        )
    except (ImageCms.PyCMSError, OSError):
        return None
    return None if mode == "RGB" and _changes_nothing(transform) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    ramp = np.arange(256, dtype=np.uint8)
    probe = np.zeros((4, 256, 3), np.uint8)  # Red, green, blue and grey.
    for channel in range(3):
        probe[[channel, 3], :, channel] = ramp
    converted = np.asarray(transform.apply(Image.fromarray(probe)))
    moved = np.abs(converted.astype(np.int16) - probe)
    return moved.max() <= SRGB_TOLERANCE
