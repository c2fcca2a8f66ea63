"""Captions and notes, byte for byte, from each format into each.

The structures are built and read here by hand, or read by Pillow.
"""

import io
import struct
import zlib

import numpy as np
import pytest
from fixtures.photo_files import (
    directory_of,
    encoded,
    png_chunks,
    tiff_structure,
)
from PIL import Image, IptcImagePlugin

from keras_colorizer.photos import Photo, encode_photo, read_photo

GREY = np.arange(64, dtype=np.uint8).reshape(8, 8)
PICTURE = Image.fromarray(GREY)
TARGETS = ["JPEG", "PNG", "WEBP", "TIFF"]
CAPTION = "Großmutter in Žilina, 1938 – 写真"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description'
    f' tiff:Orientation="1" dc:title="{CAPTION}"/></x:xmpmeta>'
).encode()
IPTC = b"\x1c\x02\x78\0\x04Opa.\x1c\x02\x19\0\x07M\xfcnchen"
BLOCK = struct.pack(">4s2HI", b"8BIM", 0x0404, 0, len(IPTC)) + IPTC
BLOCK += bytes(len(IPTC) % 2)
THUMBNAIL = struct.pack(">4s2HI", b"8BIM", 0x040C, 0, 4) + b"grey"
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0" + bytes(40) + b"<more/>"


def text(value):
    return 2, len(value) + 1, value + b"\0"


def tags(order, *, orientation=1, color_space=1, index=b"R98", sides=(8, 6)):
    def short(number):
        return 3, 1, struct.pack(f"{order}H", number)

    def ratios(*numbers):
        return (
            5,
            len(numbers),
            struct.pack(
                f"{order}{2 * len(numbers)}I",
                *(x for n in numbers for x in (n, 1)),
            ),
        )

    xp = CAPTION.encode("utf-16-le")
    return {
        0x010E: text(CAPTION.encode()),
        0x0112: short(orientation),
        0x013B: text("Jürgen Müller".encode("latin-1")),
        0x4746: short(5),
        0x8298: text("© 1938".encode("cp1252")),
        0x9C9B: (1, len(xp), xp),
        0x8769: {
            0x9003: text(b"1938:05:01 12:00:00"),
            0x927C: (7, 7, b"\0maker\xff"),
            0x9286: (7, 12, b"UNICODE\0\xc5\0\0\xff"),
            0xA001: short(color_space),
            0xA002: short(sides[0]),
            0xA003: short(sides[1]),
            0xA005: {0x0001: text(index)},
        },
        0x8825: {1: text(b"N"), 2: ratios(49, 13, 18)},
    }


def file_of(format, exif):
    """A photo of a format with an EXIF structure, of which it is part."""
    if format == "TIFF":
        return encoded_tiff(exif)
    options = {"lossless": True} if format == "WEBP" else {}
    return encoded(PICTURE, format, exif=b"Exif\0\0" + exif, **options)


def encoded_tiff(exif, **more):
    order = {b"II": "<", b"MM": ">"}[exif[:2]]
    layout = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 278: 8, 279: 64}
    fields = {
        tag: (4, 1, struct.pack(f"{order}I", value))
        for tag, value in layout.items()
    }
    fields |= directory_of(exif) | {
        int(tag.removeprefix("tag")): value for tag, value in more.items()
    }
    fields[273] = (4, 1, struct.pack(f"{order}I", 0))
    size = len(tiff_structure(order, fields))
    fields[273] = (4, 1, struct.pack(f"{order}I", size))
    return tiff_structure(order, fields) + GREY.tobytes()


def exif_in(file, format):
    """The bytes of the EXIF structure in a file."""
    if format == "TIFF":
        return file
    if format == "PNG":
        return dict(png_chunks(file))[b"eXIf"]
    if format == "WEBP":
        place = file.index(b"EXIF") + 4
        (size,) = struct.unpack_from("<I", file, place)
        return file[place + 4 : place + 4 + size]
    place = file.index(b"Exif\0\0")
    (size,) = struct.unpack_from(">H", file, place - 2)
    return file[place + 6 : place - 2 + size]


def as_written(photo, format, depth=np.uint8):
    grey = np.atleast_3d(photo.pixels)[..., 0].astype(depth)
    colored = np.dstack([grey] * 3)
    return encode_photo(Photo(colored, metadata=photo.metadata), format)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", TARGETS)
def test_exif_is_copied_byte_for_byte(source, target, order, depth):
    exif = tiff_structure(order, tags(order))
    written = as_written(read_photo(file_of(source, exif)), target, depth)
    found = exif_in(written, target)
    if "TIFF" not in (source, target):
        assert found == exif
    expected = tags(order)
    if "TIFF" in (source, target):  # Whose own orientation is left out.
        del expected[0x0112]
    found = directory_of(found)
    assert {tag: found.get(tag) for tag in expected} == expected


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP"])
def test_exif_changes_where_colorizing_does(source, order):
    changed = {"orientation": 6, "color_space": 0xFFFF, "index": b"R03"}
    exif = tiff_structure(order, tags(order, **changed))
    photo = read_photo(file_of(source, exif))
    # It was turned by a quarter, so its sides have changed places.
    expected = tiff_structure(order, tags(order, sides=(6, 8)))
    assert photo.metadata.exif == b"Exif\0\0" + expected


def test_the_thumbnail_of_the_grey_photo_is_left_out():
    thumbnail = encoded(PICTURE, "JPEG")
    length = len(tiff_structure(">", tags(">")))
    second = {
        0x0201: (4, 1, struct.pack(">I", length + 30)),
        0x0202: (4, 1, struct.pack(">I", len(thumbnail))),
    }
    following = tiff_structure(">", second)[8:]
    assert len(following) == 30
    exif = tiff_structure(">", tags(">"), following=following + thumbnail)
    found = read_photo(file_of("JPEG", exif)).metadata.exif
    assert len(found) == len(exif) - len(thumbnail) + 6
    assert directory_of(found[6:]) == tags(">")
    exif = Image.Exif()
    exif.load(found)
    assert not exif.get_ifd(1)


def jpeg(*segments):
    """A JPEG with segments, each a marker and its content, at its beginning."""
    extra = b"".join(
        struct.pack(">2BH", 0xFF, marker, len(content) + 2) + content
        for marker, content in segments
    )
    return encoded(PICTURE, "JPEG", extra=extra)


def png(*chunks):
    file = encoded(PICTURE, "PNG")
    for kind, content in chunks:
        chunk = struct.pack(">I", len(content)) + kind + content
        file = (
            file[:33]
            + chunk
            + struct.pack(">I", zlib.crc32(chunk[4:]))
            + file[33:]
        )
    return file


WITH_XMP = {
    "JPEG": jpeg((0xE1, XMP_HEAD + XMP)),
    "PNG": png((b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + XMP)),
    "WebP": encoded(PICTURE, "WEBP", xmp=XMP),
    "TIFF": encoded_tiff(tiff_structure("<", {}), tag700=(1, len(XMP), XMP)),
    "AVIF": encoded(PICTURE, "AVIF", xmp=XMP),
}
RAW_PROFILE = b"\niptc\n%8d\n%s\n" % (len(BLOCK), BLOCK.hex().encode())
WITH_IPTC = {
    "JPEG": jpeg((0xED, b"Photoshop 3.0\0" + THUMBNAIL + BLOCK)),
    "PNG": png((b"tEXt", b"Raw profile type iptc\0" + RAW_PROFILE)),
    "TIFF": encoded_tiff(
        tiff_structure(">", {}), tag33723=(7, len(IPTC), IPTC)
    ),
    "Photoshop's TIFF": encoded_tiff(
        tiff_structure("<", {}),
        tag34377=(1, len(THUMBNAIL + BLOCK), THUMBNAIL + BLOCK),
    ),
}


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", WITH_XMP)
def test_xmp_is_kept(source, target, depth):
    written = as_written(read_photo(WITH_XMP[source]), target, depth)
    with Image.open(io.BytesIO(written)) as image:
        assert image.info["xmp"] == XMP


@pytest.mark.parametrize("value", ['="6"', "='8'", ">3<"])
def test_xmp_says_that_the_photo_is_upright(value):
    before = b"<a tiff:Orientation%s exif:ColorSpace='65535'/>"
    packet = before % value.encode()
    found = read_photo(jpeg((0xE1, XMP_HEAD + packet))).metadata.xmp
    upright = value.replace(value[-2], "1")
    expected = f"<a tiff:Orientation{upright} exif:ColorSpace='1'/>"
    assert found == expected.encode()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("target", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("source", WITH_IPTC)
def test_iptc_is_kept_without_photoshops_thumbnail(source, target, depth):
    written = as_written(read_photo(WITH_IPTC[source]), target, depth)
    if target == "PNG":
        assert BLOCK.hex().encode() in written
    else:
        with Image.open(io.BytesIO(written)) as image:
            found = IptcImagePlugin.getiptcinfo(image)
        assert found == {(2, 120): b"Opa.", (2, 25): b"M\xfcnchen"}
    assert THUMBNAIL not in written


@pytest.mark.parametrize("comment", [b"scanned 2019", "Größe".encode()])
def test_comments_are_kept_in_jpeg_and_png(comment):
    sources = [jpeg((0xFE, comment), (0xFE, b"second"))]
    sources.append(encoded(PICTURE, "GIF", comment=comment))
    for source in sources:
        photo = read_photo(source)
        written = as_written(photo, "JPEG")
        with Image.open(io.BytesIO(written)) as image:
            comments = [text for name, text in image.applist if name == "COM"]
        assert comments[0] == comment
        written = as_written(photo, "PNG")
        assert comment in b"".join(text for _, text in png_chunks(written))
        assert comment in as_written(read_photo(written), "JPEG")


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_texts_of_a_png_are_kept_as_they_are(depth):
    texts = [
        (b"tEXt", b"Author\0A. Nonymous"),
        (b"tEXt", b"Comment\0one"),
        (b"tEXt", b"Comment\0M\xfcnchen"),
        (b"iTXt", b"Description\0\0\0de\0Titel\0" + CAPTION.encode()),
        (b"zTXt", b"Title\0\0x\x9cK\xcb\xcf\x07\0\x02\x82\x01E"),
    ]
    written = as_written(read_photo(png(*texts)), "PNG", depth)
    kinds = (b"tEXt", b"zTXt", b"iTXt")
    found = [chunk for chunk in png_chunks(written) if chunk[0] in kinds]
    assert sorted(found) == sorted(texts)


def test_the_rest_of_a_long_xmp_stays_in_a_jpeg():
    photo = read_photo(jpeg((0xE1, XMP_HEAD + XMP), (0xE1, EXTENSION)))
    assert EXTENSION in as_written(photo, "JPEG")


def test_metadata_too_long_for_a_jpeg_does_not_cost_the_photo():
    photo = read_photo(encoded(PICTURE, "WEBP", xmp=XMP * 1000, exif=b"x"))
    with Image.open(io.BytesIO(as_written(photo, "JPEG"))) as image:
        assert "xmp" not in image.info
    with Image.open(io.BytesIO(as_written(photo, "PNG"))) as image:
        assert image.info["xmp"] == XMP * 1000


def test_loops_and_bombs_in_exif_end_at_once():
    def loop(order):
        exif = bytearray(tiff_structure(order, tags(order)))
        place = exif.index(struct.pack(f"{order}H", 0x8769)) + 8
        exif[place : place + 4] = struct.pack(f"{order}I", 8)
        return bytes(exif)

    huge = {tag: (2, 10**9, b"12345") for tag in range(1000, 3000)}
    for exif in (loop("<"), loop(">"), tiff_structure("<", huge)):
        photo = read_photo(file_of("PNG", exif))
        for format in ("JPEG", "PNG", "TIFF"):
            assert len(as_written(photo, format)) < 10**6
