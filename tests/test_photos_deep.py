"""Reading 12 and 16 bits a channel against tifffile and arithmetic."""

import struct

import numpy as np
import pytest
from fixtures.photo_files import encoded, png_16, tiff
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage import data

from keras_colorizer.photos import read_photo

CAMERA = np.asarray(Image.fromarray(data.camera()).resize((48, 36)))
DEEP_GREY = np.random.default_rng(0).integers(0, 65536, (36, 48), np.uint16)
DEEP_RGB = np.dstack([DEEP_GREY, DEEP_GREY[::-1], DEEP_GREY[:, ::-1]])


def test_a_transparent_level_of_16_bits_becomes_alpha():
    level = int(DEEP_GREY[3, 5])
    transparent = (b"tRNS", struct.pack(">H", level))
    photo = read_photo(png_16(DEEP_GREY, 0, transparent))
    assert_array_equal(photo.pixels, DEEP_GREY)
    assert_array_equal(photo.alpha, np.where(level == DEEP_GREY, 0, 255))


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("grey", [DEEP_GREY, CAMERA], ids=["16", "8"])
def test_grey_tiff_is_exact_whatever_white_is(
    byteorder, photometric, compression, grey
):
    white = np.iinfo(grey.dtype).max
    photo = read_photo(
        tiff(
            grey if photometric == "minisblack" else white - grey,
            byteorder=byteorder,
            photometric=photometric,
            compression=compression,
        )
    )
    assert_array_equal(photo.pixels, grey)
    assert photo.pixels.dtype == grey.dtype


def test_lzw_tiff_of_16_bits_is_exact():
    file = encoded(Image.fromarray(DEEP_GREY), "TIFF", compression="tiff_lzw")
    assert_array_equal(read_photo(file).pixels, DEEP_GREY)


def test_16_bit_grey_tiff_with_alpha_keeps_both():
    file = tiff(
        np.dstack([DEEP_GREY, DEEP_GREY[::-1]]),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
    )
    photo = read_photo(file)
    assert_array_equal(photo.pixels, DEEP_GREY)
    assert_array_equal(photo.alpha, DEEP_GREY[::-1])


def rgb_tiff(*channels, **options):
    pixels = np.dstack(channels)
    return tiff(pixels, photometric="rgb", planarconfig="contig", **options)


def test_a_fourth_channel_is_alpha_only_if_the_tiff_says_so():
    photo = read_photo(rgb_tiff(DEEP_RGB, DEEP_GREY, extrasamples=[0]))
    assert_array_equal(photo.pixels, np.rint(DEEP_RGB / 257))
    assert photo.alpha is None


def test_colors_multiplied_by_alpha_are_divided_by_it():
    alpha = np.full_like(DEEP_GREY, 32768)
    multiplied = np.rint(DEEP_RGB / 65535 * 32768).astype(np.uint16)
    photo = read_photo(rgb_tiff(multiplied, alpha, extrasamples=[1]))
    # Half of 16 bits loses nothing that 8 bits show but at the borders.
    assert_allclose(photo.pixels, DEEP_RGB / 257, atol=0.51)
    assert_array_equal(photo.alpha, alpha)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_16_bit_rgb_tiff_is_rounded(byteorder, planes, compression):
    is_separate = planes == "separate"
    file = tiff(
        np.moveaxis(DEEP_RGB, -1, 0) if is_separate else DEEP_RGB,
        photometric="rgb",
        planarconfig=planes,
        byteorder=byteorder,
        compression=compression,
    )
    assert_array_equal(read_photo(file).pixels, np.rint(DEEP_RGB / 257))


def test_16_bit_png_is_one_level_off_at_most():
    # Pillow keeps the high byte instead of rounding.
    rgb = read_photo(png_16(DEEP_RGB, 2))
    assert_allclose(rgb.pixels, DEEP_RGB / 257, atol=1)
    grey = read_photo(png_16(DEEP_RGB[..., :2], 4))
    assert_allclose(grey.pixels, DEEP_GREY / 257, atol=1)
    assert_allclose(grey.alpha, DEEP_GREY[::-1] / 257, atol=1)


def test_12_bit_tiff_spans_the_full_range():
    tags = {256: 2, 257: 1, 258: 12, 259: 1, 262: 1, 273: 8, 278: 1, 279: 3}
    directory = b"".join(
        struct.pack("<2H2I", tag, 4, 1, value) for tag, value in tags.items()
    )
    levels = bytes([0xFF, 0xF8, 0x00])  # 4095, 2048
    file = struct.pack("<2sHI", b"II", 42, 11) + levels
    file += struct.pack("<H", len(tags)) + directory + bytes(4)
    photo = read_photo(file)
    assert_array_equal(photo.pixels, [[65535, round(2048 / 4095 * 65535)]])


def test_orientation_of_what_only_tifffile_reads_is_applied():
    turned = rgb_tiff(DEEP_RGB, extratags=[(274, "H", 1, 6, True)])
    photo = read_photo(turned)
    assert_array_equal(photo.pixels, np.rint(np.rot90(DEEP_RGB, -1) / 257))
