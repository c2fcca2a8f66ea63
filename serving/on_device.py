"""Colors a photo where only LiteRT, NumPy and Pillow are at hand.

    pip install ai-edge-litert numpy pillow
    python on_device.py colorizer_float16.tflite old.jpg new.png

The file does everything between pixels and pixels: there is nothing to scale,
to resize or to convert. It reads whole photos of any size; memory grows by
about 65 bytes a pixel.
"""

import os
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps


def load(path: str):
    """Returns a function from `(h, w, 3)` uint8 sRGB to the same in color."""
    interpreter = Interpreter(path, num_threads=os.cpu_count())
    run = interpreter.get_signature_runner("colorize")
    return lambda rgb: run(rgb=rgb[np.newaxis])["rgb"][0]


def colorize(model: str, photo: str, result: str) -> None:
    """Reads a photo, colors it and writes the result.

    Args:
        model: `colorizer_float16.tflite` or `colorizer_float32.tflite`.
        photo: A file that Pillow can read.
        result: A file that Pillow can write.
    """
    with Image.open(photo) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I"):  # 16 bits: to 8 of them.
            upright = Image.fromarray(np.uint8(np.asarray(upright) // 257))
        rgb = np.asarray(upright.convert("RGB"))
    Image.fromarray(load(model)(rgb)).save(result)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("Usage: on_device.py MODEL PHOTO RESULT")
    try:
        colorize(*sys.argv[1:])
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        sys.exit(f"Error: {error}")
