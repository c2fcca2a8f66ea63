"""Files in, PNGs out, against Pillow; and files that are refused.

Everything runs twice: as traced, and as TF Serving runs it, from a SavedModel
in a session that knows tensors by their names alone.
"""

import io
import resource
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from skimage import data

from keras_colorizer.exporting.image_bytes import map_photos

MAX_PIXELS = 50 * 37

# An odd width, since rows of BMPs are padded.
ASTRONAUT = Image.fromarray(data.astronaut()).resize((49, 37))
CAMERA = Image.fromarray(data.camera()).resize((49, 37))
MASK = CAMERA.point(lambda level: 255 - level)
RGBA = ASTRONAUT.copy()
RGBA.putalpha(MASK)
LA = Image.merge("LA", [CAMERA, MASK])
DEEP = np.random.default_rng(0).integers(0, 65536, (37, 49, 4), np.uint16)


def encoded(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png(*chunks):
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in [*chunks, (b"IEND", b"")]
    )


def png_header(width, height, *, bits=8, color_type=0):
    fields = (width, height, bits, color_type, 0, 0, 0)
    return b"IHDR", struct.pack(">2I5B", *fields)


def deep_png(color_type, channels, *extra):
    header = png_header(49, 37, bits=16, color_type=color_type)
    rows = DEEP[..., :channels].astype(">u2").reshape(37, -1)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    return png(header, *extra, (b"IDAT", zlib.compress(lines)))


def bmp(width, height, bits, rows, *, compression=0, more=b""):
    """With a header of 40 bytes, and as many as `more` has."""
    sides = struct.pack("<I2i", 40 + len(more), width, height)
    kind = struct.pack("<2H6I", 1, bits, compression, 0, 0, 0, 0, 0)
    return _bmp(sides + kind + more, rows)


def core_bmp(width, height, bits, rows):
    return _bmp(struct.pack("<I4H", 12, width, height, 1, bits), rows)


def _bmp(header, rows):
    return b"BM" + struct.pack("<3I", 0, 0, 14 + len(header)) + header + rows


def webp(*chunks):
    body = b"".join(
        name + struct.pack("<I", len(content)) + content
        for name, content in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def canvas(width, height, flags=0):
    sides = struct.pack("<2I", width - 1, height - 1)
    return b"VP8X", bytes([flags, 0, 0, 0]) + sides[:3] + sides[4:7]


def lossy(width, height):
    """A frame's header: key frame, shown, start code, sides."""
    return b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<2H", width, height)


def lossless(width, height):
    bits = width - 1 | (height - 1) << 14
    return b"VP8L", b"\x2f" + struct.pack("<I", bits) + bytes(8)


def jpeg(width, height):
    """One whose header says another size than its pixels have."""
    file = bytearray(encoded(CAMERA, "JPEG"))
    frame = file.index(b"\xff\xc0")
    file[frame + 5 : frame + 9] = struct.pack(">2H", height, width)
    return bytes(file)


def negative(rgb):
    return 255 - rgb


@pytest.fixture(scope="module")
def function():
    def negatives(image_bytes):
        files = map_photos(image_bytes, negative, max_pixels=MAX_PIXELS)
        return {"image_bytes": files}

    spec = tf.TensorSpec([None], tf.string, name="image_bytes")
    return tf.function(negatives, input_signature=[spec])


@pytest.fixture(scope="module")
def session(function, tmp_path_factory):
    """What TF Serving makes of a SavedModel: a session, and tensor names."""
    path = str(tmp_path_factory.mktemp("saved_model"))
    module = tf.Module()
    module.function = function
    tf.saved_model.save(module, path, {"serving_default": function})
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], path)
    signature = meta_graph.signature_def["serving_default"]
    fed = signature.inputs["image_bytes"].name
    fetched = signature.outputs["image_bytes"].name
    yield lambda files: session.run(fetched, {fed: files})
    session.close()


@pytest.fixture(params=["traced", "served"])
def negatives(request):
    """Maps a list of files to a list of PNGs, by either way."""
    if request.param == "served":
        run = request.getfixturevalue("session")
        return lambda files: list(run(np.array(files, object)))
    run = request.getfixturevalue("function")
    return lambda files: list(
        run(tf.constant(files, tf.string))["image_bytes"].numpy()
    )


def pixels(file):
    """What Pillow sees, `(height, width, 3)` or, with alpha, 4."""
    image = Image.open(io.BytesIO(file))
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return np.asarray(image.convert(mode)).astype(int)


def inverted(pixels):
    return np.dstack([255 - pixels[..., :3], pixels[..., 3:]])


def assert_refused(negatives, file, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        negatives([GOOD, GOOD, file, GOOD])
    message = f"assertion failed: [`image_bytes` element 2 {sentence}]"
    assert message in str(error.value)


NOISE = np.random.default_rng(1).bytes(37 * 49 * 4)  # Rows of 32 bits.
COLOR = ASTRONAUT.getpixel((0, 0))

GOOD = encoded(ASTRONAUT, "PNG")
EXIF = Image.Exif()
EXIF[274] = 6  # Orientation: a quarter turn.

LOSSY = {
    "JPEG": encoded(ASTRONAUT, "JPEG"),
    "JPEG of full chroma": encoded(ASTRONAUT, "JPEG", subsampling=0),
    "progressive JPEG": encoded(ASTRONAUT, "JPEG", progressive=True),
    "grey JPEG": encoded(CAMERA, "JPEG"),
    "WebP": encoded(ASTRONAUT, "WEBP"),
    "WebP with alpha": encoded(RGBA, "WEBP"),
    "WebP with EXIF": encoded(ASTRONAUT, "WEBP", exif=EXIF),
}
LOSSLESS = {
    "RGB PNG": GOOD,
    "RGBA PNG": encoded(RGBA, "PNG"),
    "grey PNG": encoded(CAMERA, "PNG"),
    "grey PNG with alpha": encoded(LA, "PNG"),
    "black-and-white PNG": encoded(CAMERA.convert("1"), "PNG"),
    "palette PNG": encoded(ASTRONAUT.quantize(200), "PNG"),
    "palette PNG of 4 bits": encoded(ASTRONAUT.quantize(9), "PNG"),
    "palette PNG of 1 bit": encoded(ASTRONAUT.quantize(2), "PNG"),
    "palette PNG with alpha": encoded(RGBA.quantize(200), "PNG"),
    "PNG with a clear color": encoded(ASTRONAUT, "PNG", transparency=COLOR),
    "PNG with clear black": encoded(CAMERA.convert("1"), "PNG", transparency=0),
    "PNG with a clear index": encoded(
        ASTRONAUT.quantize(9), "PNG", transparency=3
    ),
    "PNG with texts": encoded(ASTRONAUT, "PNG", exif=EXIF, dpi=(300, 300)),
    "animated PNG": encoded(
        ASTRONAUT, "PNG", save_all=True, append_images=[CAMERA.convert("RGB")]
    ),
    "lossless WebP": encoded(ASTRONAUT, "WEBP", lossless=True),
    "lossless WebP with alpha": encoded(RGBA, "WEBP", lossless=True),
    "BMP": encoded(ASTRONAUT, "BMP"),
    "BMP from top to bottom": bmp(49, -37, 24, NOISE[: 148 * 37]),
    "BMP with a longer header": bmp(
        49, 37, 24, NOISE[: 148 * 37], more=bytes(84)
    ),
}


@pytest.mark.parametrize("file", LOSSY.values(), ids=LOSSY)
def test_lossy_files_are_decoded_as_pillow_does(negatives, file):
    (result,) = negatives([file])
    # Pillow brings its own builds of the same two libraries.
    assert_allclose(pixels(result), inverted(pixels(file)), atol=1)


@pytest.mark.parametrize("file", LOSSLESS.values(), ids=LOSSLESS)
def test_lossless_files_are_decoded_exactly(negatives, file):
    (result,) = negatives([file])
    assert_array_equal(pixels(result), inverted(pixels(file)))


@pytest.mark.parametrize(
    ("color_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)]
)
def test_16_bit_pngs_are_at_most_one_level_off(negatives, color_type, channels):
    (result,) = negatives([deep_png(color_type, channels)])
    colors = 3 if channels > 2 else 1
    # The upper 8 bits are taken, where rounding would be exact.
    levels = inverted(pixels(result))[..., [*range(colors), 3][:channels]]
    assert_allclose(levels, DEEP[..., :channels] / 257, atol=1)


def test_a_clear_level_of_16_bits_becomes_alpha(negatives):
    level = int(DEEP[3, 5, 0])
    key = b"tRNS", struct.pack(">H", level)
    (result,) = negatives([deep_png(0, 1, key)])
    is_clear = DEEP[..., 0] == level
    assert_array_equal(pixels(result)[..., 3], np.where(is_clear, 0, 255))


def test_photos_of_all_sizes_and_formats_share_a_batch(negatives):
    files = [
        encoded(ASTRONAUT.resize((width, 30)), format)
        for width, format in enumerate(["PNG", "BMP", "WEBP", "JPEG"] * 3, 1)
    ]
    results = negatives(files)
    assert len(results) == len(files)
    for file, result in zip(files, results, strict=True):
        assert_allclose(pixels(result), inverted(pixels(file)), atol=1)


def test_no_files_make_no_files(negatives):
    assert negatives([]) == []


def test_photos_are_taken_as_stored(negatives):
    (result,) = negatives([encoded(ASTRONAUT, "JPEG", exif=EXIF)])
    assert Image.open(io.BytesIO(result)).format == "PNG"
    assert Image.open(io.BytesIO(result)).size == ASTRONAUT.size


def test_threads_do_not_disturb_each_other(negatives):
    files = [*LOSSLESS.values(), *LOSSY.values()]
    batches = [files[start : start + 3] for start in range(len(files) - 3)]
    expected = negatives(files)
    with ThreadPoolExecutor(8) as threads:
        results = threads.map(negatives, batches)
    for start, batch in enumerate(results):
        assert batch == expected[start : start + 3]


OTHER = {
    "nothing": b"",
    "text": b"not a photo",
    "a beginning": b"\x89PNG",
    "GIF": encoded(CAMERA, "GIF"),
    "TIFF": encoded(CAMERA, "TIFF"),
    "JPEG XL": b"\xff\x0a" + bytes(30),
    "sound": b"RIFF\x24\0\0\0WAVEfmt " + bytes(30),
}


@pytest.mark.parametrize("file", OTHER.values(), ids=OTHER)
def test_other_formats_are_refused(negatives, file):
    sentence = (
        f"is no JPEG, PNG, WebP or BMP file ({len(file)} bytes): send the "
        "bytes of such a file."
    )
    assert_refused(negatives, file, sentence)


LARGER = ASTRONAUT.resize((51, 37))
TOO_LARGE = {
    "PNG": (51, 37, encoded(LARGER, "PNG")),
    "JPEG": (51, 37, encoded(LARGER, "JPEG")),
    "WebP": (51, 37, encoded(LARGER, "WEBP")),
    "BMP": (51, 37, encoded(LARGER, "BMP")),
    "BMP from top to bottom": (51, 37, bmp(51, -37, 24, b"")),
    "wide PNG": (30_000, 1, png(png_header(30_000, 1))),
    "tall PNG": (1, 30_000, png(png_header(1, 30_000))),
    "PNG of 2^32": (2**16, 2**16, png(png_header(2**16, 2**16))),
    "PNG of 2^64": (2**32 - 1, 2**32 - 1, png(png_header(*[2**32 - 1] * 2))),
    "largest JPEG": (65_500, 65_500, jpeg(65_500, 65_500)),
    "largest lossy WebP": (16_383, 16_383, webp(lossy(16_383, 16_383))),
    "wide lossy WebP": (16_383, 1, webp(lossy(16_383, 1))),
    "largest lossless WebP": (2**14, 2**14, webp(lossless(2**14, 2**14))),
    "tall lossless WebP": (1, 2**14, webp(lossless(1, 2**14))),
    "largest WebP": (2**24, 2**24, webp(canvas(2**24, 2**24))),
    "largest BMP": (2**31 - 1, 2**31, bmp(2**31 - 1, -(2**31), 24, b"")),
}


@pytest.mark.parametrize(
    ("width", "height", "file"), TOO_LARGE.values(), ids=TOO_LARGE
)
def test_large_photos_are_refused(negatives, width, height, file):
    sentence = (
        f"has {width} x {height} pixels, more than the limit of 1,850: "
        "reduce it."
    )
    assert_refused(negatives, file, sentence)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP"])
def test_the_limit_is_inclusive(negatives, format):
    (result,) = negatives([encoded(ASTRONAUT.resize((50, 37)), format)])
    assert pixels(result).shape == (37, 50, 3)


def test_a_small_file_of_many_pixels_is_refused_before_decoding(negatives):
    # TensorFlow itself refuses more than 2^29 pixels, but these would fit.
    compressor = zlib.compressobj(9)  # Rows of 1 bit a pixel, 200 at a time.
    rows = [compressor.compress(bytes(200 * 2_501)) for _ in range(100)]
    header = png_header(20_000, 20_000, bits=1)
    bomb = png(header, (b"IDAT", b"".join(rows) + compressor.flush()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert_refused(
        negatives,
        bomb,
        "has 20000 x 20000 pixels, more than the limit of 1,850: reduce it.",
    )
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(bomb) < 100_000
    assert after - before < 50_000  # Kilobytes; decoded it takes 1,200,000.


WHOLE = {
    "JPEG": LOSSY["JPEG"],
    "progressive JPEG": LOSSY["progressive JPEG"],
    "PNG": GOOD,
    "palette PNG": LOSSLESS["palette PNG"],
    "lossy WebP": LOSSY["WebP"],
    "lossless WebP": LOSSLESS["lossless WebP"],
    "WebP with alpha": LOSSY["WebP with alpha"],
    "BMP": LOSSLESS["BMP"],
}


def damaged(file):
    return f"is damaged or cut off ({len(file)} bytes): send the whole file."


@pytest.mark.parametrize("kept", [0.04, 0.3, 0.6, 0.98])
@pytest.mark.parametrize("file", WHOLE.values(), ids=WHOLE)
def test_files_that_are_cut_off_are_refused(negatives, file, kept):
    cut = file[: int(kept * len(file))]
    assert_refused(negatives, cut, damaged(cut))


@pytest.mark.parametrize("file", WHOLE.values(), ids=WHOLE)
def test_files_cut_off_within_the_header_are_refused(negatives, file):
    assert_refused(negatives, file[:19], damaged(file[:19]))


IDAT = b"IDAT", zlib.compress(b"\0\x40")
FRAME = LOSSY["WebP"][20:]
DAMAGED = {
    "PNG whose pixels are altered": GOOD[:900] + b"no!" + GOOD[903:],
    "PNG without pixels": png(png_header(4, 4)),
    "PNG of no width": png(png_header(0, 4), IDAT),
    "PNG of no height": png(png_header(4, 0), IDAT),
    "PNG with another chunk first": png(
        (b"aaAa", png_header(1, 1)[1]), png_header(1, 1), IDAT
    ),
    "PNG with two headers": png(
        png_header(1, 1), png_header(30_000, 30_000, bits=1), IDAT
    ),
    "PNG with a header too long": png((b"IHDR", bytes(3) + b"\1" * 20), IDAT),
    "PNG with a chunk without end": GOOD[:33] + b"\xff\xff\xff\xfftEXt",
    "JPEG of no height": jpeg(49, 0),
    "JPEG of no width": jpeg(0, 37),
    "lossy WebP of no width": webp(lossy(0, 37)),
    "lossy WebP of no height": webp(lossy(49, 0)),
    "WebP of no known kind": webp((b"VP9 ", bytes(40))),
    "WebP frame larger than its canvas": webp(canvas(4, 4), (b"VP8 ", FRAME)),
    "WebP frame smaller than its canvas": webp(
        canvas(50, 37), (b"VP8 ", FRAME)
    ),
    "WebP canvas without a frame": webp(canvas(49, 37)),
    "BMP with more behind": encoded(ASTRONAUT, "BMP") + b"more",
    "BMP of no width": bmp(0, 37, 24, NOISE),
    "BMP of no height": bmp(49, 0, 24, NOISE),
    "BMP of negative width": bmp(-49, 37, 24, NOISE),
}


@pytest.mark.parametrize("file", DAMAGED.values(), ids=DAMAGED)
def test_damaged_files_are_refused(negatives, file):
    assert_refused(negatives, file, damaged(file))


RARE_BMP = "is a BMP of a rare kind: save it as PNG, or with 24 bits a pixel."
RARE = {
    "CMYK JPEG": (
        encoded(ASTRONAUT.convert("CMYK"), "JPEG"),
        "is a CMYK JPEG: convert it to RGB.",
    ),
    "animated WebP": (
        encoded(
            ASTRONAUT,
            "WEBP",
            save_all=True,
            append_images=[CAMERA.convert("RGB")],
        ),
        "is an animated WebP: send a still one.",
    ),
    "WebP that claims to be animated": (
        webp(canvas(49, 37, flags=2), (b"VP8 ", FRAME)),
        "is an animated WebP: send a still one.",
    ),
    "compressed BMP": (bmp(49, 37, 8, NOISE, compression=1), RARE_BMP),
    "BMP of 16 bits": (bmp(49, 37, 16, NOISE), RARE_BMP),
    "BMP of 32 bits": (encoded(RGBA, "BMP"), RARE_BMP),
    "BMP of 32 bits with masks": (
        bmp(49, 37, 32, NOISE, compression=3, more=bytes(16)),
        RARE_BMP,
    ),
    "grey BMP": (encoded(CAMERA, "BMP"), RARE_BMP),
    "palette BMP": (encoded(ASTRONAUT.quantize(200), "BMP"), RARE_BMP),
    "black-and-white BMP": (encoded(CAMERA.convert("1"), "BMP"), RARE_BMP),
    "BMP of OS/2": (core_bmp(49, 37, 24, NOISE), RARE_BMP),
}


@pytest.mark.parametrize(("file", "sentence"), RARE.values(), ids=RARE)
def test_rare_kinds_are_refused(negatives, file, sentence):
    assert_refused(negatives, file, sentence)


def test_one_of_several_bad_files_is_named(negatives):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"element [13] is damaged"
    ):
        negatives([GOOD, GOOD[:99], GOOD, LOSSY["JPEG"][:99]])


def test_a_refusal_leaves_the_server_in_order(negatives):
    for _ in range(3):
        assert_refused(negatives, GOOD[:99], damaged(GOOD[:99]))
        (result,) = negatives([GOOD])
        assert_array_equal(pixels(result), inverted(pixels(GOOD)))
