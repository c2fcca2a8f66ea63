"""Makes `film.webp` from a photo of scikit-image: `python docs/make_film.py`.

The camera pans, with the grain of old film. Left: the film; middle: each frame
colored by itself; right: colored as a film.
"""

import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import skimage.data
from PIL import Image

from keras_colorizer import Colorizer
from keras_colorizer.video.film import colorize_film

CLIP = Path(__file__).with_name("film.webp")
WIDTH, HEIGHT = SIZE = (240, 180)
SHOWN = (200, 150)
FRAMES, RATE = 36, 12
GRAIN = 9.0  # Levels of 255, a standard deviation.


def main() -> None:
    """Writes the clip."""
    colorizer = Colorizer.from_preset("small")
    films = list(_frames())
    with tempfile.TemporaryDirectory() as name:
        grey, colored = Path(name, "grey.mkv"), Path(name, "colored.mkv")
        _write(grey, films)
        colorize_film(colorizer, grey, colored)
        with av.open(str(colored)) as file:
            steady = [frame.to_image() for frame in file.decode(video=0)]
    rows = [
        (Image.fromarray(frame).convert("RGB"), colorizer.colorize(frame), new)
        for frame, new in zip(films, steady, strict=True)
    ]
    first, *others = map(_side_by_side, rows)
    first.save(
        CLIP,
        save_all=True,
        append_images=others,
        duration=1000 // RATE,
        loop=0,
        quality=45,
        method=6,
    )


def _frames():
    photo = Image.fromarray(skimage.data.coffee()).convert("L")
    rng = np.random.default_rng(0)
    for number in range(FRAMES):
        left, top = 6 * number, 2 * number
        box = (left, top, left + 360, top + 270)
        frame = np.asarray(photo.resize(SIZE, Image.Resampling.LANCZOS, box))
        grain = rng.normal(0, GRAIN, frame.shape)
        yield np.clip(frame + grain, 0, 255).astype("uint8")


def _write(path: Path, frames) -> None:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "gray"
        for number, levels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(levels, "gray")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _side_by_side(pictures) -> Image.Image:
    sheet = Image.new("RGB", (len(pictures) * SHOWN[0], SHOWN[1]))
    for number, picture in enumerate(pictures):
        sheet.paste(picture.resize(SHOWN), (number * SHOWN[0], 0))
    return sheet


if __name__ == "__main__":
    main()
