"""serving/on_device.py: LiteRT, NumPy and Pillow alone, and the same colors.

The oracle is `Colorizer`: other readers, other code around the network.
"""

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import ExifTags, Image, ImageCms, ImageOps

from keras_colorizer import Colorizer
from keras_colorizer.photos import Photo, write_photo
from keras_colorizer.pretrained import DEFAULT, FOLDER

sys.path.insert(0, str(Path(__file__).parents[1] / "serving"))

import on_device

MODELS = FOLDER / DEFAULT
# Arithmetic of 32 bits, in other orders: a level tips over here and there.
LEVELS = 1
ORIENTATION, ARTIST = ExifTags.Base.Orientation, ExifTags.Base.Artist


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer.from_preset(DEFAULT)


@pytest.fixture
def run(run_main):
    """Runs the command; returns its exit code and what it said to stderr."""

    def run(*arguments):
        code, _, err = run_main(on_device.main, "on_device.py", *arguments)
        return code, err

    return run


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "old.png"
    Image.fromarray(skimage.data.camera()[100:260, 150:400]).save(path)
    return path


def assert_levels_equal(result, expected, tolerance):
    with Image.open(result) as image:
        assert image.size == expected.size
        rgb = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(rgb - np.asarray(expected.convert("RGB"))).max() <= tolerance


PHOTOS = {
    "one pixel": np.full((1, 1), 77, "uint8"),
    "grey": skimage.data.camera()[:200, :333],
    "color": skimage.data.astronaut()[:300],
    "panorama": np.tile(skimage.data.coffee()[:20], (1, 5, 1)),
}


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
@pytest.mark.parametrize("kind", PHOTOS)
def test_result_is_that_of_colorize(run, tmp_path, colorizer, kind, suffix):
    old, new = tmp_path / f"old.{suffix}", tmp_path / "new.png"
    Image.fromarray(PHOTOS[kind]).save(old)
    assert run(old, "-o", new) == (0, "")
    assert_levels_equal(new, colorizer.colorize(old), LEVELS)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_result_is_upright_and_keeps_exif(run, tmp_path, suffix):
    old, new = tmp_path / f"old.{suffix}", tmp_path / f"new.{suffix}"
    exif = Image.Exif()
    exif.update({ORIENTATION: 6, ARTIST: "Ada"})
    camera = Image.fromarray(skimage.data.camera()[:120, :200])
    camera.save(old, exif=exif, dpi=(300, 300))
    assert run(old, "-o", new)[0] == 0
    with Image.open(new) as result, Image.open(old) as original:
        assert result.size == (120, 200)
        assert result.getexif()[ARTIST] == "Ada"
        assert ORIENTATION not in result.getexif()
        if "dpi" in original.info:  # Not of WebP.
            assert result.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        upright = np.asarray(ImageOps.exif_transpose(original).convert("L"))
        grey = np.asarray(result.convert("L")).astype(int)
    # Luma instead of lightness, and lossy; turned otherwise it would be 50.
    assert np.abs(grey - upright).mean() < 5


def test_profile_is_converted(run, tmp_path, colorizer):
    old, new = tmp_path / "old.png", tmp_path / "new.png"
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # One whose red and blue are exchanged, and so the photo's lightness.
    swapped = srgb.replace(b"rXYZ", b"----", 1).replace(b"bXYZ", b"rXYZ", 1)
    profile = swapped.replace(b"----", b"bXYZ", 1)
    pixels = skimage.data.astronaut()[:200, :300]
    Image.fromarray(pixels).save(old, icc_profile=profile)
    assert run(old, "-o", new)[0] == 0
    # The profile's primaries are rounded.
    exchanged = np.ascontiguousarray(pixels[..., ::-1])
    assert_levels_equal(new, colorizer.colorize(exchanged), 4)


def test_damaged_profile_does_no_harm(run, tmp_path, colorizer, photo):
    old, new = tmp_path / "old.jpg", tmp_path / "new.png"
    Image.open(photo).save(old, icc_profile=b"no profile")
    assert run(old, "-o", new)[0] == 0
    assert_levels_equal(new, colorizer.colorize(old), LEVELS)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_deeper_photos_are_refused_naming_the_command(
    run, tmp_path, rng, channels, suffix
):
    old = tmp_path / f"deep.{suffix}"
    deep = rng.integers(0, 65536, (20, 30, 4), "uint16")
    colors = deep[..., :3] if channels > 2 else deep[..., 0]
    write_photo(Photo(colors, deep[..., 3] if channels % 2 == 0 else None), old)
    code, err = run(old, "-o", tmp_path / "new.png")
    assert code == 1
    assert f"Failed: `{old}`: " in err
    assert "`keras-colorizer colorize` takes" in err
    assert not (tmp_path / "new.png").exists()


def test_transparent_parts_become_white(run, tmp_path):
    old, new = tmp_path / "old.png", tmp_path / "new.png"
    pixels = np.zeros((40, 60, 4), "uint8")
    pixels[:, 30:] = 200, 200, 200, 255
    Image.fromarray(pixels).save(old)
    assert run(old, "-o", new)[0] == 0
    with Image.open(new) as result:
        white = np.asarray(result)[:, :25]
        painted = np.asarray(result)[:, 35:]
    # Painted, too; but nearly nothing can be on white.
    assert white.min() > 235
    assert painted.max() < 230


def test_photos_that_fail_are_named_and_the_others_written(
    run, tmp_path, photo, monkeypatch
):
    monkeypatch.setattr(on_device, "MAX_PIXELS", 50_000)
    cut, text, huge, gif = (
        tmp_path / name for name in ("cut.png", "text.jpg", "huge.png", "b.gif")
    )
    cut.write_bytes(photo.read_bytes()[:9000])
    text.write_text("no photo")
    Image.new("L", (300, 200)).save(huge)
    Image.open(photo).save(gif)
    missing = tmp_path / "missing.jpg"
    out = tmp_path / "new"
    code, err = run(cut, text, huge, missing, photo, gif, "-o", out)
    assert code == 1
    complaints = err.splitlines()
    for complaint, path in zip(
        complaints, (cut, text, huge, missing), strict=True
    ):
        assert complaint.startswith(f"Failed: `{path}`: ")
    assert "more than 50,000 pixels" in complaints[2]
    assert {p.name for p in out.iterdir()} == {"old.png", "b.png"}


def test_nothing_is_replaced(run, tmp_path, photo):
    before = photo.read_bytes()
    twin = tmp_path / "old.gif"  # Its result would be `old.png`, too.
    Image.open(photo).save(twin)
    for arguments in ([photo, "-o", photo], [photo, twin, "-o", tmp_path]):
        code, err = run(*arguments)
        assert code == 1
        assert "exists already" in err
    assert photo.read_bytes() == before
    assert set(tmp_path.iterdir()) == {photo, twin}


def test_result_is_whole_or_not_there(run, tmp_path, photo, monkeypatch):
    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(on_device.os, "replace", fail)
    code, err = run(photo, "-o", tmp_path / "new")
    assert code == 1
    assert "No space left" in err
    assert not list((tmp_path / "new").iterdir())


def test_wrong_command_lines_are_refused(run, photo, tmp_path):
    for arguments, words in [
        ([], "PHOTO"),
        ([photo, photo, "-o", tmp_path / "new.png"], "names one file"),
        ([photo, "--model", tmp_path / "none.tflite"], "none.tflite"),
    ]:
        code, err = run(*arguments)
        assert (code, words in err) == (2, True), err


@pytest.mark.parametrize("content", ["none", "cut", "ab"])
def test_other_files_are_no_models(run, photo, tmp_path, content):
    model = tmp_path / "model.tflite"
    whole = (MODELS / "ab_float16.tflite").read_bytes()
    model.write_bytes(
        {"none": b"", "cut": whole[:99_999], "ab": whole}[content]
    )
    code, err = run(photo, "-o", tmp_path / "new.png", "--model", model)
    assert code == 1
    assert f"Error: `{model}`: " in err


def test_script_imports_what_it_says():
    names = set()
    for node in ast.walk(ast.parse(Path(on_device.__file__).read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    packages = {name.split(".")[0] for name in names}
    others = packages - set(sys.stdlib_module_names)
    assert others == {"ai_edge_litert", "numpy", "PIL"}
