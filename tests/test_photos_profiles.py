"""ICC profiles, built here by hand, against the curves they stand for.

Source: ICC.1:2001-04 (version 2.4), sections 6.1 and 6.5.
"""

import struct

import numpy as np
import pytest
from fixtures.photo_files import encoded as file_of
from fixtures.photo_files import png_16
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageCms

from keras_colorizer.photos import read_photo, read_rgb

RAMP = np.arange(256, dtype=np.uint8)[None]
WHITE = (0.9642, 1.0, 0.8249)  # D50.
SRGB_PRIMARIES = {  # Adapted to D50: IEC 61966-2-1, annex F.
    "rXYZ": (0.4361, 0.2225, 0.0139),
    "gXYZ": (0.3851, 0.7169, 0.0971),
    "bXYZ": (0.1431, 0.0606, 0.7141),
}


def profile(space, tags, *, connection=b"XYZ ", kind=b"mntr"):
    table, content = b"", b""
    for name, value in tags.items():
        offset = 132 + 12 * len(tags) + len(content)
        table += struct.pack(">4s2I", name.encode(), offset, len(value))
        content += value + bytes(-len(value) % 4)
    size = 132 + len(table) + len(content)
    header = struct.pack(">I4sI", size, b"lcms", 0x02400000)
    header += kind + space + connection + bytes(12) + b"acsp" + bytes(28)
    header += xyz(WHITE)[8:]
    return (
        header.ljust(128, b"\0")
        + struct.pack(">I", len(tags))
        + (table + content)
    )


def xyz(values):
    fixed = [round(value * 65536) for value in values]
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *fixed)


def gamma(exponent):
    return b"curv" + struct.pack(">2IH", 0, 1, round(exponent * 256))


def table(curve):
    levels = np.rint(65535 * curve).astype(">u2")
    return b"curv" + struct.pack(">2I", 0, len(levels)) + levels.tobytes()


def grey_profile(exponent):
    return profile(b"GRAY", {"wtpt": xyz(WHITE), "kTRC": gamma(exponent)})


def rgb_profile(exponent):
    return rgb_profile_of(gamma(exponent))


def rgb_profile_of(curve):
    tags = {"wtpt": xyz(WHITE)}
    tags |= {name: xyz(value) for name, value in SRGB_PRIMARIES.items()}
    tags |= {f"{channel}TRC": curve for channel in "rgb"}
    return profile(b"RGB ", tags)


def cmyk_profile():
    """Paper is white, black ink black, and cyan ink is sRGB's red."""
    lab = np.zeros((2, 2, 2, 2, 3), np.uint8)  # Cyan, magenta, yellow, black.
    lab[:] = [0, 128, 128]
    lab[0, 0, 0, 0] = [255, 128, 128]
    lab[1, 0, 0, 0] = [138, 209, 198]  # L* 54.3, a* 80.8, b* 69.9 under D50.
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0])
    lut += struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    lut += RAMP.tobytes() * 4 + lab.tobytes() + RAMP.tobytes() * 3
    tags = {"wtpt": xyz(WHITE), "A2B0": lut}
    return profile(b"CMYK", tags, connection=b"Lab ", kind=b"prtr")


def encoded(image, icc_profile, format="PNG"):
    options = {"quality": 95} if format == "JPEG" else {}
    return file_of(image, format, icc_profile=icc_profile, **options)


def srgb_decoded(encoded):
    curve = ((encoded + 0.055) / 1.055) ** 2.4
    return np.where(encoded > 0.04045, curve, encoded / 12.92)


def srgb_encoded(linear):
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear > 0.0031308, curve, 12.92 * linear)


@pytest.mark.parametrize("exponent", [1.0, 1.8])
def test_rgb_is_converted_to_srgb(exponent):
    rgb = Image.fromarray(RAMP).convert("RGB")
    photo = read_photo(encoded(rgb, rgb_profile(exponent)))
    expected = 255 * srgb_encoded((RAMP / 255) ** exponent)
    # One level for rounding, one for the gamma of 8 fractional bits.
    assert_allclose(photo.pixels, expected[..., None].repeat(3, 2), atol=2)


@pytest.mark.parametrize("make_profile", [grey_profile, rgb_profile])
def test_grey_is_converted_and_stays_grey(make_profile):
    file = encoded(Image.fromarray(RAMP), make_profile(1.8))
    expected = 255 * srgb_encoded((RAMP / 255) ** 1.8)
    assert_allclose(read_photo(file).pixels, expected, atol=2)  # As above.


def test_16_bit_grey_is_converted_and_stays_deep():
    levels = np.arange(0, 65536, 16, dtype=np.uint16)[None]
    photo = read_photo(encoded(Image.fromarray(levels), grey_profile(1.8)))
    assert photo.pixels.dtype == np.uint16
    expected = 65535 * srgb_encoded((levels / 65535) ** 1.8)
    assert_allclose(photo.pixels, expected, atol=2 * 257)  # As above.
    assert len(np.unique(photo.pixels)) > 3000


def test_alpha_is_not_converted():
    image = Image.fromarray(np.dstack([RAMP] * 4))
    photo = read_photo(encoded(image, rgb_profile(1.0)))
    assert_array_equal(photo.alpha, RAMP)
    assert photo.pixels[0, 128, 0] > 180


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_is_converted_by_its_profile(format):
    inked = Image.new("CMYK", (32, 16))
    inked.paste((255, 0, 0, 0), (16, 0, 32, 16))
    photo = read_photo(encoded(inked, cmyk_profile(), format))
    # The profile's table has steps of 0.4 in L* and 1 in a* and b*.
    assert_allclose(photo.pixels[:, :16], 255, atol=3)
    red = np.full((16, 16, 3), [255, 0, 0])
    assert_allclose(photo.pixels[:, 16:], red, atol=12)


def test_training_reads_the_same_colors():
    rgb = Image.fromarray(RAMP.repeat(64, axis=0)).convert("RGB")
    file = encoded(rgb, rgb_profile(1.8), "JPEG")
    assert_array_equal(read_rgb(file, short_side=None), read_photo(file).pixels)


@pytest.mark.parametrize(
    "icc_profile",
    [
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        rgb_profile_of(table(srgb_decoded(np.linspace(0, 1, 32)))),
        b"damaged",
        rgb_profile(1.8)[:200],
        grey_profile(1.8),
        cmyk_profile(),
    ],
    ids=["sRGB", "coarse sRGB", "damaged", "cut off", "for grey", "for CMYK"],
)
def test_profiles_that_do_not_apply_change_nothing(icc_profile):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    photo = read_photo(encoded(Image.fromarray(pixels), icc_profile))
    assert_array_equal(photo.pixels, pixels)


def parametric(kind, *numbers):
    fixed = [round(number * 65536) for number in numbers]
    head = b"para" + struct.pack(">I2H", 0, kind, 0)
    return head + struct.pack(f">{len(fixed)}i", *fixed)


SRGB_NUMBERS = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
KNOTS = np.linspace(0, 1, 5)
# Each way to write a curve, and its formula: ICC.1:2022, 10.6 and table 68.
CURVES = {
    "gamma": (gamma(1.0), lambda x: x),
    "identity": (b"curv" + bytes(8), lambda x: x),
    "table": (table(KNOTS**2), lambda x: np.interp(x, KNOTS, KNOTS**2)),
    "0": (parametric(0, 1.0), lambda x: x),
    "1": (
        parametric(1, 2.0, 1.25, -0.25),
        lambda x: np.where(x >= 0.2, (1.25 * x - 0.25) ** 2, 0),
    ),
    "2": (
        parametric(2, 2.0, 0.75, 0.0, 0.4375),
        lambda x: (0.75 * x) ** 2 / 0.5625,  # Black is taken to black.
    ),
    "3": (parametric(3, *SRGB_NUMBERS), srgb_decoded),
    "4": (parametric(4, *SRGB_NUMBERS, 0.0, 0.0), srgb_decoded),
}
DEEP_RAMP = np.arange(0, 65536, 16, dtype=np.uint16)[None]


@pytest.mark.parametrize("kind", CURVES)
def test_every_kind_of_curve_is_evaluated_at_16_bits(kind):
    curve, formula = CURVES[kind]
    made = profile(b"GRAY", {"wtpt": xyz(WHITE), "kTRC": curve})
    photo = read_photo(encoded(Image.fromarray(DEEP_RAMP), made))
    expected = 65535 * srgb_encoded(formula(DEEP_RAMP / 65535))
    # Numbers of the curve have 16 bits: half a level of 8 bits in the shadows.
    assert_allclose(photo.pixels, expected, atol=128)


@pytest.mark.parametrize("make_profile", [grey_profile, rgb_profile])
def test_linear_shadows_equal_their_srgb_twin(make_profile):
    srgb = np.linspace(0, 0.3, 4096)[None]
    linear = np.rint(65535 * srgb_decoded(srgb)).astype(np.uint16)
    photo = read_photo(encoded(Image.fromarray(linear), make_profile(1.0)))
    assert_allclose(photo.pixels, 65535 * srgb, atol=257)  # A level of 8 bits.


def test_a_grey_profile_by_lightness_is_followed():
    tags = {"wtpt": xyz(WHITE), "kTRC": gamma(1.0)}
    made = profile(b"GRAY", tags, connection=b"Lab ")
    lightness = DEEP_RAMP / 655.35
    luminance = np.where(  # CIE 15.
        lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.2963
    )
    photo = read_photo(encoded(Image.fromarray(DEEP_RAMP), made))
    assert_allclose(photo.pixels, 65535 * srgb_encoded(luminance), atol=64)


def with_gamma(number, *others):
    chunks = [(b"gAMA", struct.pack(">I", number)), *others]
    return png_16(DEEP_RAMP, 0, *chunks)


@pytest.mark.parametrize("number", [100_000, 55_556])  # Linear, and 1.8.
def test_a_png_that_names_its_gamma_alone_is_decoded_by_it(number):
    linear = (DEEP_RAMP / 65535) ** (100_000 / number)
    photo = read_photo(with_gamma(number))
    assert_allclose(photo.pixels, 65535 * srgb_encoded(linear), atol=2)
    rgb = file_of(Image.fromarray(RAMP).convert("RGB"), "PNG")
    chunk = with_gamma(number)[33:49]
    photo = read_photo(rgb[:33] + chunk + rgb[33:])
    expected = 255 * srgb_encoded((RAMP / 255) ** (100_000 / number))
    assert_allclose(photo.pixels[..., 1], expected, atol=0.51)


@pytest.mark.parametrize("number", [45_455, 0])
def test_a_gamma_that_says_srgb_or_nothing_changes_nothing(number):
    assert_array_equal(read_photo(with_gamma(number)).pixels, DEEP_RAMP)
    file = with_gamma(100_000, (b"sRGB", b"\0"))
    assert_array_equal(read_photo(file).pixels, DEEP_RAMP)
