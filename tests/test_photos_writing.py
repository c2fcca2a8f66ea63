"""Writing photos, read back by Pillow, tifffile and TensorFlow."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage import data

from keras_colorizer.errors import UnwritablePhotoError
from keras_colorizer.photos import Photo, read_photo, write_photo
from keras_colorizer.photos.metadata import Metadata

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


def png_samples(path):
    return tf.io.decode_png(path.read_bytes(), dtype=tf.uint16).numpy()


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
    written = png_samples(tmp_path / "photo.png")
    assert_array_equal(written, expected)
    written = tifffile.imread(tmp_path / "photo.tif")
    assert_array_equal(written.reshape(expected.shape), expected)


def test_other_formats_round_16_bits(tmp_path):
    write_photo(Photo(DEEP_RGB), tmp_path / "photo.bmp")
    with Image.open(tmp_path / "photo.bmp") as image:
        assert_array_equal(np.asarray(image), np.rint(DEEP_RGB / 257))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("pixels", [RGB, GREY], ids=["RGB", "grey"])
def test_alpha_is_kept_where_it_can_be(tmp_path, suffix, pixels):
    path = tmp_path / f"photo{suffix}"
    write_photo(Photo(pixels, alpha=GREY), path)
    photo = read_photo(path)
    if suffix != ".webp":
        assert_array_equal(photo.pixels, pixels)
    assert_array_equal(photo.alpha, GREY)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_alpha_takes_the_depth_of_the_pixels(tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    write_photo(Photo(DEEP_GREY[:36], alpha=GREY[:, :31]), path)
    if suffix == ".png":
        alpha = png_samples(path)[..., 1]
    else:
        alpha = tifffile.imread(path)[..., 1]
    assert_array_equal(alpha, GREY[:, :31] * np.uint16(257))


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


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("pixels", [RGB, DEEP_RGB], ids=["8 bits", "16 bits"])
def test_exif_is_kept(tmp_path, suffix, pixels):
    path = tmp_path / f"photo{suffix}"
    write_photo(Photo(pixels, metadata=Metadata(exif=exif())), path)
    with Image.open(path) as image:
        tags = image.getexif()
        assert tags[0x010E] == "a description"
        assert tags[0x0132] == "1931:05:01 12:00:00"
        if suffix != ".tif":  # Which keeps the main texts alone.
            assert tags.get_ifd(0x8769)[0x9003] == "1931:05:01 12:00:00"
            assert tags.get_ifd(0x8825)[1] == "N"


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


def test_a_folder_or_file_in_the_way_is_named(tmp_path):
    (tmp_path / "photo.png").mkdir()
    (tmp_path / "folder").touch()
    with pytest.raises(UnwritablePhotoError, match=r"photo\.png.*directory"):
        write_photo(Photo(GREY), tmp_path / "photo.png")
    with pytest.raises(UnwritablePhotoError, match="folder"):
        write_photo(Photo(GREY), tmp_path / "folder" / "photo.png")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"photo.png", "folder"}


FULL_DISK = """
import resource, sys
import numpy
from keras_colorizer.photos import Photo, write_photo
noise = numpy.random.default_rng(0).integers(0, 256, (99, 99, 3), numpy.uint8)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_photo(Photo(noise), sys.argv[1])
except Exception as error:
    print(f"{type(error).__name__}: {error}")
"""


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    path.write_bytes(b"older")
    finished = subprocess.run(
        [sys.executable, "-c", FULL_DISK, path],
        capture_output=True,
        text=True,
        check=True,
    )
    sentence = f"`{path}` cannot be written: File too large."
    assert finished.stdout == f"UnwritablePhotoError: {sentence}\n"
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]
