"""Formats, pages and depths of files, against Pillow, tifffile and numbers."""

import io
import struct
import sys

import numpy as np
import pytest
import tifffile
from fixtures.photo_files import encoded, tiff
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage import data

from keras_colorizer.errors import (
    ConfigError,
    PhotoTooLargeError,
    UnreadablePhotoError,
)
from keras_colorizer.photos import (
    PHOTO_SUFFIXES,
    Photo,
    read_photo,
    read_rgb,
    write_pages,
)

ASTRONAUT = Image.fromarray(data.astronaut()).resize((48, 36))
CAMERA = Image.fromarray(data.camera()).resize((48, 36))
DEEP_GREY = np.random.default_rng(0).integers(0, 65536, (36, 48), np.uint16)
NEEDS = r'needs imagecodecs: pip install "keras-colorizer\[formats\]"'


@pytest.mark.parametrize("suffix", [".jp2", ".j2k", ".ppm", ".pcx", ".tga"])
@pytest.mark.parametrize("image", [ASTRONAUT, CAMERA], ids=["RGB", "grey"])
def test_more_lossless_formats_are_read(tmp_path, suffix, image):
    path = tmp_path / f"photo{suffix}"
    image.save(path)
    assert_array_equal(read_photo(path).pixels, np.asarray(image))
    assert suffix in PHOTO_SUFFIXES


def test_avif_is_read():
    photo = read_photo(encoded(ASTRONAUT, "AVIF", quality=95))
    # Its colors have half the size, which tells in a small picture.
    assert np.abs(photo.pixels - np.float32(ASTRONAUT)).mean() < 6
    assert ".avif" in PHOTO_SUFFIXES


@pytest.mark.parametrize("white", [4095, 65535])
def test_pnm_of_16_bits_spans_the_full_range(white):
    file = b"P5 2 1 %d\n" % white + struct.pack(">2H", 1000, white)
    photo = read_photo(file)
    assert_array_equal(photo.pixels, [[round(1000 * 65535 / white), 65535]])
    assert photo.pixels.dtype == np.uint16


def test_heic_and_jpeg_xl_are_read_where_their_packages_are():
    heif = pytest.importorskip("pillow_heif", reason="an extra")
    pytest.importorskip("pillow_jxl", reason="an extra")
    heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x010E] = "a description"
    for format in ("HEIF", "JXL"):
        file = encoded(ASTRONAUT, format, exif=exif.tobytes(), quality=95)
        photo = read_photo(file)
        assert photo.format == format
        assert b"a description" in photo.metadata.exif
        assert np.abs(photo.pixels - np.float32(ASTRONAUT)).mean() < 6


@pytest.mark.parametrize(
    ("module", "beginning"),
    [
        ("pillow_heif", b"\0\0\0\x18ftypheic"),
        ("pillow_jxl", b"\xff\x0a" + bytes(20)),
        ("pillow_jxl", b"\0\0\0\x0cJXL \r\n\x87\n"),
    ],
)
def test_a_format_without_its_package_names_it(monkeypatch, module, beginning):
    formats = sys.modules["keras_colorizer.photos.formats"]
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(UnreadablePhotoError) as caught:
        read_photo(beginning)
    assert module.replace("_", "-") in str(caught.value)
    assert 'pip install "keras-colorizer[formats]"' in str(caught.value)


def paged(*pages):
    """A TIFF of images, each with its subfile type."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for image, kind in pages:
            pixels = np.asarray(image)
            writer.write(
                pixels,
                subfiletype=kind,
                metadata=None,
                photometric="rgb" if pixels.ndim == 3 else "minisblack",
            )
    return file.getvalue()


@pytest.mark.parametrize("deep", [False, True])
def test_a_reduced_copy_is_no_page(deep):
    full = np.dstack([DEEP_GREY] * 3) if deep else np.asarray(CAMERA)
    small = full[::4, ::4]
    for pages in ([(small, 1), (full, 0)], [(full, 0), (small, 1), (small, 1)]):
        photo = read_photo(paged(*pages))
        assert photo.pages == 1
        assert_array_equal(photo.pixels, np.rint(full / 257) if deep else full)
    rgb = read_rgb(paged((small, 1), (full, 0)), short_side=None)
    assert rgb.shape == (36, 48, 3)
    assert read_photo(paged((small, 1))).height == 9  # Better than nothing.


def test_pages_are_counted_and_read():
    turned = CAMERA.rotate(180)
    photo = read_photo(paged((CAMERA, 0), (turned, 0), (turned, 0)), page=1)
    assert photo.pages == 3
    assert_array_equal(photo.pixels, turned)
    for format in ("GIF", "WEBP", "PNG", "AVIF"):
        frames = {"save_all": True, "append_images": [turned]}
        assert read_photo(encoded(CAMERA, format, **frames)).pages == 2
    assert read_photo(encoded(CAMERA, "JPEG")).pages == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pages_are_written_with_their_metadata(tmp_path, dtype):
    pages = []
    for number in range(3):
        exif = Image.Exif()
        exif[0x010E] = f"page {number}"
        exif[0x8769] = {0x9003: f"1938:05:0{number} 12:00:00"}
        source = encoded(CAMERA.rotate(90 * number), "JPEG", exif=exif)
        photo = read_photo(source)
        pixels = np.dstack([photo.pixels] * 3).astype(dtype)
        pages.append(Photo(pixels, metadata=photo.metadata))
    write_pages(iter(pages), tmp_path / "pages.tif")
    with tifffile.TiffFile(tmp_path / "pages.tif") as file:
        assert len(file.pages) == 3
        for number, page in enumerate(file.pages):
            assert_array_equal(page.asarray(), pages[number].pixels)
            assert page.tags[0x010E].value == f"page {number}"
            taken = page.tags[0x8769].value["DateTimeOriginal"]
            assert taken == f"1938:05:0{number} 12:00:00"
    back = read_photo(tmp_path / "pages.tif", page=2)
    assert (back.pages, b"page 2" in back.metadata.exif) == (3, True)


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_its_end_alone_is_read(missing, progressive):
    file = encoded(ASTRONAUT, "JPEG", progressive=progressive)
    photo = read_photo(file[:-missing])
    assert photo.is_cut_off
    assert_array_equal(photo.pixels, read_photo(file).pixels)
    rgb = read_rgb(file[:-missing], short_side=None)
    assert_array_equal(rgb, read_rgb(file, short_side=None))
    assert not read_photo(file).is_cut_off


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [*range(5, 40, 5), 200])
def test_a_jpeg_that_lacks_pixels_is_refused(missing, progressive):
    file = encoded(ASTRONAUT, "JPEG", progressive=progressive)
    with pytest.raises(UnreadablePhotoError, match="cut off"):
        read_photo(file[:-missing])


@pytest.mark.parametrize("source", [bytearray(b"GIF89a"), None, [1, 2], 7])
def test_what_cannot_be_a_photo_is_a_wrong_argument(source):
    with pytest.raises(ConfigError, match=type(source).__name__):
        read_photo(source)


def test_an_opened_file_equals_its_path(tmp_path):
    planes = np.stack([DEEP_GREY, DEEP_GREY[::-1], DEEP_GREY[:, ::-1]])
    file = tiff(planes, photometric="rgb", planarconfig="separate")
    (tmp_path / "a.tif").write_bytes(file)
    expected = read_photo(tmp_path / "a.tif").pixels
    assert_array_equal(expected, np.rint(np.moveaxis(planes, 0, -1) / 257))
    assert_array_equal(read_photo(io.BytesIO(file)).pixels, expected)
    with (tmp_path / "a.tif").open("rb") as opened:
        assert_array_equal(read_photo(opened).pixels, expected)


def packed_tiff(levels, bits, photometric):
    """Samples of any number of bits, one after the other in each row."""
    rows = (levels[..., None] >> np.arange(bits)[::-1]) & 1
    content = np.packbits(rows.reshape(len(levels), -1), axis=1).tobytes()
    tags = {256: levels.shape[1], 257: len(levels), 258: bits, 259: 1}
    tags |= {262: photometric, 273: 8, 278: len(levels), 279: len(content)}
    directory = b"".join(
        struct.pack("<2H2I", tag, 4, 1, value) for tag, value in tags.items()
    )
    file = struct.pack("<2sHI", b"II", 42, 8 + len(content)) + content
    return file + struct.pack("<H", len(tags)) + directory + bytes(4)


def read_or_needs_codecs(file):
    """The photo; None where the extra is not installed, and was named."""
    try:
        import imagecodecs  # noqa: F401
    except ImportError:
        with pytest.raises(UnreadablePhotoError, match=NEEDS):
            read_photo(file)
        return None
    return read_photo(file)


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_samples_span_the_full_range(bits, photometric):
    levels = DEEP_GREY >> (16 - bits)
    file = packed_tiff(levels, bits, photometric)
    pillow_reads_it = (bits, photometric) == (12, 1)
    read = read_photo if pillow_reads_it else read_or_needs_codecs
    if photo := read(file):
        expected = np.rint(levels * (65535 / (2**bits - 1)))
        expected = expected if photometric else 65535 - expected
        assert_array_equal(photo.pixels, expected)


def lzw(pixels, **options):
    """A TIFF in LZW of 9 bits: codes are bytes, the table is cleared often."""
    file = bytearray(tiff(pixels, **options))
    codes = []
    for number, byte in enumerate(pixels.tobytes()):
        codes += [256, byte] if number % 200 == 0 else [byte]
    bits = "".join(f"{code:09b}" for code in (*codes, 257))
    bits += "0" * (-len(bits) % 8)
    coded = int(bits, 2).to_bytes(len(bits) // 8)
    with tifffile.TiffFile(io.BytesIO(file)) as opened:
        tags = opened.pages.first.tags
        for tag, value in ((259, 5), (273, len(file)), (279, len(coded))):
            layout = "<H" if tags[tag].dtype == 3 else "<I"
            struct.pack_into(layout, file, tags[tag].valueoffset, value)
    return bytes(file) + coded


def test_16_bit_grey_and_alpha_in_lzw_needs_codecs_or_is_read():
    pixels = np.dstack([DEEP_GREY, DEEP_GREY[::-1]])
    options = {"photometric": "minisblack", "planarconfig": "contig"}
    file = lzw(pixels, extrasamples=["unassalpha"], **options)
    if photo := read_or_needs_codecs(file):
        assert_array_equal(photo.pixels, DEEP_GREY)
        assert_array_equal(photo.alpha, DEEP_GREY[::-1])


def test_floats_up_to_white_are_read_and_others_refused():
    levels = (DEEP_GREY / 65535).astype(np.float32)
    assert_array_equal(read_photo(tiff(levels)).pixels, DEEP_GREY)
    rgb = read_photo(tiff(np.dstack([levels] * 3), photometric="rgb"))
    assert_array_equal(rgb.pixels[..., 1], np.rint(DEEP_GREY / 257))
    nan = np.where(levels > 0.5, np.float32(np.nan), levels)
    for wrong in (levels * 255, -levels, nan):
        with pytest.raises(UnreadablePhotoError, match="what white is"):
            read_photo(tiff(wrong))


def test_lab_and_cmyk_of_16_bits_equal_those_of_8():
    lab = np.asarray(ASTRONAUT.convert("LAB"))
    expected = read_photo(encoded(ASTRONAUT.convert("LAB"), "TIFF")).pixels
    # a* and b* are signed, 256 to the unit: Adobe, TIFF Technical Note 4.
    ab = (lab[..., 1:].view(np.int8).astype(np.int16) * 256).view(np.uint16)
    deep = np.dstack([lab[..., :1].astype(np.uint16) * 257, ab])
    photo = read_photo(tiff(deep, photometric="cielab"))
    assert_array_equal(photo.pixels, expected)
    inks = np.asarray(ASTRONAUT.convert("CMYK")).astype(np.uint16) * 257
    options = {"photometric": "separated", "planarconfig": "contig"}
    photo = read_photo(tiff(inks, **options))
    assert_allclose(photo.pixels, np.asarray(ASTRONAUT), atol=0)


@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize(
    "size", [(8, 8), (256, 64), (48, 36), (37, 700), (640, 360), (1, 9000)]
)
def test_a_jpeg_xl_is_measured_before_it_is_decoded(size, boxed):
    pytest.importorskip("pillow_jxl", reason="an extra")
    exif = Image.Exif()
    exif[0x010E] = "jxlc \xff\n in a box before the picture" * boxed
    options = {"exif": exif.tobytes()} if boxed else {}
    file = encoded(Image.new("L", size), "JXL", effort=1, **options)
    with pytest.raises(PhotoTooLargeError, match=f"{size[0]} x {size[1]}"):
        read_photo(file, max_pixels=size[0] * size[1] - 1)
    assert read_photo(file).width == size[0]


@pytest.mark.parametrize("boxes", [b"", bytes(8), b"\0\0\0\x01free" + bytes(8)])
def test_a_jpeg_xl_that_is_cut_off_ends_at_once(boxes):
    pytest.importorskip("pillow_jxl", reason="an extra")
    with pytest.raises(UnreadablePhotoError, match="cut off"):
        read_photo(b"\0\0\0\x0cJXL \r\n\x87\n" + boxes)


def test_an_avif_of_the_brand_of_heif_is_read():
    file = encoded(CAMERA, "AVIF")
    assert file[8:12] == b"avif"
    assert b"mif1" in file[16:40]
    renamed = file[:8] + b"mif1" + file[12:]
    assert_array_equal(read_photo(renamed).pixels, read_photo(file).pixels)
