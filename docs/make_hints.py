"""Makes `hints.webp` from a photo of scikit-image: `python docs/make_hints.py`.

The photo as it comes, colored without a hint, and with one on the suit that
changes its color.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageColor, ImageDraw

from keras_colorizer import Colorizer, Hint

CLIP = Path(__file__).with_name("hints.webp")
SIDE = 320
SUIT = (0.17, 0.70)  # Shares of the width and height.
COLORS = ("#c8602c", "#3f62a8", "#3c7a50", "#8c3f7c")
STEPS = 3  # From one picture to the next.
HELD, STEP = 1200, 60  # Milliseconds.
DOT = 7  # Pixels, its radius.


def main() -> None:
    """Writes the clip."""
    colorizer = Colorizer.from_preset("small")
    grey = Image.fromarray(skimage.data.astronaut()).convert("L")
    grey = grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    pictures = [grey.convert("RGB"), colorizer.colorize(grey)]
    for color in COLORS:
        picture = colorizer.colorize(grey, hints=[Hint(*SUIT, color)])
        pictures.append(_with_dot(picture, color))
    frames, durations = zip(*_faded(pictures), strict=True)
    frames[0].save(
        CLIP,
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=0,
        quality=60,
        kmax=1,  # Else blocks of the picture before stay.
        method=6,
    )


def _with_dot(picture: Image.Image, color: str) -> Image.Image:
    x, y = (int(SIDE * share) for share in SUIT)
    box = (x - DOT, y - DOT, x + DOT, y + DOT)
    fill = ImageColor.getrgb(color)
    ImageDraw.Draw(picture).ellipse(box, fill, outline="white", width=2)
    return picture


def _faded(pictures: list[Image.Image]) -> Iterator[tuple[Image.Image, int]]:
    following = [*pictures[1:], pictures[0]]
    for picture, after in zip(pictures, following, strict=True):
        yield picture, HELD
        for share in np.linspace(0, 1, STEPS + 2)[1:-1]:
            yield Image.blend(picture, after, share), STEP


if __name__ == "__main__":
    main()
