r"""Directories of TIFF files and of EXIF, which copy values byte for byte.

Texts come in every encoding, whatever their tag says. Source: TIFF 6.0,
section 2, and its supplement for Photoshop; BigTIFF; CIPA DC-008 (Exif 3.0).
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from typing import Any, BinaryIO, Literal, NamedTuple, Union

EXIF_HEAD = b"Exif\0\0"
ORIENTATION, COLOR_SPACE = 0x0112, 0xA001  # 1 is upright, and sRGB.
EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
SUBDIRECTORIES = ((EXIF, GPS), (INTEROPERABILITY,), ())  # Of each depth.
INTEROPERABILITY_INDEX, INDEX_OF_SRGB = 0x0001, b"R98\0"
SIDES = ((0x0100, 0x0101), (0xA002, 0xA003))  # Of the picture, in each of two.
THUMBNAIL, THUMBNAIL_BYTES = 0x0201, 0x0202
START_OF_JPEG = b"\xff\xd8"

SUBFILE_TYPE = 0x00FE
REDUCED_OR_MASK = 1 | 4  # Bits of the subfile type.

# Main tags below 700 that are about the photo, not the layout of its file.
KEPT_TAGS = (269, 270, 271, 272, 285, 305, 306, 315, 316)
# Those above that are not: XMP, IPTC, blocks and layers of Photoshop, and the
# profile, which are kept in other ways or not at all; raw files' from 50706.
LEFT_TAGS = (700, 33723, 34377, 34675, 37724, EXIF, GPS, INTEROPERABILITY)
RAW_FILE_TAGS = range(50706, 52600)

FIRST_POINTER = 4  # Its place in a TIFF.
DAMAGE = (KeyError, ValueError, struct.error)
BYTES = dict.fromkeys((3, 8), 2) | dict.fromkeys((4, 9, 11, 13), 4)
BYTES |= dict.fromkeys((5, 10, 12, 16, 17, 18), 8)  # 1 for the other types.
LONG = 4

# Type, count and bytes of each tag, or its own tags if it is a directory.
Tree = Mapping[int, Union[tuple[int, int, bytes], "Tree"]]


class Field(NamedTuple):
    """The place of a tag's value in a file."""

    type: int
    number: int
    position: int

    @property
    def size(self) -> int:
        """In bytes."""
        return BYTES.get(self.type, 1) * self.number


class Directories:
    """The directories of a TIFF, BigTIFF or EXIF structure.

    Attributes:
        order: "<" or ">", as in `struct`.
        first: The place of the first directory.
    """

    def __init__(self, file: BinaryIO):
        """Reads the header; `file` stays open.

        Raises:
            KeyError, struct.error: If it is none.
        """
        self._file = file
        self._bytes_left = file.seek(0, 2)
        file.seek(0)
        header = file.read(16)
        orders: dict[bytes, Literal["<", ">"]] = {b"II": "<", b"MM": ">"}
        self.order = orders[header[:2]]
        is_big = struct.unpack_from(f"{self.order}H", header, 2) == (43,)
        layouts = ("Q", "2HQQ", "Q", 8) if is_big else ("H", "2HII", "I", 4)
        self._count, self._entry, self._offset, start = layouts
        (self.first,) = struct.unpack_from(
            self.order + self._offset, header, start
        )

    def read(self, start: int) -> tuple[dict[int, Field], int, int]:
        """Returns fields by tag, and the next directory with its pointer."""
        entry = struct.Struct(self.order + self._entry)
        inline = struct.calcsize(self._offset)
        (count,) = self._unpack(self._count, start)
        place = self._file.tell()
        fields = {}
        for _ in range(min(count, 65_535)):
            tag, type_, number, offset = entry.unpack(
                self._file.read(entry.size)
            )
            field = Field(type_, number, place + entry.size - inline)
            if field.size > inline:
                field = field._replace(position=offset)
            fields[tag] = field
            place += entry.size
        (following,) = self._unpack(self._offset, place)
        return fields, following, place

    def value(self, field: Field) -> bytes:
        """Reads the bytes of a value.

        Raises:
            ValueError: If the file is cut off, or values overlap so much that
                they are larger than it.
        """
        self._bytes_left -= field.size
        if self._bytes_left >= 0:
            self._file.seek(field.position)
            value = self._file.read(field.size)
            if len(value) == field.size:
                return value
        raise ValueError("values lie outside the file")

    def number(self, field: Field) -> int:
        """The first number of a field of integers."""
        size = BYTES.get(field.type, 1)
        order = "little" if self.order == "<" else "big"
        return int.from_bytes(self.value(field)[:size], order)  # type: ignore[arg-type]

    def tree(
        self, start: int, is_kept: Callable[[int], bool], *, depth: int = 0
    ) -> Tree:
        """Reads a directory and those that it points to, as far as sound."""
        tags: dict[int, tuple[int, int, bytes] | Tree] = {}
        for tag, field in self.read(start)[0].items():
            with suppress(*DAMAGE):
                if tag in SUBDIRECTORIES[depth]:
                    tags[tag] = self.tree(
                        self.number(field), lambda _: True, depth=depth + 1
                    )
                elif is_kept(tag):
                    tags[tag] = (field.type, field.number, self.value(field))
        return tags

    def _unpack(self, layout: str, start: int) -> tuple[Any, ...]:
        self._file.seek(start)
        layout = self.order + layout
        return struct.unpack(layout, self._file.read(struct.calcsize(layout)))


def full_pages(file: BinaryIO) -> list[tuple[int, int]]:
    """Number and place of those pages of a TIFF that are no small copies.

    All pages if all are; those before it if one is damaged.
    """
    directories = Directories(file)
    start = directories.first
    found: dict[int, int] = {}
    full = []
    try:
        while start and start not in found:
            fields, following, _ = directories.read(start)
            kind = fields.get(SUBFILE_TYPE)
            found[start] = len(found)
            if not kind or not directories.number(kind) & REDUCED_OR_MASK:
                full.append((found[start], start))
            start = following
    except DAMAGE:
        pass
    return full or [(number, start) for start, number in found.items()]


def is_about_the_photo(tag: int) -> bool:
    """Whether a tag of a main directory holds for the same photo elsewhere."""
    if tag < 700:
        return tag in KEPT_TAGS
    return tag not in LEFT_TAGS and tag not in RAW_FILE_TAGS


def photo_tags(exif: bytes) -> tuple[Literal["<", ">"], Tree]:
    """Order of bytes, and the tags of an EXIF that are about the photo."""
    try:
        directories = Directories(BytesIO(exif.removeprefix(EXIF_HEAD)))
        tree = directories.tree(directories.first, is_about_the_photo)
    except DAMAGE:
        return "<", {}
    return directories.order, tree


def exif_of_tiff(file: BinaryIO, start: int) -> bytes | None:
    r"""The tags of a page as EXIF, with its `Exif\0\0`; None without any."""
    directories = Directories(file)
    tree = directories.tree(start, is_about_the_photo)
    head = {"<": b"II*\0\x08\0\0\0", ">": b"MM\0*\0\0\0\x08"}
    order = directories.order
    packed = packed_tree(tree, order, 8)
    return EXIF_HEAD + head[order] + packed if tree else None


def packed_tree(tree: Tree, order: str, start: int) -> bytes:
    """A directory with its values, for a place in a file below 4 GiB."""
    entries, values = b"", b""
    end = start + 2 + 12 * len(tree) + 4
    for tag, content in sorted(tree.items()):
        offset = struct.pack(f"{order}I", end + len(values))
        if isinstance(content, Mapping):
            field = struct.pack(f"{order}2HI", tag, LONG, 1) + offset
            values += packed_tree(content, order, end + len(values))
        else:
            type_, count, value = content
            field = struct.pack(f"{order}2HI", tag, type_, count)
            field += offset if len(value) > 4 else value.ljust(4, b"\0")
            values += value if len(value) > 4 else b""
        values += bytes(len(values) % 2)
        entries += field
    return struct.pack(f"{order}H", len(tree)) + entries + bytes(4) + values


def add_tags(file: BytesIO, pages: Sequence[Tree]) -> None:
    """Adds tags to the pages of a TIFF, whose directories move to its end."""
    directories = Directories(file)
    pointer, start = FIRST_POINTER, directories.first
    for tree in pages:
        following = directories.read(start)[1]
        tags = {**directories.tree(start, lambda _: True), **tree}
        end = file.seek(0, 2)
        packed = packed_tree(tags, directories.order, end + end % 2)
        file.write(bytes(end % 2) + packed)
        file.seek(pointer)
        file.write(struct.pack(f"{directories.order}I", end + end % 2))
        pointer = end + end % 2 + 2 + 12 * len(tags)
        start = following


def upright_srgb_exif(exif: bytes, *, is_turned: bool) -> bytes:
    r"""Corrects what colorizing changes, in place: all else keeps its bytes.

    Args:
        exif: With or without `Exif\0\0`.
        is_turned: Whether the pixels were turned by a quarter.

    Returns:
        The same, with an orientation of 1, as sRGB, without the thumbnail,
        which shows the photo as it was.
    """
    body = bytearray(exif.removeprefix(EXIF_HEAD))
    directories = Directories(BytesIO(body))
    fields, second, pointer = directories.read(directories.first)
    all_fields = dict(fields)
    for tag in (EXIF, INTEROPERABILITY):
        if tag in all_fields:
            with suppress(*DAMAGE):
                start = directories.number(all_fields[tag])
                all_fields |= directories.read(start)[0]
    _correct(body, all_fields, directories, is_turned)
    body[pointer : pointer + 4] = bytes(4)
    if second:
        _remove_thumbnail(body, directories.read(second)[0], directories)
    return EXIF_HEAD + bytes(body)


def _correct(
    body: bytearray,
    fields: Mapping[int, Field],
    directories: Directories,
    is_turned: bool,
) -> None:
    one = {"<": b"\1\0\0\0", ">": b"\0\0\0\1"}[directories.order]
    for tag in (ORIENTATION, COLOR_SPACE):
        field = fields.get(tag)
        if field and field.size <= len(one):
            value = one[: field.size] if one[0] else one[-field.size :]
            body[field.position : field.position + len(value)] = value
    if field := fields.get(INTEROPERABILITY_INDEX):
        body[field.position : field.position + 4] = INDEX_OF_SRGB
    for pair in SIDES if is_turned else ():
        sides = [fields[tag] for tag in pair if tag in fields]
        if len(sides) == 2 and sides[0].type == sides[1].type:
            places = [slice(side.position, side.position + 4) for side in sides]
            body[places[0]], body[places[1]] = body[places[1]], body[places[0]]


def _remove_thumbnail(
    body: bytearray, fields: Mapping[int, Field], directories: Directories
) -> None:
    if THUMBNAIL not in fields or THUMBNAIL_BYTES not in fields:
        return
    start = directories.number(fields[THUMBNAIL])
    end = start + directories.number(fields[THUMBNAIL_BYTES])
    if body[start : start + 2] != START_OF_JPEG:
        return
    if end >= len(body) - 1:  # It was the last, and padded.
        del body[start:]
    else:
        body[start:end] = bytes(end - start)
