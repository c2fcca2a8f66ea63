"""Writing photos, read back by Pillow and tifffile."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage import data

import keras_colorizer.photos
from keras_colorizer.errors import UnwritablePhotoError
from keras_colorizer.photos import Photo, read_photo, write_photo

RNG = np.random.default_rng(0)
RGB = np.asarray(Image.fromarray(data.astronaut()).resize((48, 36)))
GREY = np.asarray(Image.fromarray(data.camera()).resize((48, 36)))
DEEP_RGB = RNG.integers(0, 65536, (200, 31, 3), dtype=np.uint16)
DEEP_GREY = DEEP_RGB[..., 0]
DEEP_ALPHA = DEEP_RGB[::-1, :, 1]


def exif():
    tags = Image.Exif()
    tags[0x010E] = "a description"
    tags[0x0132] = "1931:05:01 12:00:00"
    tags[0x8769] = {0x9003: "1931:05:01 12:00:00", 0x829A: (1, 125)}
    tags[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
    return tags.tobytes()


def png_samples(file):
    """Decodes a PNG of 16 bits whose rows all have the filter Up."""
    position, chunks = 8, {}
    while position < len(file):
        size, name = struct.unpack_from(">I4s", file, position)
        content = file[position + 8 : position + 8 + size]
        chunks[name] = chunks.get(name, b"") + content
        position += size + 12
    width, height, bits, color_type = struct.unpack_from(
        ">2I2B", chunks[b"IHDR"]
    )
    assert bits == 16
    channels = {0: 1, 4: 2, 2: 3, 6: 4}[color_type]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8)
    rows = rows.reshape(height, 1 + 2 * channels * width)
    assert (rows[:, 0] == 2).all()
    samples = rows[:, 1:].cumsum(axis=0, dtype=np.uint8).view(">u2")
    return samples.reshape(height, width, channels)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp", ".PNG"])
@pytest.mark.parametrize("pixels", [RGB, GREY], ids=["RGB", "grey"])
def test_lossless_formats_keep_every_pixel(tmp_path, suffix, pixels):
    path = tmp_path / f"photo{suffix}"
    write_photo(Photo(pixels), path)
    with Image.open(path) as image:
        assert_array_equal(np.asarray(image), pixels)
        assert "icc_profile" not in image.info


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".jpe", ".jfif", ".webp"])
@pytest.mark.parametrize("pixels", [RGB, GREY], ids=["RGB", "grey"])
def test_lossy_formats_stay_near(tmp_path, suffix, pixels):
    path = tmp_path / f"photo{suffix}"
    write_photo(Photo(pixels), path)
    with Image.open(path) as image:
        written = np.asarray(image.convert("L" if pixels.ndim == 2 else "RGB"))
    # WebP keeps color at half the size, which tells in a small picture.
    limit = 6 if suffix == ".webp" else 3
    assert np.abs(written - pixels.astype(np.float32)).mean() < limit


def test_jpegs_keep_color_at_full_size(tmp_path):
    write_photo(Photo(RGB), tmp_path / "photo.jpg")
    with Image.open(tmp_path / "photo.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


@pytest.mark.parametrize("alpha", [None, DEEP_ALPHA], ids=["opaque", "alpha"])
@pytest.mark.parametrize("pixels", [DEEP_RGB, DEEP_GREY], ids=["RGB", "grey"])
def test_png_and_tiff_keep_16_bits(tmp_path, pixels, alpha):
    expected = np.dstack([pixels] if alpha is None else [pixels, alpha])
    write_photo(Photo(pixels, alpha), tmp_path / "photo.png")
    write_photo(Photo(pixels, alpha), tmp_path / "photo.tif")
    written = png_samples((tmp_path / "photo.png").read_bytes())
    assert_array_equal(written, expected)
    written = tifffile.imread(tmp_path / "photo.tif")
    assert_array_equal(written.reshape(expected.shape), expected)


@pytest.mark.parametrize("pixels", [DEEP_RGB, DEEP_GREY], ids=["RGB", "grey"])
def test_pillow_reads_our_16_bit_png(tmp_path, pixels):
    write_photo(Photo(pixels), tmp_path / "photo.png")
    with Image.open(tmp_path / "photo.png") as image:
        image.verify()
    with Image.open(tmp_path / "photo.png") as image:
        shown = pixels if pixels.ndim == 2 else pixels >> 8
        assert_array_equal(np.asarray(image), shown)


def test_other_formats_round_16_bits(tmp_path):
    write_photo(Photo(DEEP_RGB), tmp_path / "photo.bmp")
    with Image.open(tmp_path / "photo.bmp") as image:
        assert_array_equal(np.asarray(image), np.rint(DEEP_RGB / 257))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("pixels", [RGB, GREY], ids=["RGB", "grey"])
def test_alpha_is_kept_where_it_can_be(tmp_path, suffix, pixels):
    path = tmp_path / f"photo{suffix}"
    write_photo(Photo(pixels, alpha=GREY), path)
    photo = read_photo(path)
    assert_array_equal(photo.pixels, pixels)
    assert_array_equal(photo.alpha, GREY)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_alpha_takes_the_depth_of_the_pixels(tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    write_photo(Photo(DEEP_GREY[:36], alpha=GREY[:, :31]), path)
    if suffix == ".png":
        alpha = png_samples(path.read_bytes())[..., 1]
    else:
        alpha = tifffile.imread(path)[..., 1]
    assert_array_equal(alpha, GREY[:, :31] * np.uint16(257))


def test_webp_keeps_alpha_exactly(tmp_path):
    write_photo(Photo(RGB, alpha=GREY), tmp_path / "photo.webp")
    assert_array_equal(read_photo(tmp_path / "photo.webp").alpha, GREY)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_alpha_shows_white_where_it_cannot_be_kept(tmp_path, suffix, depth):
    alpha = np.zeros(GREY.shape, depth)
    alpha[:, :24] = np.iinfo(depth).max
    path = tmp_path / f"photo{suffix}"
    write_photo(Photo(np.zeros_like(GREY), alpha), path)
    # JPEG rings near the edge.
    expected = np.where(alpha, 0.0, 255.0)
    assert_allclose(read_photo(path).pixels, expected, atol=3)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("pixels", [RGB, DEEP_RGB], ids=["8 bits", "16 bits"])
def test_exif_is_kept(tmp_path, suffix, pixels):
    path = tmp_path / f"photo{suffix}"
    write_photo(Photo(pixels, exif=exif()), path)
    with Image.open(path) as image:
        tags = image.getexif()
        assert tags[0x010E] == "a description"
        assert tags.get_ifd(0x8769)[0x9003] == "1931:05:01 12:00:00"
        assert tags.get_ifd(0x8825)[1] == "N"


@pytest.mark.parametrize("pixels", [RGB, DEEP_RGB], ids=["8 bits", "16 bits"])
def test_tiff_keeps_the_main_texts_of_exif(tmp_path, pixels):
    write_photo(Photo(pixels, exif=exif()), tmp_path / "photo.tif")
    with Image.open(tmp_path / "photo.tif") as image:
        tags = image.getexif()
        assert tags[0x010E] == "a description"
        assert tags[0x0132] == "1931:05:01 12:00:00"


def test_exif_survives_reading_and_writing(tmp_path):
    first, second = tmp_path / "first.jpg", tmp_path / "second.jpg"
    write_photo(Photo(RGB, exif=exif()), first)
    write_photo(read_photo(first), second)
    assert read_photo(second).exif == read_photo(first).exif


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp"])
@pytest.mark.parametrize("pixels", [RGB, DEEP_RGB], ids=["8 bits", "16 bits"])
def test_resolution_is_kept(tmp_path, suffix, pixels):
    path = tmp_path / f"photo{suffix}"
    write_photo(Photo(pixels, dpi=(600, 300)), path)
    # PNG and BMP count whole dots per meter.
    assert_allclose(read_photo(path).dpi, (600, 300), atol=0.02)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_photo_of_one_pixel_is_written(tmp_path, suffix, shape, dtype):
    path = tmp_path / f"photo{suffix}"
    write_photo(Photo(np.full(shape, 7, dtype)), path)
    assert read_photo(path).pixels.shape[:2] == (1, 1)


# What cannot be written.


@pytest.mark.parametrize("name", ["photo.gif", "photo.txt", "photo", ".jpg"])
def test_other_suffixes_are_refused_naming_those_that_work(tmp_path, name):
    with pytest.raises(UnwritablePhotoError, match=r"\.jpg.*\.png.*\.tiff"):
        write_photo(Photo(GREY), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "side"), [("wide.webp", 16_383), ("wide.jpg", 65_500)]
)
def test_sides_too_long_for_a_format_are_refused(tmp_path, name, side):
    write_photo(Photo(np.zeros((1, side), np.uint8)), tmp_path / name)
    with pytest.raises(UnwritablePhotoError, match=f"{side:,}"):
        write_photo(Photo(np.zeros((1, side + 1), np.uint8)), tmp_path / name)


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "photo.png").mkdir()
    with pytest.raises(UnwritablePhotoError, match=r"photo\.png.*directory"):
        write_photo(Photo(GREY), tmp_path / "photo.png")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_a_file_where_the_folder_should_be_is_named(tmp_path):
    (tmp_path / "folder").touch()
    with pytest.raises(UnwritablePhotoError, match="folder"):
        write_photo(Photo(GREY), tmp_path / "folder" / "photo.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    path.write_bytes(b"older")
    script = (
        "import resource, sys\n"
        "from keras_colorizer.errors import UnwritablePhotoError\n"
        "from keras_colorizer.photos import Photo, write_photo\n"
        "import numpy\n"
        "noise = numpy.random.default_rng(0).integers(\n"
        "    0, 256, (99, 99, 3), numpy.uint8)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    write_photo(Photo(noise), sys.argv[1])\n"
        "except UnwritablePhotoError as error:\n"
        "    print(error)\n"
    )
    root = Path(keras_colorizer.photos.__file__).parents[2]
    finished = subprocess.run(
        [sys.executable, "-c", script, path],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout == f"`{path}` cannot be written: File too large.\n"
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_an_image_in_memory_is_as_good_as_its_file():
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "PNG")
    photo = read_photo(Image.fromarray(RGB))
    assert_array_equal(photo.pixels, read_photo(buffer.getvalue()).pixels)
