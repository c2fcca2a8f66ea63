"""Conversion from the ICC profile of a file to sRGB.

Relative colorimetric with black point compensation, as photo editors do by
default: colors that sRGB holds stay exact, white stays white, black black.
"""

import struct
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.createProfile("sRGB")
INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION

# A profile that moves no color of the probe further is taken for sRGB.
SRGB_TOLERANCE = 2
NO_GAMMA = 0.05  # As in libpng; more is a difference.

RAMP = np.linspace(0, 1, 65536)
CURVES = {b"GRAY": b"kTRC", b"RGB ": b"rTRC"}  # By the profile's colors.


def to_srgb(
    image: Image.Image, profile: bytes | None, *, gamma: float | None = None
) -> Image.Image:
    """Converts an image to sRGB.

    A profile that is damaged or made for other channels is ignored.

    Args:
        image: Mode "L", "I;16", "RGB" or "CMYK".
        profile: The file's ICC profile, if it has one.
        gamma: Of a PNG without one: the exponent that encoded it.

    Returns:
        Grey of the same mode for grey, else mode "RGB"; the image itself,
        whatever its mode, where no conversion is known or needed.
    """
    curve = None
    if not isinstance(profile, bytes):
        curve = _gamma_curve(gamma) if image.mode != "CMYK" else None
    elif image.mode in ("L", "I;16"):
        curve = _grey_curve(profile)
    elif transform := _transform(profile, image.mode):
        return transform.apply(image)
    return image if curve is None else _apply_curve(image, curve)


def _gamma_curve(gamma: float | None) -> np.ndarray | None:
    """As `_grey_curve`; a gamma of 1 / 2.2 stands for sRGB in PNGs."""
    if not gamma or abs(gamma * 2.2 - 1) < NO_GAMMA:
        return None
    return _srgb_encoded(RAMP ** (1 / gamma))


@lru_cache(maxsize=16)
def _grey_curve(profile: bytes) -> np.ndarray | None:
    """sRGB-encoded levels, in [0, 1], of 65,536 of the profile's grey.

    From 8 bits, as Pillow offers, the shadows of linear scans would be wrong
    by 10 of 255 levels.
    """
    try:
        curve = _srgb_encoded(_luminance(profile))
    except (ArithmeticError, KeyError, ValueError, struct.error):
        return _ramp_curve(profile)
    moved = 255 * np.abs(curve - RAMP).max()
    return None if moved <= SRGB_TOLERANCE else curve


def _luminance(profile: bytes) -> np.ndarray:
    """Y in [0, 1] of `RAMP`, by the tone curve of grey or of red.

    Raises:
        KeyError, ValueError, struct.error: If the profile is damaged, or not
            of the kind that has such curves.
    """
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = struct.iter_unpack(">4s2I", profile[132 : 132 + 12 * count])
    tags = {
        name: profile[start : start + size] for name, start, size in entries
    }
    if b"A2B0" in tags:
        raise ValueError("colors are in a table")
    levels = _tone_curve(tags[CURVES[profile[16:20]]])
    if profile[20:24] == b"Lab ":
        lightness = 100 * levels
        levels = np.where(
            lightness > 8, ((lightness + 16) / 116) ** 3, lightness * 27 / 24389
        )
    black = levels.min()
    return (levels - black) / (1 - black)


def _tone_curve(tag: bytes) -> np.ndarray:
    """Evaluates `RAMP` under a curve: ICC.1:2022, 10.6 and 10.18."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        table = np.array(struct.unpack_from(f">{count}H", tag, 12))
        if count > 1:
            return np.interp(RAMP, np.linspace(0, 1, count), table / 65535)
        return RAMP ** (table[0] / 256) if count else RAMP
    (kind,) = struct.unpack_from(">H", tag, 8)
    counts = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
    numbers = struct.unpack_from(f">{counts[kind]}i", tag, 12)
    g, a, b, c, d, e, f = (*(n / 65536 for n in numbers), *7 * [0.0])[:7]
    if kind == 0:
        a = 1.0
    if kind in (1, 2):
        c, d, e, f = 0.0, -b / a, c, c
    power = np.maximum(a * RAMP + b, 0) ** g
    return np.where(d <= RAMP, power + e, c * RAMP + f)


def _srgb_encoded(linear: np.ndarray) -> np.ndarray:
    """Encodes [0, 1] as IEC 61966-2-1 does."""
    linear = np.clip(linear, 0, 1)
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear > 0.0031308, curve, 12.92 * linear)


def _ramp_curve(profile: bytes) -> np.ndarray | None:
    """As `_grey_curve`, by way of 256 levels, of profiles that are tables."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    for mode in ("L", "RGB"):
        if transform := _transform(profile, mode):
            levels = transform.apply(ramp.convert(mode)).convert("L")
            knots = np.linspace(0, 1, 256)
            return np.interp(RAMP, knots, np.asarray(levels)[0] / 255)
    return None


def _apply_curve(image: Image.Image, curve: np.ndarray) -> Image.Image:
    if image.mode == "I;16":
        table = np.rint(65535 * curve).astype(np.uint16)
        return Image.fromarray(table[np.asarray(image)])
    levels = np.rint(255 * curve[::257]).astype(int).tolist()
    return image.point(levels * len(image.getbands()))


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
