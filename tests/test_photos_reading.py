"""Reading photos against Pillow's own pixels, tifffile and arithmetic."""

import io
import resource
import zlib

import numpy as np
import pytest
from fixtures.photo_files import encoded, png, tiff
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageOps
from skimage import data

from keras_colorizer.errors import PhotoTooLargeError, UnreadablePhotoError
from keras_colorizer.photos import MAX_PIXELS, Photo, read_photo, read_rgb

ASTRONAUT = Image.fromarray(data.astronaut()).resize((48, 36))
CAMERA = Image.fromarray(data.camera()).resize((48, 36))
DEEP_GREY = np.random.default_rng(0).integers(0, 65536, (36, 48), np.uint16)
DEEP_RGB = np.dstack([DEEP_GREY, DEEP_GREY[::-1], DEEP_GREY[:, ::-1]])


FILES = {
    "JPEG": encoded(ASTRONAUT, "JPEG"),
    "grey JPEG": encoded(CAMERA, "JPEG"),
    "CMYK JPEG": encoded(ASTRONAUT.convert("CMYK"), "JPEG"),
    "PNG": encoded(ASTRONAUT, "PNG"),
    "16-bit PNG": encoded(Image.fromarray(DEEP_GREY), "PNG"),
    "WebP": encoded(ASTRONAUT, "WEBP"),
    "BMP": encoded(ASTRONAUT, "BMP"),
    "GIF": encoded(ASTRONAUT, "GIF"),
    "TIFF": encoded(ASTRONAUT, "TIFF"),
    "LZW TIFF": encoded(ASTRONAUT, "TIFF", compression="tiff_lzw"),
    "16-bit TIFF": encoded(Image.fromarray(DEEP_GREY), "TIFF"),
    "16-bit RGB TIFF": tiff(DEEP_RGB, photometric="rgb"),
    "planar TIFF": tiff(
        np.moveaxis(DEEP_RGB, -1, 0),
        photometric="rgb",
        planarconfig="separate",
    ),
    "deflated TIFF": tiff(DEEP_RGB, photometric="rgb", compression="zlib"),
}


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("image", [ASTRONAUT, CAMERA], ids=["RGB", "grey"])
def test_lossless_formats_give_the_exact_pixels(image, format):
    photo = read_photo(encoded(image, format))
    assert_array_equal(photo.pixels, np.asarray(image))
    assert photo.format == format
    assert photo.alpha is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_mode_is_decoded_as_pillow_does(mode):
    image = CAMERA if mode in ("1", "L", "LA") else ASTRONAUT
    image = image.convert(mode)
    photo = read_photo(encoded(image, "TIFF"))
    is_grey = mode in ("1", "L", "LA")
    shown = image.convert("L" if is_grey else "RGB")
    assert_array_equal(photo.pixels, np.asarray(shown))
    assert (photo.alpha is not None) == (mode in ("LA", "RGBA"))


def test_ycbcr_tiff_is_decoded_to_rgb():
    photo = read_photo(encoded(ASTRONAUT.convert("YCbCr"), "TIFF"))
    # Both conversions round to whole levels.
    assert_allclose(photo.pixels, np.asarray(ASTRONAUT), atol=3)


def test_adobe_cmyk_jpeg_is_not_inverted():
    inked = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    photo = read_photo(encoded(inked, "JPEG", quality=95))
    assert_allclose(photo.pixels, np.full((16, 16, 3), [255, 0, 0]), atol=3)


def test_a_palette_of_greys_is_grey():
    photo = read_photo(encoded(CAMERA.quantize(32), "PNG"))
    assert_array_equal(
        photo.pixels, np.asarray(CAMERA.quantize(32).convert("L"))
    )


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_a_transparent_color_becomes_alpha(mode):
    image = ASTRONAUT.convert(mode)
    transparent = image.getpixel((0, 0))
    photo = read_photo(encoded(image, "PNG", transparency=transparent))
    is_it = np.asarray(image) == np.asarray(transparent)
    is_it = is_it.all(axis=-1) if mode == "RGB" else is_it
    if mode == "1":
        is_it = ~np.logical_xor(image, transparent > 0)
    assert_array_equal(photo.alpha, np.where(is_it, 0, 255))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_orientation_is_applied_and_removed(orientation, format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a description"
    options = {"lossless": True} if format == "WEBP" else {}
    file = encoded(ASTRONAUT, format, exif=exif, **options)
    with Image.open(io.BytesIO(file)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    photo = read_photo(file)
    assert_array_equal(photo.pixels, expected)
    assert_array_equal(read_rgb(file, short_side=None), expected)
    kept = Image.Exif()
    kept.load(photo.metadata.exif)
    kept = dict(kept)
    assert kept.pop(0x0112, 1) == 1
    assert kept == {0x010E: "a description"}


def test_damaged_exif_does_not_cost_the_photo():
    file = encoded(ASTRONAUT, "PNG", exif=b"Exif\0\0MM\0*\0\0\xff\xff")
    photo = read_photo(file)
    assert_array_equal(photo.pixels, np.asarray(ASTRONAUT))
    assert photo.metadata.exif is None


def test_exif_says_that_the_pixels_are_srgb_now():
    exif = Image.Exif()
    uncalibrated, interoperability = 0xFFFF, {1: "R03"}
    exif[0x8769] = {0xA001: uncalibrated, 0xA005: interoperability}
    kept = Image.Exif()
    kept.load(read_photo(encoded(ASTRONAUT, "JPEG", exif=exif)).metadata.exif)
    assert kept.get_ifd(0x8769)[0xA001] == 1
    assert kept.get_ifd(0xA005) == {1: "R98"}


@pytest.mark.parametrize("dpi", [(0, 0), (1, 1)])
def test_a_resolution_that_says_nothing_is_none(dpi):
    assert read_photo(encoded(ASTRONAUT, "JPEG", dpi=dpi)).dpi is None


def test_the_first_picture_of_a_file_is_read():
    options = {"save_all": True, "append_images": [CAMERA.convert("RGB")]}
    for format in ("TIFF", "PNG"):
        photo = read_photo(encoded(ASTRONAUT, format, **options))
        assert_array_equal(photo.pixels, np.asarray(ASTRONAUT))
    photo = read_photo(encoded(ASTRONAUT, "MPO", **options))
    assert photo.format == "MPO"
    assert_array_equal(photo.pixels, read_photo(FILES["JPEG"]).pixels)


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2"])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_arrays_of_every_shape_are_read(dtype, channels):
    pixels = np.arange(60).reshape(3, 4, 5)[..., :channels].astype(dtype)
    if channels is None:
        pixels = pixels[..., 0]
    photo = read_photo(pixels)
    is_grey = channels in (None, 1, 2)
    assert photo.pixels.shape == ((3, 4) if is_grey else (3, 4, 3))
    assert (photo.alpha is None) == (channels in (None, 1, 3))
    if is_grey:
        assert_array_equal(photo.pixels, pixels.reshape(3, 4, -1)[..., 0])


def test_a_small_file_of_many_pixels_is_refused_before_decoding():
    compressor = zlib.compressobj()  # Rows of 1 bit a pixel, 300 at a time.
    rows = [compressor.compress(bytes(300 * 3_751)) for _ in range(100)]
    data = b"".join(rows) + compressor.flush()
    bomb = png(30_000, 30_000, 1, 0, data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PhotoTooLargeError, match="30000 x 30000"):
        read_photo(bomb)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(bomb) < 200_000
    assert after - before < 50_000  # Kilobytes; decoded it takes 900,000.


def test_the_limit_is_inclusive():
    assert MAX_PIXELS == 100_000_000
    for source in (FILES["PNG"], FILES["deflated TIFF"], ASTRONAUT, DEEP_GREY):
        assert read_photo(source, max_pixels=48 * 36).width == 48
        with pytest.raises(PhotoTooLargeError, match="48 x 36"):
            read_photo(source, max_pixels=48 * 36 - 1)


@pytest.mark.parametrize("format", ["JPEG", "WebP", "TIFF", "GIF", "PNG"])
def test_pillows_own_limit_neither_interferes_nor_changes(monkeypatch, format):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_photo(FILES[format]).width == 48
    assert Image.MAX_IMAGE_PIXELS == 100
    with pytest.raises(UnreadablePhotoError):
        read_photo(b"no photo")
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_file_that_is_cut_off_is_refused(tmp_path, name, kept):
    path = tmp_path / "cut.jpg"
    path.write_bytes(FILES[name][: int(len(FILES[name]) * kept)])
    for read in (read_photo, lambda path: read_rgb(path, short_side=8)):
        with pytest.raises(UnreadablePhotoError, match=r"cut\.jpg"):
            read(path)


@pytest.mark.filterwarnings("ignore:::PIL")  # Pillow warns of damaged tags.
@pytest.mark.parametrize("name", FILES)
def test_damage_anywhere_is_read_or_refused_in_one_sentence(name):
    rng = np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(FILES[name])
        for place in rng.integers(0, min(len(damaged), 400), 3):
            damaged[place] = rng.integers(0, 256)
        try:
            read_photo(bytes(damaged))
        except (UnreadablePhotoError, PhotoTooLargeError) as error:
            assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg", "zstd"]
)
def test_libtiff_writes_nothing_to_stderr(compression, capfd):
    content = bytearray(encoded(ASTRONAUT, "TIFF", compression=compression))
    content[8:24] = b"\xff" * 16  # The beginning of the pixels.
    with pytest.raises(UnreadablePhotoError, match="damaged"):
        read_photo(bytes(content))
    assert capfd.readouterr().err == ""


def test_each_reason_is_named(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not a photo")
    for name, reason in {
        "missing.jpg": "does not exist",
        "": "is a folder",
        "empty.jpg": "is empty",
        "text.jpg": "is not a JPEG",
    }.items():
        path = tmp_path / name
        with pytest.raises(UnreadablePhotoError, match=reason) as caught:
            read_photo(path)
        assert str(caught.value).startswith(f"`{path}` ")


@pytest.mark.parametrize(
    "source",
    [
        np.zeros((2, 2), np.float32),
        np.zeros((2, 2), bool),
        np.zeros((2, 2, 5), np.uint8),
        np.zeros(2, np.uint8),
        np.zeros((0, 2), np.uint8),
        Image.new("I", (2, 2)),
        Image.new("F", (2, 2)),
        Image.new("L", (0, 2)),
        tiff(np.full((2, 2), 255, np.float32)),
        tiff(np.zeros((2, 2), np.uint32)),
        b"",
    ],
    ids=lambda source: getattr(source, "dtype", type(source).__name__),
)
def test_what_is_no_photo_is_refused(source):
    with pytest.raises(UnreadablePhotoError, match="The photo"):
        read_photo(source)


def test_other_kinds_of_file_are_never_opened():
    for format in ("EPS", "PDF", "ICO", "TGA"):  # A TGA needs its suffix.
        with pytest.raises(UnreadablePhotoError, match="is not a JPEG"):
            read_photo(encoded(ASTRONAUT, format))


@pytest.mark.parametrize("name", FILES)
def test_rgb_has_three_channels_and_at_least_the_short_side(name):
    for short_side, shape in {
        9: (9, 12, 3),  # A quarter.
        17: (18, 24, 3),  # Half: a third would be too small.
        30: (36, 48, 3),  # Nothing is resampled for a sixth less.
        72: (72, 96, 3),  # Enlarged.
        None: (36, 48, 3),
    }.items():
        rgb = read_rgb(FILES[name], short_side=short_side)
        assert rgb.shape == shape
        assert rgb.dtype == np.uint8


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_reducing_takes_the_mean_of_pixels(format):
    photo = data.astronaut()
    file = encoded(Image.fromarray(photo), format, quality=95)
    rgb = read_rgb(file, short_side=64).astype(np.float32)
    means = photo.reshape(64, 8, 64, 8, 3).mean(axis=(1, 3))
    # Rounding; in JPEG its own loss too, and that it reduces frequencies.
    limit = {"PNG": 0.5, "JPEG": 3}[format]
    assert np.sqrt(((rgb - means) ** 2).mean()) < limit


def test_what_is_transparent_is_white_in_rgb():
    pixels = np.uint8([[[10, 20, 30, 255], [10, 20, 30, 0]]])
    file = encoded(Image.fromarray(pixels), "PNG")
    rgb = read_rgb(file, short_side=None)
    assert_array_equal(rgb, [[[10, 20, 30], [255, 255, 255]]])


def test_16_bit_grey_is_rounded_in_rgb():
    rgb = read_rgb(FILES["16-bit PNG"], short_side=None)
    assert_array_equal(rgb, np.rint(DEEP_GREY / 257)[..., None].repeat(3, 2))


def test_color_is_told_from_grey():
    grey = CAMERA.convert("RGB")
    assert read_photo(ASTRONAUT).is_colored
    assert not read_photo(CAMERA).is_colored
    assert not read_photo(encoded(grey, "JPEG", quality=30)).is_colored
    assert Photo(DEEP_RGB).is_colored
