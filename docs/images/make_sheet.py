"""Lays out photos as grey | colorized | true, as in the README.

python docs/images/make_sheet.py OUTPUT MODEL PHOTO...
"""

from pathlib import Path

import numpy as np
import tyro
from PIL import Image, ImageOps

from keras_colorizer import Colorizer
from keras_colorizer.callbacks.sample_sheets import contact_sheet
from keras_colorizer.photos import read_rgb

SIZE = (288, 192)


def main(output: Path, model: Path, photos: tuple[Path, ...], /) -> None:
    """Writes the sheet.

    Args:
        output: A picture file.
        model: A run folder or a .keras file.
        photos: Color photos.
    """
    colorizer = Colorizer.load(model)
    truth = [Image.fromarray(read_rgb(p, short_side=None)) for p in photos]
    columns = [
        [colorizer.colorize(photo, saturation=0.0) for photo in truth],
        [colorizer.colorize(photo) for photo in truth],
        truth,
    ]
    sheet = contact_sheet(
        *(np.stack([ImageOps.fit(p, SIZE) for p in c]) for c in columns)
    )
    sheet.save(output, quality=90)


if __name__ == "__main__":
    tyro.cli(main)
