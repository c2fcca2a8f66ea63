"""Colors photos where only LiteRT, NumPy and Pillow are at hand.

    pip install ai-edge-litert numpy pillow
    python on_device.py old.jpg -o new.png
    python on_device.py scans/*.jpg -o colored/

All it needs is `colorizer_float16.tflite` beside it. Photos keep their size,
lightness, dots per inch and, but for those in TIFF, EXIF. Results are upright,
sRGB, of 8 bits a channel; what was transparent is white.

Exit code 0: all done; 1: something failed, and was named; 2: the command line
is wrong; 130: stopped by Ctrl-C.
"""

import argparse
import os
import sys
import uuid
from io import BytesIO
from pathlib import Path

try:
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image, ImageCms, ImageOps
except ImportError as error:
    sys.exit(f"Error: {error}: pip install ai-edge-litert numpy pillow")

HERE = Path(__file__).resolve().parent
PLACES = (HERE, HERE.parent / "keras_colorizer/pretrained/small")
MODEL = "colorizer_float16.tflite"
FAILED, INTERRUPTED = 1, 130

MAX_PIXELS = 100_000_000
# So many pixels go through the file in one call, in 65 bytes for each. Of
# larger photos it gives ab alone; they are merged here, strip by strip.
WHOLE = 1_000_000
STRIP = 2**16  # Pixels.

OPTIONS: dict[str, dict] = {
    ".jpg": {"quality": 95, "subsampling": 0},  # Color at full size.
    ".jpeg": {"quality": 95, "subsampling": 0},
    ".webp": {"quality": 95},
    **dict.fromkeys((".png", ".tif", ".tiff", ".bmp"), {}),
}

# Linear sRGB to the X, Y, Z that L*a*b* are made of, and back (D65).
XYZ_OF_RGB = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
XYZ_OF_RGB /= XYZ_OF_RGB.sum(axis=1, keepdims=True)  # Of white: 1, 1, 1.
RGB_OF_XYZ = np.float32(np.linalg.inv(XYZ_OF_RGB))
Y_OF_RGB = np.float32(XYZ_OF_RGB[1])
DELTA = 6 / 29  # CIE 15:2004


def main() -> int:
    """Parses the command line, colors, and returns the exit code."""
    options = _options()
    try:
        color = load(options.model)
    except (RuntimeError, ValueError) as error:
        return _complain("Error", options.model, error)
    code = 0
    written: set[Path] = set()
    for photo in options.photos:
        try:
            target = _target(photo, options, written)
            rgb, notes = read(photo)
            write(color(rgb), target, notes)
            written.add(target)
            print(f"{photo} -> {target}", flush=True)
        except Exception as error:  # Pillow has no closed list of them.
            code = _complain("Failed", photo, error)
    return code


def load(model: Path):
    """Returns a function from `(h, w, 3)` uint8 sRGB to the same in color.

    Args:
        model: `colorizer_*.tflite` or `ab_*.tflite`.

    Raises:
        ValueError: If it is something else, or damaged.
    """
    interpreter = Interpreter(str(model), num_threads=os.cpu_count())
    predict_ab = interpreter.get_signature_runner("predict_ab")
    side = predict_ab.get_input_details()["lightness"]["shape"][1]
    colorize = None
    if "colorize" in interpreter.get_signature_list():
        colorize = interpreter.get_signature_runner("colorize")

    def color(rgb):
        if colorize and rgb.shape[0] * rgb.shape[1] <= WHOLE:
            return colorize(rgb=rgb[np.newaxis])["rgb"][0]
        ab = predict_ab(lightness=network_view(rgb, side))["ab"]
        return merge(rgb, ab[0])

    return color


def network_view(rgb: np.ndarray, side: int) -> np.ndarray:
    """Shows a whole photo to the network: its L*, squashed to a square.

    Bilinear to 4 times the side, then the mean of 4 x 4.

    Args:
        rgb: `(h, w, 3)` uint8 sRGB.
        side: Of the square, in pixels.

    Returns:
        `(1, side, side, 1)` float32 L* in [0, 100].
    """
    above, below, down = _neighbours(rgb.shape[0], 4 * side)
    left, right, across = _neighbours(rgb.shape[1], 4 * side)

    def between(rows):
        start, end = _root(rows[:, left]), _root(rows[:, right])
        return start + (end - start) * across

    top, bottom = between(rgb[above]), between(rgb[below])
    large = 116 * (top + (bottom - top) * down[:, np.newaxis]) - 16
    return large.reshape(1, side, 4, side, 4, 1).mean(axis=(2, 4))


def merge(rgb: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Puts ab, upsampled bilinearly, under the lightness of a photo.

    Args:
        rgb: `(h, w, 3)` uint8 sRGB.
        ab: `(s, s, 2)` float32, L*a*b* units.

    Returns:
        `(h, w, 3)` uint8 sRGB; what that cannot show is clipped.
    """
    above, below, down = _neighbours(ab.shape[0], rgb.shape[0])
    left, right, across = _neighbours(ab.shape[1], rgb.shape[1])
    wide = ab[:, left] + (ab[:, right] - ab[:, left]) * across[:, np.newaxis]
    merged = np.empty_like(rgb)
    rows = max(1, STRIP // rgb.shape[1])
    for start in range(0, len(rgb), rows):
        strip = slice(start, start + rows)
        top, bottom = wide[above[strip]], wide[below[strip]]
        full = top + (bottom - top) * down[strip, np.newaxis, np.newaxis]
        y = _root(rgb[strip])
        x, z = y + full[..., 0] / 500, y - full[..., 1] / 200
        merged[strip] = _levels(np.stack([x, y, z], axis=-1))
    return merged


def _neighbours(small, large):
    """Which two of the samples each new one lies between, and how far on."""
    middles = (np.arange(large) + 0.5) * (small / large) - 0.5
    middles = np.clip(middles, 0, small - 1)
    before = middles.astype(int)
    return before, np.minimum(before + 1, small - 1), np.float32(middles % 1)


def _root(rgb):
    """(L* + 16) / 116 of sRGB levels."""
    return ROOTS[np.uint16(LIGHTS[rgb] @ Y_OF_RGB * 65535 + 0.5)]


def _levels(roots):
    """SRGB levels of the cube roots that L*a*b* are differences of."""
    line = (roots - 4 / 29) * (3 * DELTA**2)
    xyz = np.where(roots > DELTA, roots * roots * roots, line)
    light = np.clip(xyz @ RGB_OF_XYZ.T, 0, 1)
    return LEVELS[np.uint16(light * 65535 + 0.5)]


def _tables():
    """The curves of IEC 61966-2-1 and CIE 15:2004: tables are faster."""
    encoded, light = np.linspace(0, 1, 2**8), np.linspace(0, 1, 2**16)
    curve, line = ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92
    yield np.float32(np.where(encoded > 0.04045, curve, line))
    curve, line = 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light
    yield np.uint8(np.rint(255 * np.where(light > 0.0031308, curve, line)))
    curve, line = np.cbrt(light), light / (3 * DELTA**2) + 4 / 29
    yield np.float32(np.where(light > DELTA**3, curve, line))


LIGHTS, LEVELS, ROOTS = _tables()


def read(photo: Path) -> tuple[np.ndarray, dict]:
    """Reads a photo: upright, in sRGB.

    Returns:
        `(h, w, 3)` uint8 pixels, and what to give to `Image.save` with them.

    Raises:
        ValueError: If it has too many pixels; and what Pillow raises.
    """
    Image.MAX_IMAGE_PIXELS = None  # Counted here.
    with Image.open(photo) as image:
        if image.width * image.height > MAX_PIXELS:
            raise ValueError(f"it has more than {MAX_PIXELS:,} pixels")
        upright = ImageOps.exif_transpose(image)
        notes = {key: image.info[key] for key in ("dpi",) if key in image.info}
        if "exif" in image.info:
            notes["exif"] = upright.getexif().tobytes()
    return np.asarray(_srgb(_opaque(upright))), notes


def _opaque(image):
    if image.mode.startswith("I"):  # 16 bits: to 8 of them.
        return Image.fromarray(np.uint8(np.rint(np.asarray(image) / 257)))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA"))
    return image


def _srgb(image):
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("L", "RGB", "CMYK"):
        try:
            return ImageCms.profileToProfile(
                image,
                BytesIO(profile),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except ImageCms.PyCMSError:
            pass  # The photo is worth more than a damaged profile.
    return image.convert("RGB")


def write(rgb: np.ndarray, path: Path, notes: dict) -> None:
    """Writes a photo in the format that the suffix names, whole or not at all.

    Raises:
        OSError: If that is impossible. An older file is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        options = OPTIONS[path.suffix.lower()]
        Image.fromarray(rgb).save(temporary, **options, **notes)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _options():
    parser = argparse.ArgumentParser(
        description="Colors photos; results keep their size and lightness."
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("colorized"),
        help="a folder (default: colorized), or a file for a single photo",
    )
    parser.add_argument(
        "--model",
        type=Path,
        default=next(filter(Path.exists, (p / MODEL for p in PLACES)), MODEL),
        help=f"a .tflite file (default: {MODEL} beside this script)",
    )
    options = parser.parse_args()
    if not options.model.is_file():
        parser.error(f"there is no `{options.model}`: name one with --model")
    if len(options.photos) > 1 and _names_a_file(options.output):
        parser.error(f"-o {options.output} names one file for several photos")
    return options


def _names_a_file(output):
    return output.suffix.lower() in OPTIONS and not output.is_dir()


def _target(photo, options, written):
    target = options.output
    if not _names_a_file(target):
        is_writable = photo.suffix.lower() in OPTIONS
        name = photo.name if is_writable else f"{photo.stem}.png"
        target = options.output / name
    if target.resolve() == photo.resolve():
        raise ValueError("its result would replace it: choose another folder")
    if target in written:
        raise ValueError(f"`{target}` is another photo's: choose a folder")
    return target


def _complain(kind, path, error):
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    print(f"{kind}: `{path}`: {reason}", file=sys.stderr, flush=True)
    return FAILED


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
