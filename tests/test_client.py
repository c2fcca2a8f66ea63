"""`ColorizerClient`, against a small real server."""

import base64
import io
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from fixtures.colorizing_server import (
    Answer,
    colored,
    error,
    field_of_chroma,
    running,
)
from PIL import Image, ImageCms, ImageOps
from skimage.color import lab2rgb, rgb2lab

from keras_colorizer import color
from keras_colorizer.chroma import ops
from keras_colorizer.photos import read_photo

# As for the program that lies there.
sys.path.insert(0, str(Path(__file__).parents[1] / "serving"))

from colorizer_client import (
    ColoredPhoto,
    ColorizerClient,
    CommandLineError,
    PhotoError,
    RefusedError,
    UnreachableError,
    chroma,
)
from colorizer_client.retrying import delay

ORIENTATION, DESCRIPTION = 0x0112, 0x010E
MAX_PIXELS = 20_000
DAMAGED = "`image_bytes` element 0 is damaged or cut off (9 bytes): send it."


@pytest.fixture
def server():
    with running() as server:
        yield server


@pytest.fixture
def client(server):
    with ColorizerClient(
        server.url, max_pixels=MAX_PIXELS, retries=3
    ) as client:
        yield client


@pytest.fixture(scope="module")
def photo():
    """A color photo of 128 x 96 pixels."""
    return Image.fromarray(skimage.data.astronaut()[:96, 150:278])


def encoded(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def decoded(file):
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert("RGB"))


def levels_apart(one, other):
    return np.abs(np.int16(one) - np.int16(other)).max()


def profile(name):
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


PLAIN = {
    "JPEG": lambda photo: encoded(photo, "JPEG"),
    "grey JPEG": lambda photo: encoded(photo.convert("L"), "JPEG"),
    "JPEG, sRGB": lambda photo: encoded(
        photo, "JPEG", icc_profile=profile("sRGB")
    ),
    "JPEG, upright": lambda photo: encoded(photo, "JPEG", exif=turned(1)),
    "PNG": lambda photo: encoded(photo, "PNG"),
    "PNG, palette": lambda photo: encoded(photo.quantize(16), "PNG"),
    "PNG, alpha": lambda photo: encoded(translucent(photo), "PNG"),
    "WebP": lambda photo: encoded(photo, "WEBP"),
}


def turned(orientation):
    exif = Image.Exif()
    exif[ORIENTATION], exif[DESCRIPTION] = orientation, "Aunt Ada"
    return exif


def translucent(photo):
    return Image.fromarray(
        np.dstack([photo, np.tile(np.uint8(2 * np.arange(128)), (96, 1))])
    )


@pytest.mark.parametrize("kind", PLAIN)
def test_what_servers_take_goes_byte_for_byte(kind, client, server, photo):
    file = PLAIN[kind](photo)
    result = client.colorize(file)
    assert server.files == [file]
    assert (
        levels_apart(result.image.convert("RGB"), colored(decoded(file))) == 0
    )


def test_alpha_comes_back(client, photo):
    seen = translucent(photo)
    result = client.colorize(encoded(seen, "PNG"))
    assert result.image.getchannel("A") == seen.getchannel("A")


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_turned_photos_are_sent_upright(
    format, orientation, client, server, photo
):
    file = encoded(photo, format, exif=turned(orientation))
    result = client.colorize(file)
    with Image.open(io.BytesIO(file)) as image:
        upright = ImageOps.exif_transpose(image)
        assert levels_apart(decoded(server.files[0]), upright) == 0
    assert result.image.size == upright.size
    kept = Image.Exif()
    kept.load(result.exif)
    assert kept[DESCRIPTION] == "Aunt Ada"
    assert ORIENTATION not in kept


def wide_gamut():
    """Display P3's primaries in the matrix of an sRGB profile, rotated.

    Any profile does that moves colors by more than a few levels; this one
    exchanges red and green.
    """
    data = bytearray(profile("sRGB"))
    red, green = data.index(b"rXYZ"), data.index(b"gXYZ")
    data[red : red + 4], data[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(data)


CONVERTED = {
    "CMYK": lambda photo: encoded(photo.convert("CMYK"), "JPEG"),
    "other profile": lambda photo: encoded(
        photo, "JPEG", icc_profile=wide_gamut()
    ),
    "16 bits": lambda photo: encoded(sixteen_bits(photo), "PNG"),
    "16 bits, TIFF": lambda photo: encoded(sixteen_bits(photo), "TIFF"),
    "GIF": lambda photo: encoded(photo.quantize(64), "GIF"),
    "BMP": lambda photo: encoded(photo, "BMP"),
    "1 bit, TIFF": lambda photo: encoded(photo.convert("1"), "TIFF"),
    "animated WebP": lambda photo: encoded(
        photo,
        "WEBP",
        lossless=True,
        save_all=True,
        append_images=[ImageOps.invert(photo)],
    ),
}


def sixteen_bits(photo):
    return Image.fromarray(np.uint16(photo.convert("L")) * 257 + 5)


@pytest.mark.parametrize("kind", CONVERTED)
def test_what_servers_do_not_take_goes_as_png(kind, client, server, photo):
    file = CONVERTED[kind](photo)
    client.colorize(file)
    (sent,) = server.files
    assert sent.startswith(b"\x89PNG")
    expected = read_photo(file).pixels
    if expected.dtype == np.uint16:
        expected = np.rint(expected / 257)
    rgb = expected if expected.ndim == 3 else np.dstack(3 * [expected])
    # Rounding is all in which the two ways may differ.
    assert levels_apart(decoded(sent), rgb) <= 1


def test_pillow_images_are_photos(client, server, photo):
    result = client.colorize(photo)
    assert levels_apart(decoded(server.files[0]), photo) == 0
    assert result.image.size == photo.size


def test_large_photos_are_reduced_to_the_limit(client, server):
    large = Image.fromarray(skimage.data.camera()).resize((300, 200))
    result = client.colorize(encoded(large, "PNG"))
    width, height = result.image.size
    assert 0.95 * MAX_PIXELS < width * height <= MAX_PIXELS
    assert width / height == pytest.approx(1.5, rel=0.01)
    assert result.is_reduced
    assert result.image.size == decoded(server.files[0]).shape[1::-1]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_full_resolution_keeps_size_and_lightness(mode, client, server):
    large = Image.fromarray(skimage.data.astronaut())
    large = translucent_or(large.resize((600, 450)), mode)
    result = client.colorize(encoded(large, "PNG"), full_resolution=True)
    assert decoded(server.files[0]).size <= 3 * MAX_PIXELS
    assert result.image.size == large.size
    assert not result.is_reduced
    if mode == "RGBA":
        assert result.image.getchannel("A") == large.getchannel("A")
    expected = rgb2lab(np.asarray(large.convert("RGB")))
    # Nearer to black and white, sRGB can show hardly any color.
    middle = (expected[..., 0] > 25) & (expected[..., 0] < 85)
    expected[..., 1:] = field_of_chroma(450, 600)
    expected = rgb2lab(np.clip(lab2rgb(expected), 0, 1))
    got = rgb2lab(np.asarray(result.image.convert("RGB")))
    difference = np.abs(got - expected)[middle]
    # Half a level of 8 bits is up to 0.25 of L*, and for ab it is spent
    # twice, on the way back and in the result.
    assert np.percentile(difference[:, 0], 99) < 0.3
    assert difference[:, 1:].mean() < 0.3
    assert np.percentile(difference[:, 1:], 99) < 1.2


def translucent_or(image, mode):
    if mode == "RGBA":
        alpha = np.tile(np.linspace(0, 255, image.width), (image.height, 1))
        return Image.fromarray(np.dstack([image, np.uint8(alpha)]))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("strip", [500, 1 << 20])
def test_chroma_is_merged_as_the_model_does(mode, strip, monkeypatch, rng):
    monkeypatch.setattr(chroma, "STRIP", strip)
    whole = Image.fromarray(skimage.data.coffee()[:210, :333]).convert(mode)
    small = rng.integers(0, 256, (13, 21, 3), dtype=np.uint8)
    ab = color.rgb_to_lab(small)[None, ..., 1:]
    lightness = color.rgb_to_lightness(np.asarray(whole.convert("RGB")))[None]
    expected = tf.round(255 * ops.merge(lightness, ab)[0])
    result = chroma.merged(whole, Image.fromarray(small))
    assert levels_apart(result, expected) <= 1


@pytest.mark.parametrize("status", [429, 503])
def test_busy_servers_are_asked_again(status, client, server, photo):
    server.answers.append(error(status, "full"))
    assert client.colorize(photo).image.size == photo.size
    assert len(server.files) == 2
    assert len(set(server.files)) == 1


def test_dropped_connections_are_made_again(client, server, photo):
    server.answers.append(Answer(drop=True))
    assert client.colorize(photo).image.size == photo.size
    assert len(server.files) == 2


def test_retry_after_is_honored(client, server, photo):
    server.answers.append(error(503, "full", Retry_After="1"))
    client.colorize(photo)
    first, second = server.times
    assert second - first >= 1


def test_retries_are_bounded(server, photo):
    server.always = error(503, "queue is full", Retry_After="0")
    with (
        ColorizerClient(server.url, retries=2) as client,
        pytest.raises(RefusedError, match=r"queue is full \(503"),
    ):
        client.colorize(photo)
    assert len(server.files) == 3


def test_refusals_are_final_and_name_photo_and_reason(
    client, server, photo, tmp_path
):
    path = tmp_path / "scan.png"
    photo.save(path)
    for status in (400, 404, 413, 500, 504):
        server.files.clear()
        server.answers.append(error(status, "Such is life"))
        with pytest.raises(
            RefusedError, match=rf"`.*scan\.png`: Such is life \({status}"
        ):
            client.colorize(path)
        assert len(server.files) == 1


def test_who_sends_too_much_is_told_how_to_send_less(client, server, photo):
    server.answers.append(error(413, "The body is too large"))
    with pytest.raises(RefusedError, match="--full-resolution and smaller"):
        client.colorize(photo)


def test_a_photo_is_not_blamed_for_another_one_of_its_batch(
    client, server, photo
):
    server.answers.append(error(400, DAMAGED))
    assert client.colorize(photo).image.size == photo.size
    assert len(server.files) == 2


def test_a_damaged_photo_is_blamed_at_once(client, server, photo):
    cut_off = encoded(photo, "JPEG")[:-2000]
    with pytest.raises(RefusedError, match=r"is damaged or cut off .*400"):
        client.colorize(cut_off)
    assert server.files == [cut_off]


def test_a_photo_over_the_servers_limit_is_blamed_at_once(
    client, server, photo
):
    limit = "element 0 has 128 x 96 pixels, more than the limit of 100"
    server.always = error(400, f"`image_bytes` {limit}: reduce it.")
    with pytest.raises(RefusedError, match="more than the limit"):
        client.colorize(photo)
    assert len(server.files) == 1


def test_slow_servers_are_not_waited_for_forever(server, photo):
    server.always = Answer(seconds=3)
    started = time.monotonic()
    with (
        ColorizerClient(server.url, timeout=0.2, retries=0) as client,
        pytest.raises(UnreachableError, match=r"no answer .*timed out"),
    ):
        client.colorize(photo)
    assert time.monotonic() - started < 2


def test_no_server_is_said(photo):
    with running() as server:
        url = server.url
    with (
        ColorizerClient(url, retries=0) as client,
        pytest.raises(UnreachableError, match=rf"{url} .*refused.*--url"),
    ):
        client.colorize(photo)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"predictions": []}',
        b'{"predictions": [0.5]}',
        b'{"predictions": [{"b64": "not base64!"}]}',
        b'{"predictions": [{"b64": "iVBORw0KGgo="}]}',
    ],
)
def test_answers_that_are_no_photo_are_refused(body, client, server, photo):
    server.answers.append(Answer(200, body or b" "))
    with pytest.raises(RefusedError, match="is the model a colorizer"):
        client.colorize(photo)


def test_answers_of_another_size_are_refused(client, server, photo):
    small = client.colorize(photo.resize((8, 8)))
    assert small.image.size == (8, 8)
    other = encoded(photo.resize((8, 9)), "PNG")
    assert server.files[0] != other
    server.answers.append(prediction(other))
    with pytest.raises(RefusedError, match="is the model a colorizer"):
        client.colorize(photo.resize((8, 8)))


def prediction(file):
    text = base64.b64encode(file)
    return Answer(200, b'{"predictions": [{"b64": "%b"}]}' % text)


def test_connections_are_kept(client, server, photo):
    client.check()
    for _ in range(5):
        client.colorize(photo)
    assert server.connections == 1


def test_check_knows_whether_the_model_is_there(client, server):
    client.check()
    server.state = "LOADING"
    with pytest.raises(RefusedError, match=r"available \(LOADING\)"):
        client.check()
    with (
        ColorizerClient(server.url, model_name="a/b") as other,
        pytest.raises(RefusedError, match="any versions of model a%2Fb"),
    ):
        other.check()


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "localhost:8501"},
        {"url": "ftp://localhost"},
        {"url": "http://"},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"retries": -1},
        {"max_pixels": 0},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    (name,) = settings
    with pytest.raises(CommandLineError, match=name.replace("_", "-")):
        ColorizerClient(**{"url": "http://localhost", **settings})


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "is empty"),
        (b"hello", "is not a JPEG"),
        (b"\x89PNG\r\n\x1a\n", "is not a JPEG, .* or its beginning is damaged"),
    ],
)
def test_what_is_no_photo_is_not_sent(file, reason, client, server, tmp_path):
    path = tmp_path / "scan.png"
    path.write_bytes(file)
    with pytest.raises(PhotoError, match=rf"`.*scan\.png` {reason}"):
        client.colorize(path)
    with pytest.raises(PhotoError, match=r"missing\.png` does not exist"):
        client.colorize(tmp_path / "missing.png")
    assert not server.files


def test_floating_point_pixels_are_refused(client, photo):
    with pytest.raises(PhotoError, match="floating-point"):
        client.colorize(encoded(photo.convert("F"), "TIFF"))


@pytest.mark.parametrize("attempt", [0, 1, 3, 5, 6, 20])
def test_delays_double_with_chance_and_a_bound(attempt):
    longest = min(0.5 * 2**attempt, 16)
    delays = [delay(attempt) for _ in range(300)]
    assert longest / 2 <= min(delays) < 0.6 * longest
    assert 0.9 * longest < max(delays) <= longest


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), (" 40 ", 40), ("100000", 300), ("soon", 0), ("-5", 0)],
)
def test_what_servers_ask_for_is_waited(header, seconds):
    waited = delay(0, retry_after=header)
    assert seconds <= waited <= max(0.5, 1.25 * seconds)


def test_dates_are_waited_for():
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), True)
    assert 55 < delay(0, retry_after=soon) < 1.25 * 60
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), True)
    assert delay(0, retry_after=past) <= 0.5


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_results_keep_exif_and_resolution(suffix, photo, tmp_path):
    result = ColoredPhoto(photo, turned(1).tobytes(), (300.0, 300.0))
    path = tmp_path / "new" / f"result{suffix}"
    result.save(path)
    with Image.open(path) as written:
        assert written.getexif()[DESCRIPTION] == "Aunt Ada"
        if suffix != ".webp":  # Which has no place for it.
            assert written.info["dpi"] == pytest.approx((300, 300), rel=1e-3)
        # JPEG and WebP are lossy at their quality of 95.
        assert np.mean(np.abs(np.int16(written) - np.int16(photo))) < 3
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_transparent_photos_lie_on_white_in_formats_without_alpha(tmp_path):
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    ColoredPhoto(clear).save(tmp_path / "clear.bmp")
    with Image.open(tmp_path / "clear.bmp") as written:
        assert np.asarray(written).min() == 255


def test_results_that_cannot_be_written_are_named(photo, tmp_path):
    with pytest.raises(PhotoError, match=r"result\.xyz` must end in one of"):
        ColoredPhoto(photo).save(tmp_path / "result.xyz")
    (tmp_path / "file").touch()
    with pytest.raises(PhotoError, match=r"result\.png` cannot be written"):
        ColoredPhoto(photo).save(tmp_path / "file/result.png")
    wide = Image.new("RGB", (70_000, 1))
    with pytest.raises(PhotoError, match=r"wide\.jpg` cannot be written"):
        ColoredPhoto(wide).save(tmp_path / "wide.jpg")
