"""What comes back: a photo in color, and the file that it becomes."""

import os
import uuid
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from colorizer_client.chroma import merged
from colorizer_client.errors import PhotoError
from colorizer_client.preparing import PreparedPhoto, opaque

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
WRITABLE_SUFFIXES = tuple(FORMATS)
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},  # 4:4:4: color at full size.
    "PNG": {"compress_level": 2},
    "WEBP": {"quality": 95},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}
FORMATS_WITHOUT_ALPHA = ("JPEG", "BMP")


@dataclass(frozen=True)
class ColoredPhoto:
    r"""A photo in color.

    Attributes:
        image: Mode "RGB" or "RGBA", upright sRGB.
        exif: `Exif\0\0` and the TIFF structure, without the orientation; or
            None.
        dpi: Horizontal and vertical dots per inch, or None.
        is_reduced: Whether it has fewer pixels than the photo had.
    """

    image: Image.Image
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    is_reduced: bool = False

    def save(self, path: str | os.PathLike) -> None:
        """Writes it in the format that the suffix names, whole or not at all.

        Args:
            path: Its folder is made when missing; an older file is replaced.

        Raises:
            PhotoError: If the suffix names no format that can be written, or
                the file cannot be written. An older file is then as it was.
        """
        write_whole(self.encoded(path), path)

    def encoded(self, path: str | os.PathLike) -> bytes:
        """Returns the bytes of the file that `save` would write.

        Raises:
            PhotoError: As `save`.
        """
        format = FORMATS.get(Path(path).suffix.lower())
        if format is None:
            raise PhotoError(
                f"`{path}` must end in one of {', '.join(FORMATS)}."
            )
        image = self.image
        if format in FORMATS_WITHOUT_ALPHA and image.mode == "RGBA":
            image = _on_white(image)
        notes = {"exif": self.exif, "dpi": self.dpi}
        notes = {name: note for name, note in notes.items() if note}
        buffer = BytesIO()
        try:
            image.save(buffer, format, **OPTIONS.get(format, {}), **notes)
        except (OSError, ValueError) as error:  # Such as a side too long.
            raise _unwritable(path, error) from error
        return buffer.getvalue()


def colored_photo(prepared: PreparedPhoto, answer: Image.Image) -> ColoredPhoto:
    """Joins what a server answered with what it was not sent.

    Args:
        prepared: What was made of the photo.
        answer: The server's, of the size that was sent.
    """
    is_reduced = prepared.is_reduced
    if prepared.whole is not None:
        answer, is_reduced = _in_whole(prepared.whole, answer), False
    return ColoredPhoto(answer, prepared.exif, prepared.dpi, is_reduced)


def write_whole(file: bytes, path: str | os.PathLike) -> None:
    """Writes a file under a temporary name and renames it.

    The temporary name starts with a dot, because listings of photos skip
    those.

    Raises:
        PhotoError: If it cannot be written. An older file is then as it was.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(file)
        os.replace(temporary, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        _remove(temporary)


def _in_whole(whole, answer):
    colored = merged(opaque(whole), answer.convert("RGB"))
    if whole.has_transparency_data:
        colored.putalpha(whole.convert("RGBA").getchannel("A"))
    return colored


def _on_white(image):
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _unwritable(path, error):
    reason = getattr(error, "strerror", None) or error
    return PhotoError(f"`{path}` cannot be written: {reason}.")


def _remove(temporary):
    try:
        temporary.unlink(missing_ok=True)
    except OSError:  # Such as no folder at all.
        return
