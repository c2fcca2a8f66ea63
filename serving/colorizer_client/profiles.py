"""From the colors of a file to 8-bit sRGB, which servers take all files for.

Relative colorimetric with black point compensation, as photo editors do by
default.
"""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.createProfile("sRGB")

# What a PNG can hold in 8 bits.
PLAIN_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
UNSCALED_MODES = ("I", "F")  # Nothing says which of their values is white.
GREY_MODES = ("1", "L", "LA", "La")
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # TIFF 6.0, section 8.

# By how many levels a profile may move colors and still be taken for sRGB.
TOLERANCE = {"L": 0, "RGB": 2, "CMYK": -1}


class UnsupportedPixelsError(ValueError):
    """Nothing is damaged, but no photo is kept in pixels of this kind."""


def in_srgb(image: Image.Image) -> Image.Image:
    """Converts an image to sRGB, of a mode that a PNG can hold in 8 bits.

    A profile that is damaged or made for other channels is left aside: the
    photo is worth more than its profile.

    Args:
        image: Of any mode.

    Returns:
        The image itself, not even decoded, where nothing is to be done.

    Raises:
        UnsupportedPixelsError: For 32-bit integers and floating point.
    """
    if image.mode in UNSCALED_MODES:
        raise UnsupportedPixelsError(
            "32-bit and floating-point pixels do not say what white is; save"
            " it with 8 or 16 bits a channel"
        )
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        image = _eight_bit(image)
    converted = _converted(image, profile) if profile else image
    if converted.mode in PLAIN_MODES:
        return converted
    has_alpha = converted.has_transparency_data
    return converted.convert("RGBA" if has_alpha else "RGB")


def _eight_bit(image):
    levels = np.asarray(image).astype(np.uint32)
    if getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO:
        levels = 65535 - levels
    return Image.fromarray(((levels + 128) // 257).astype(np.uint8))


def _converted(image, profile):
    mode = "L" if image.mode in GREY_MODES else "RGB"
    mode = "CMYK" if image.mode == "CMYK" else mode
    transform, channels = _transform(profile, mode)
    if transform is None:
        return image
    rgb = transform.apply(image.convert(mode).convert(channels))
    shown = rgb.convert("L") if mode == "L" else rgb
    if image.has_transparency_data:
        shown.putalpha(image.convert("RGBA").getchannel("A"))
    return shown


@lru_cache(maxsize=16)
def _transform(profile, mode):
    """What to apply, and to which mode; None if nothing is to be done.

    Grey files carry grey profiles or RGB ones.
    """
    for channels in ("L", "RGB") if mode == "L" else (mode,):
        try:
            transform = ImageCms.buildTransform(
                BytesIO(profile),
                SRGB,
                channels,
                "RGB",
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except (ImageCms.PyCMSError, OSError):
            continue
        if _change(transform, mode, channels) > TOLERANCE[mode]:
            return transform, channels
        break
    return None, mode


def _change(transform, mode, channels):
    """By how many levels it moves greys and, in RGB, pure colors at most."""
    ramp = np.arange(256, dtype=np.uint8)
    probe = np.zeros((4, 256, 3), np.uint8)
    for channel in range(3):
        probe[[channel, 3], :, channel] = ramp
    probe = probe[3:] if mode == "L" else probe
    image = Image.fromarray(probe)
    moved = np.asarray(transform.apply(image.convert(channels)))
    return np.abs(moved.astype(np.int16) - probe).max()
