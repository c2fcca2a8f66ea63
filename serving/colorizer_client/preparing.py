"""What is sent of a photo: upright, in sRGB, small enough, a format they take.

Servers take pixels as they are stored: they turn no photo and apply no
profile.
"""

from dataclasses import dataclass
from io import BytesIO
from math import sqrt

from PIL import Image

from colorizer_client.opening import (
    PhotoSource,
    kept_exif,
    opened,
    orientation,
    resolution,
)
from colorizer_client.profiles import in_srgb

# By Pillow's names; MPO files are JPEGs with more pictures after the first.
SENT_FORMATS = ("JPEG", "MPO", "PNG", "WEBP")

# EXIF orientation to what makes it upright: CIPA DC-008, section 4.6.5.1.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

PNG_OPTIONS = {"compress_level": 2}  # 6, the default, takes 4 times as long.
JPEG_OPTIONS = {"quality": 95, "subsampling": 0}
LONGEST_JPEG_SIDE = 65_500  # libjpeg-turbo


@dataclass(frozen=True)
class PreparedPhoto:
    r"""A photo to send, and what of it does not go through the server.

    Attributes:
        file: The bytes to send, a JPEG, PNG or WebP.
        size: Width and height of what is sent.
        is_reduced: Whether the photo itself has more pixels.
        whole: The photo, upright and in sRGB, if it is reduced and its result
            shall not be; else None.
        exif: `Exif\0\0` and the TIFF structure, without the orientation; or
            None.
        dpi: Horizontal and vertical dots per inch, or None.
    """

    file: bytes
    size: tuple[int, int]
    is_reduced: bool
    whole: Image.Image | None
    exif: bytes | None
    dpi: tuple[float, float] | None


def prepare(
    source: PhotoSource, *, max_pixels: int, full_resolution: bool
) -> PreparedPhoto:
    """Reads a photo and encodes what is to be sent.

    Files that a server takes as they are go as they are, byte for byte; all
    that has to be turned or converted becomes a PNG, so that nothing is lost;
    only what is reduced anyway becomes a JPEG.

    Args:
        source: A path, the bytes of a file, or a Pillow image.
        max_pixels: What has more is reduced to that.
        full_resolution: Whether results shall have all pixels of the photo.

    Raises:
        PhotoError: If it is missing, not a photo, or damaged.
    """
    with opened(source) as (image, file):
        if image.format == "TIFF":
            image.load()  # Which turns it, and forgets the orientation.
        shown = in_srgb(image)
        if (turn := TURNS.get(orientation(image))) is not None:
            shown = shown.transpose(turn)
        is_reduced = shown.width * shown.height > max_pixels
        whole = shown if is_reduced and full_resolution else None
        sent = shown if whole is None else opaque(whole)
        sent = _reduced(sent, max_pixels) if is_reduced else sent
        goes_as_it_is = sent is image and _is_taken(image)
        return PreparedPhoto(
            file=file if file and goes_as_it_is else _encoded(sent, is_reduced),
            size=sent.size,
            is_reduced=is_reduced,
            whole=whole,
            exif=kept_exif(image),
            dpi=resolution(image),
        )


def opaque(image: Image.Image) -> Image.Image:
    """Leaves out the alpha: the same image in mode "L" or "RGB"."""
    return image if image.mode == "L" else image.convert("RGB")


def _is_taken(image):
    is_animated = getattr(image, "is_animated", False)
    return image.format in SENT_FORMATS and not (
        image.format == "WEBP" and is_animated
    )


def _reduced(image, max_pixels):
    width, height = image.size
    scale = sqrt(max_pixels / (width * height))
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    if image.mode in ("1", "P"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image.resize(size, Image.Resampling.LANCZOS)


def _encoded(image, is_reduced):
    buffer = BytesIO()
    may_lose = is_reduced and image.mode in ("L", "RGB")
    if may_lose and max(image.size) <= LONGEST_JPEG_SIDE:
        image.save(buffer, "JPEG", **JPEG_OPTIONS)
    else:
        image.save(buffer, "PNG", **PNG_OPTIONS)
    return buffer.getvalue()
