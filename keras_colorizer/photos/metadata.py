"""Captions, keywords and notes of a file, orientation and resolution.

Where they are damaged or missing the photo is read without them: nothing here
raises.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, TypeVar

import numpy as np
from PIL import Image

from keras_colorizer.photos import exif as exif_directories
from keras_colorizer.photos.exif import EXIF_HEAD, ORIENTATION, Directories
from keras_colorizer.photos.png import Chunk, text_chunks

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

XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
XMP_EXTENSION_HEAD = b"http://ns.adobe.com/xmp/extension/\0"
XMP_KEYWORD = b"XML:com.adobe.xmp"
XMP_TAG, IPTC_TAG, BLOCKS_TAG = 700, 33723, 34377  # Of a TIFF.
XMP_CHANGED = re.compile(
    rb"((?:tiff:Orientation|exif:ColorSpace)(?:=[\"']|>)\s*)\d+"
)
# Photoshop's blocks about the photo: IPTC and its digest, copyright and link.
# Others describe the pixels, and two are thumbnails of the photo as it was.
BLOCKS_HEAD, BLOCK = b"Photoshop 3.0\0", b"8BIM"
IPTC_BLOCK = 0x0404
START_OF_IPTC = b"\x1c"  # Of each of its records.
KEPT_BLOCKS = (IPTC_BLOCK, 0x0425, 0x040A, 0x040B)
# ImageMagick's way to keep in a PNG what it has no chunk for.
RAW_PROFILE = b"Raw profile type "
LARGEST_PROFILE = 2**24  # Once decompressed.
LARGEST_SEGMENT = 65_533  # Of a JPEG.

Value = TypeVar("Value")


@dataclass(frozen=True)
class Metadata:
    r"""All that a file says about its photo, by the byte.

    Attributes:
        exif: `Exif\0\0` and the TIFF structure, or None.
        xmp: The XMP packet, or None.
        xmp_extensions: Segments of a JPEG for what the packet has no room for.
        blocks: Photoshop's blocks with IPTC, each with its "8BIM".
        comments: Those of a JPEG or GIF, in any encoding.
        texts: Type and content of a PNG's chunks of text.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    xmp_extensions: tuple[bytes, ...] = ()
    blocks: bytes = b""
    comments: tuple[bytes, ...] = ()
    texts: tuple[tuple[bytes, bytes], ...] = ()


def read_metadata(
    image: Image.Image, file: BinaryIO | None, *, start: int = 0
) -> Metadata:
    """Reads what still holds for the upright sRGB pixels of a photo.

    Args:
        image: The photo, opened by Pillow or made by `read_tiff`.
        file: What it was opened from; None for an image made in memory.
        start: Of a TIFF, the place of the directory of its page.
    """
    if image.format == "TIFF":
        found = _of_tiff(file, start) if file else Metadata()
    elif image.format in ("JPEG", "MPO"):
        found = _of_jpeg(getattr(image, "applist", []))
    else:
        found = _of_info(image.info)
        if image.format == "PNG" and file:
            found = _of_png(_sound(lambda: list(text_chunks(file))), found)
    exif, xmp = found.exif, found.xmp
    is_turned = TURNS[_orientation(image)][0]
    return replace(
        found,
        exif=exif
        and _sound(
            lambda: exif_directories.upright_srgb_exif(
                exif, is_turned=is_turned
            )
        ),
        xmp=xmp and XMP_CHANGED.sub(rb"\g<1>1", xmp),
    )


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


def jpeg_options(metadata: Metadata) -> dict[str, Any]:
    """Options of Pillow's writer of JPEGs; parts too long for it are left."""
    blocks = metadata.blocks
    room = LARGEST_SEGMENT - len(BLOCKS_HEAD)
    segments = [
        (0xED, BLOCKS_HEAD + blocks[place : place + room])
        for place in range(0, len(blocks), room)
    ]
    segments += [(0xE1, each) for each in metadata.xmp_extensions]
    segments += [(0xFE, comment) for comment in _comments(metadata)]
    if metadata.xmp:
        segments.append((0xE1, XMP_HEAD + metadata.xmp))
    exif = metadata.exif or b""
    return {
        "exif": exif if len(exif) <= LARGEST_SEGMENT else b"",
        "extra": b"".join(
            struct.pack(">2BH", 0xFF, marker, len(content) + 2) + content
            for marker, content in segments
            if len(content) <= LARGEST_SEGMENT
        ),
    }


def png_texts(metadata: Metadata) -> list[Chunk]:
    """The chunks of text in which a PNG holds all but the EXIF."""
    chunks = list(metadata.texts)
    if metadata.xmp:
        chunks.append((b"iTXt", XMP_KEYWORD + bytes(5) + metadata.xmp))
    if blocks := metadata.blocks:
        text = b"\niptc\n%8d\n%s\n" % (len(blocks), blocks.hex().encode())
        chunks.append((b"tEXt", RAW_PROFILE + b"iptc\0" + text))
    for comment in metadata.comments:
        text = comment.replace(b"\0", b"")
        if not text.isascii():
            unicode = _sound(text.decode) or text.decode("latin-1")
            text = bytes(4) + unicode.encode()
        kind = b"tEXt" if text.isascii() else b"iTXt"
        chunks.append((kind, b"Comment\0" + text))
    return chunks


def iptc(metadata: Metadata) -> bytes:
    """The IPTC of Photoshop's blocks."""
    blocks = dict(_blocks(metadata.blocks))
    return blocks.get(IPTC_BLOCK, b"")


def _orientation(image: Image.Image) -> int:
    # A JPEG XL is turned while it is decoded, unless it holds a JPEG.
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1
    orientation = _sound(lambda: image.getexif().get(ORIENTATION))
    return orientation if orientation in TURNS else 1


def _sound(read: Callable[[], Value]) -> Value | None:
    """What a function returns, or None where that is damaged."""
    try:
        return read()
    except Exception:  # Neither Pillow nor this has a closed list of errors.
        return None


def _of_info(info: dict[Any, Any]) -> Metadata:
    exif, xmp, comment = (info.get(x) for x in ("exif", "xmp", "comment"))
    return Metadata(
        exif=exif if isinstance(exif, bytes) else None,
        xmp=xmp if isinstance(xmp, bytes) else None,
        comments=(comment,) if isinstance(comment, bytes) else (),
    )


def _of_jpeg(segments: list[tuple[str, bytes]]) -> Metadata:
    def contents(marker: str, head: bytes = b"") -> list[bytes]:
        return [
            content.removeprefix(head)
            for name, content in segments
            if name == marker and content.startswith(head)
        ]

    exif = b"".join(contents("APP1", EXIF_HEAD))
    return Metadata(
        exif=EXIF_HEAD + exif if exif else None,
        xmp=next(iter(contents("APP1", XMP_HEAD)), None),
        xmp_extensions=tuple(
            XMP_EXTENSION_HEAD + content
            for content in contents("APP1", XMP_EXTENSION_HEAD)
        ),
        blocks=_kept_blocks(b"".join(contents("APP13", BLOCKS_HEAD))),
        comments=tuple(contents("COM")),
    )


def _of_png(chunks: list[Chunk] | None, found: Metadata) -> Metadata:
    for kind, content in chunks or ():
        keyword, _, text = content.partition(b"\0")
        if keyword.startswith(RAW_PROFILE):
            profile = _sound(lambda: _raw_profile(kind, text)) or b""  # noqa: B023, called at once
            found = _with_profile(found, profile)
        elif keyword != XMP_KEYWORD:
            found = replace(found, texts=(*found.texts, (kind, content)))
    return found


def _raw_profile(kind: bytes, text: bytes) -> bytes:
    if kind == b"zTXt":
        decompressor = zlib.decompressobj()
        text = decompressor.decompress(text[1:], LARGEST_PROFILE)
    return bytes.fromhex(text.split(b"\n", 3)[3].decode())


def _with_profile(found: Metadata, profile: bytes) -> Metadata:
    """Takes EXIF, XMP or IPTC; others are about colors, which are sRGB now."""
    if profile.startswith(EXIF_HEAD):
        return replace(found, exif=found.exif or profile)
    if profile.startswith((XMP_HEAD, b"<")):
        return replace(found, xmp=found.xmp or profile.removeprefix(XMP_HEAD))
    if profile.startswith(START_OF_IPTC):
        profile = _block(IPTC_BLOCK, profile)
    return replace(found, blocks=found.blocks or _kept_blocks(profile))


def _comments(metadata: Metadata) -> Iterator[bytes]:
    """Yields comments, with those of a PNG."""
    yield from metadata.comments
    for kind, content in metadata.texts:
        keyword, _, text = content.partition(b"\0")
        if keyword == b"Comment" and kind == b"tEXt":
            yield text
        elif keyword == b"Comment" and kind == b"iTXt" and text[:1] == b"\0":
            yield text[2:].split(b"\0", 2)[-1]


def _of_tiff(file: BinaryIO, start: int) -> Metadata:
    directories = Directories(file)
    fields = _sound(lambda: directories.read(start)[0]) or {}
    xmp, iptc, blocks = (
        _sound(lambda tag=tag: directories.value(fields[tag]))  # type: ignore[misc]
        for tag in (XMP_TAG, IPTC_TAG, BLOCKS_TAG)
    )
    kept = _kept_blocks(blocks or b"")
    if iptc and IPTC_BLOCK not in dict(_blocks(kept)):
        kept += _block(IPTC_BLOCK, iptc)
    return Metadata(
        exif=_sound(lambda: exif_directories.exif_of_tiff(file, start)),
        xmp=xmp,
        blocks=kept,
    )


def _kept_blocks(blocks: bytes) -> bytes:
    return b"".join(
        _block(kind, content)
        for kind, content in _blocks(blocks)
        if kind in KEPT_BLOCKS
    )


def _block(kind: int, content: bytes) -> bytes:
    head = struct.pack(">4s2HI", BLOCK, kind, 0, len(content))
    return head + content + bytes(len(content) % 2)


def _blocks(blocks: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the kind and content of each whole block."""
    place = 0
    while blocks[place : place + 4] == BLOCK and place + 12 <= len(blocks):
        (kind,) = struct.unpack_from(">H", blocks, place + 4)
        start = place + 6 + (blocks[place + 6] // 2 + 1) * 2  # After its name.
        size = int.from_bytes(blocks[start : start + 4])
        content = blocks[start + 4 : start + 4 + size]
        if len(content) == size:
            yield kind, content
        place = start + 4 + size + size % 2
