"""From a photo of any format to the small JPEG that training reads."""

from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from keras_colorizer.data.near_duplicates import Likeness
from keras_colorizer.data.small_folder import SmallPhotoSettings
from keras_colorizer.data.survey import check_color
from keras_colorizer.errors import PhotoError
from keras_colorizer.files import whole_file
from keras_colorizer.photos import read_rgb

LONGEST_SIDE = 65_500  # Of a JPEG, in pixels.


def make_small_photo(
    content: Path | bytes, target: Path, settings: SmallPhotoSettings
) -> Likeness | PhotoError:
    """Writes a small JPEG of a photo, unless it is there.

    Args:
        content: The photo's file, or its bytes.
        target: The file to write.
        settings: How.

    Returns:
        The look of the small photo, or the reason why there is none.

    Raises:
        OSError: If it cannot be written.
    """
    photo = _decoded(target)
    if photo is not None:
        return Likeness.of(photo)
    try:
        jpeg = _reduced(content, settings)
        photo = Image.open(BytesIO(jpeg)).convert("RGB")
        if not settings.keep_colorless:
            check_color(np.asarray(photo))
    except PhotoError as error:
        return error
    with whole_file(target) as temporary:
        temporary.write_bytes(jpeg)
    return Likeness.of(photo)


def _decoded(path: Path) -> Image.Image | None:
    try:
        with Image.open(path) as photo:
            return photo.convert("RGB")
    except OSError:  # Not there yet, or damaged since.
        return None


def _reduced(content: Path | bytes, settings: SmallPhotoSettings) -> bytes:
    side, limit = settings.short_side, settings.max_pixels
    rgb = read_rgb(content, short_side=side, max_pixels=limit)
    photo, buffer = Image.fromarray(rgb), BytesIO()
    # To the exact size: `read_rgb` gives less than twice as much.
    scale = side / min(photo.size)
    size = round(photo.width * scale), round(photo.height * scale)
    if max(size) > LONGEST_SIDE:
        raise PhotoError("The photo is too long and narrow for a JPEG.")
    photo.resize(size, Image.Resampling.BICUBIC).save(
        buffer, "JPEG", qtables=_tables(settings.quality), subsampling=0
    )
    return buffer.getvalue()


@cache
def _tables(quality: int) -> list[list[int]]:
    """The JPEG standard's table for lightness, for color as well.

    Its own for color blurs what is to be learned.
    """
    buffer = BytesIO()
    Image.new("L", (8, 8)).save(buffer, "JPEG", quality=quality)
    return [JpegImageFile(BytesIO(buffer.getvalue())).quantization[0]]
