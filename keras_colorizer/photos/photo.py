"""Photos in memory, and the layers of pixels that they are made from."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from keras_colorizer.photos.metadata import Metadata
from keras_colorizer.photos.profiles import to_srgb

MAX_PIXELS = 100_000_000

# In levels of 255. Grey photos saved as RGB JPEGs measure 0.0 at qualities
# 20 to 90, the palest of 250 color photos 6.1.
COLORED_SPREAD = 4.0

# The mode that holds the colors of another one; "RGB" for those not named.
OPAQUE_MODES = {"1": "L", "L": "L", "LA": "L", "La": "L", "CMYK": "CMYK"}
GREY_16_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
PNG_GREY_ALPHA_16 = "LA;16B"  # Pillow decodes these to mode "RGBA".
UNSCALED_MODES = ("I", "F")  # Nothing says which of their values is white...
SCALED_FORMAT = "PPM"  # ... but of this Pillow makes the full range of 16 bits.
BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262  # TIFF 6.0, section 8.
WHITE_IS_ZERO = 0


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


class UnsupportedPixelsError(ValueError):
    """The file is whole, but holds pixels of an unsupported kind."""


@dataclass(frozen=True)
class Layers:
    """Pixels and alpha of a photo.

    Attributes:
        image: Any mode as opened; "L", "I;16" or "RGB" once in sRGB.
        alpha: Mode "L" or "I;16", of the same size; or None.
    """

    image: Image.Image
    alpha: Image.Image | None = None


def array_layers(pixels: np.ndarray) -> Layers:
    """Layers of an array; 16-bit colors are rounded to 8 bits.

    Args:
        pixels: uint8 or uint16, `(height, width)` or `(height, width, n)` for
            n from 1 to 4: grey, grey and alpha, RGB, RGB and alpha.

    Raises:
        UnsupportedPixelsError: For any other dtype or shape.
    """
    shape = (*pixels.shape, 1) if pixels.ndim == 2 else pixels.shape
    native = pixels.dtype.newbyteorder("=")
    if (
        native not in (np.uint8, np.uint16)
        or len(shape) != 3
        or shape[2] not in (1, 2, 3, 4)
        or 0 in shape
    ):
        raise UnsupportedPixelsError(
            "pixels must be uint8 or uint16, (height, width) or (height,"
            " width, 1 to 4) and not empty."
            f" Received: {pixels.dtype} {pixels.shape}"
        )
    channels = pixels.reshape(shape).astype(native)
    image = channels[..., 0] if shape[2] < 3 else to_uint8(channels[..., :3])
    alpha = None if shape[2] % 2 else Image.fromarray(channels[..., -1])
    return Layers(Image.fromarray(image), alpha)


def srgb_layers(layers: Layers) -> Layers:
    """Decodes, splits off the alpha and converts to "L", "I;16" or "RGB".

    Raises:
        UnsupportedPixelsError: For 32-bit integers and floating point.
    """
    image = layers.image
    if image.mode == "I" and image.format == SCALED_FORMAT:
        levels = np.asarray(image).astype(np.uint16)
        return Layers(Image.fromarray(levels))
    if image.mode in UNSCALED_MODES:
        raise UnsupportedPixelsError(
            "32-bit and floating-point pixels do not say what white is; save"
            " it with 8 or 16 bits a channel"
        )
    info = image.info
    gamma = None if "srgb" in info else info.get("gamma")
    layers = _separated(layers)
    image = to_srgb(layers.image, info.get("icc_profile"), gamma=gamma)
    if image.mode == "CMYK":
        image = image.convert("RGB")
    return Layers(image, layers.alpha)


def on_white(layers: Layers) -> Image.Image:
    """Composes a photo over white, in 8 bits.

    Args:
        layers: In sRGB, of any depth.

    Returns:
        Mode "L" or "RGB".
    """
    image = _eight_bit(layers.image)
    if layers.alpha is None:
        return image
    white = Image.new(image.mode, image.size, "white")
    return Image.composite(image, white, _eight_bit(layers.alpha))


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


def _separated(layers: Layers) -> Layers:
    image, alpha = layers.image, layers.alpha
    if image.mode in GREY_16_MODES:
        return _separated_grey_16(image, alpha)
    is_grey = _has_grey_colors(image)
    mode = "L" if is_grey else OPAQUE_MODES.get(image.mode, "RGB")
    if image.has_transparency_data:
        image = image.convert("LA" if mode == "L" else "RGBA")
        alpha = image.getchannel("A")
    return Layers(image if image.mode == mode else image.convert(mode), alpha)


def _has_grey_colors(image: Image.Image) -> bool:
    """Whether a mode made for colors holds greys only; before decoding."""
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
        return not np.ptp(palette, axis=1).any()
    tiles = getattr(image, "tile", ())
    return any(tile.args == PNG_GREY_ALPHA_16 for tile in tiles)


def _separated_grey_16(image: Image.Image, alpha: Image.Image | None) -> Layers:
    levels = np.asarray(image).astype(np.uint16)
    if "transparency" in image.info:
        opaque = levels != image.info["transparency"]
        alpha = Image.fromarray(opaque).convert("L")
    tags = getattr(image, "tag_v2", {})
    if tags.get(BITS_PER_SAMPLE) == (12,):
        levels = np.rint(levels * (65535 / 4095)).astype(np.uint16)
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        levels = 65535 - levels
    return Layers(Image.fromarray(levels), alpha)


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode != "I;16":
        return image
    return Image.fromarray(to_uint8(np.asarray(image)))
