"""Colors photos with LiteRT, NumPy and Pillow alone.

    pip install ai-edge-litert numpy pillow
    python on_device.py old.jpg -o new.png
    python on_device.py scans/*.jpg -o colored/

`colorizer_float16.tflite`, which lies beside this file, does it all: upright
sRGB pixels in, the same in color out, for a photo of any size. The rest here
reads and writes photos of 8 bits a channel.

Exit code 0: all done; 1: something failed, and was named; 2: the command line
is wrong; 130: stopped by Ctrl-C.
"""

import argparse
import os
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

try:
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
except ImportError as error:
    sys.exit(f"Error: {error}: pip install ai-edge-litert numpy pillow")

HERE = Path(__file__).resolve().parent
PLACES = (HERE, HERE.parent / "keras_colorizer/pretrained/small")
MODEL = "colorizer_float16.tflite"
FAILED, INTERRUPTED = 1, 130

MAX_PIXELS = 16_000_000  # One takes 65 bytes: a gigabyte in all.
BITS_PER_SAMPLE = 258  # TIFF 6.0, section 8.
OTHERS = "`keras-colorizer colorize` takes larger, deeper and more kinds"

OPTIONS: dict[str, dict[str, Any]] = {
    **dict.fromkeys((".jpg", ".jpeg"), {"quality": 95, "subsampling": 0}),
    ".webp": {"quality": 95},
    **dict.fromkeys((".png", ".tif", ".tiff", ".bmp"), {}),
}


def main() -> int:
    """Parses the command line, colors, and returns the exit code."""
    options = _options()
    try:
        colorize = load(options.model)
    except (RuntimeError, ValueError) as error:
        return _complain("Error", options.model, error)
    code = 0
    for photo in options.photos:
        try:
            target = _target(photo, options.output)
            image = read(photo)
            rgb = colorize(np.asarray(_srgb(image)))
            write(Image.fromarray(rgb), target, like=image)
            print(f"{photo} -> {target}", flush=True)
        except Exception as error:  # Pillow has no closed list of them.
            code = _complain("Failed", photo, error)
    return code


def load(model: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function from `(h, w, 3)` uint8 sRGB to the same in color.

    Args:
        model: `colorizer_*.tflite`.

    Raises:
        RuntimeError, ValueError: If it is something else, or damaged.
    """
    interpreter = Interpreter(str(model), num_threads=os.cpu_count())
    run = interpreter.get_signature_runner("colorize")
    return lambda rgb: run(rgb=rgb[np.newaxis])["rgb"][0]


def read(photo: Path) -> Image.Image:
    """Reads a photo of 8 bits a channel, and turns it upright.

    Raises:
        ValueError: If it is too large, deeper, or no photo; and what Pillow
            raises.
    """
    Image.MAX_IMAGE_PIXELS = None  # Counted here.
    try:
        with Image.open(photo) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"more than {MAX_PIXELS:,} pixels; {OTHERS}")
            if _is_deep(image):
                raise ValueError(f"more than 8 bits a channel; {OTHERS}")
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return image
    except UnidentifiedImageError:
        raise ValueError(f"no photo that Pillow reads; {OTHERS}") from None


def write(image: Image.Image, path: Path, *, like: Image.Image) -> None:
    """Writes a photo, whole or not at all, with another one's EXIF and dpi.

    Raises:
        OSError: If that is impossible.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    notes = {"dpi": like.info["dpi"]} if "dpi" in like.info else {}
    if "exif" in like.info:
        notes["exif"] = like.getexif().tobytes()
    try:
        image.save(temporary, **OPTIONS[path.suffix.lower()], **notes)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_deep(image: Image.Image) -> bool:
    """Whether it has more than 8 bits a channel, which Pillow may cut off."""
    if image.format == "PNG":
        return any("16" in tile.args for tile in getattr(image, "tile", ()))
    bits = getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, (8,))
    return image.mode[0] in "IF" or max(bits) > 8


def _srgb(image: Image.Image) -> Image.Image:
    """8-bit sRGB; white where the photo is transparent."""
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
        image = image.convert("RGB")
    if profile and image.mode in ("L", "RGB", "CMYK"):
        # The photo is worth more than a damaged profile.
        with suppress(ImageCms.PyCMSError):
            srgb = ImageCms.createProfile("sRGB")
            to_srgb = ImageCms.buildTransform(
                BytesIO(profile), srgb, image.mode, "RGB"
            )
            return to_srgb.apply(image)
    return image.convert("RGB")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Color photos of 8 bits a channel."
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument("-o", "--output", type=Path, default=Path("colorized"))
    found = next(filter(Path.exists, (p / MODEL for p in PLACES)), Path(MODEL))
    parser.add_argument("--model", type=Path, default=found)
    options = parser.parse_args()
    if not options.model.is_file():
        parser.error(f"there is no `{options.model}`: name one with --model")
    if len(options.photos) > 1 and options.output.suffix.lower() in OPTIONS:
        parser.error(f"-o {options.output} names one file for several photos")
    return options


def _target(photo: Path, output: Path) -> Path:
    """The file to write: `output` itself, or one in it."""
    if output.suffix.lower() in OPTIONS and not output.is_dir():
        target = output
    elif photo.suffix.lower() in OPTIONS:
        target = output / photo.name
    else:
        target = output / f"{photo.stem}.png"
    if target.exists():
        raise ValueError(f"its result `{target}` exists already")
    return target


def _complain(kind: str, path: Path, error: Exception) -> int:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    print(f"{kind}: `{path}`: {reason}", file=sys.stderr, flush=True)
    return FAILED


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
