"""Makes the gallery: `python docs/gallery/make_gallery.py`."""

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jinja2
import matplotlib
import numpy as np
import skimage.data
import sklearn.datasets
import tyro
from PIL import Image, ImageDraw, ImageFont
from skimage.color import deltaE_ciede2000, rgb2lab

from keras_colorizer import Colorizer
from keras_colorizer.cli.running import run_command
from keras_colorizer.errors import DataError
from keras_colorizer.files import whole_file
from keras_colorizer.photos import read_rgb

HERE = Path(__file__).parent
LISTED = HERE / "photos.csv"
# Where packages keep their photos, by the word before the colon in a name.
FOLDERS = {
    "skimage": Path(skimage.data.data_dir),
    "sklearn": Path(sklearn.datasets.__file__).parent / "images",
    "matplotlib": Path(matplotlib.get_data_path(), "sample_data"),
}
GROUPS = ("best", "median", "worst")
SHOWN = 5  # Photos of each group.
HEIGHT = 176  # Of every photo.
GAP = 6
LINE = 18  # A line of text.
HEADINGS = ("Input", "Colorized", "Truth")
# Pillow's own font lacks the accents in the names of authors.
FONT = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")


class Entry(NamedTuple):
    """A photo of the gallery, the columns of `photos.csv`."""

    file: str
    title: str
    author: str
    link: str
    licence: str


class Judged(NamedTuple):
    """A photo, colorized, and how near to its true colors.

    Attributes:
        entry: What is known of it.
        panels: Left grey, colorized, and as it truly is.
        grey: Mean CIEDE2000 of the photo left grey.
        colorized: Mean CIEDE2000 of the colorized one.
    """

    entry: Entry
    panels: tuple[Image.Image, Image.Image, Image.Image]
    grey: float
    colorized: float


@dataclass(frozen=True)
class Gallery:
    """Color a fixed list of photos; show the best, median and worst of them.

    The photos come with scikit-image, scikit-learn and matplotlib, and with
    Debian's packages lomiri-wallpapers-16.04, lomiri-wallpapers-20.04 and
    mate-backgrounds. If one is not found, it is named, and nothing is written.

    Attributes:
        backgrounds: Where the photos of the Debian packages lie.
        model: A run folder, a .keras or .tflite file, or the folder of a
            SavedModel. Without it: the pretrained `small`.
        output: Where to write README.md and the sheets.
    """

    backgrounds: Path = Path("/usr/share/backgrounds")
    model: Path | None = None
    output: Path = HERE


def main() -> int:
    """Parses the command line, makes the gallery, returns the exit code."""
    return run_command(lambda: make_gallery(tyro.cli(Gallery)))


def make_gallery(options: Gallery) -> None:
    """Writes the gallery.

    Raises:
        ColorizerError: If a photo or the model is missing or damaged.
    """
    with LISTED.open(encoding="utf-8", newline="") as file:
        entries = [Entry(**row) for row in csv.DictReader(file)]
    folders = {**FOLDERS, "debian": options.backgrounds}
    paths = [_path(entry, folders) for entry in entries]
    if missing := [path for path in paths if not path.is_file()]:
        raise DataError(
            f"Not found: {', '.join(map(str, missing))}. Install the packages "
            "that --help names, or name the folder with --backgrounds. "
            "Nothing was written."
        )
    colorizer = (
        Colorizer.load(options.model)
        if options.model
        else Colorizer.from_preset("small")
    )
    judged = [
        judge(entry, read_rgb(path, short_side=512), colorizer)
        for entry, path in zip(entries, paths, strict=True)
    ]
    _write(options, choose(judged), sum(j.colorized < j.grey for j in judged))


def judge(entry: Entry, rgb: np.ndarray, colorizer: Colorizer) -> Judged:
    """Colors a photo, `(h, w, 3)` uint8, and compares it with the truth."""
    truth = Image.fromarray(rgb)
    grey = colorizer.colorize(truth, saturation=0.0)
    colorized = colorizer.colorize(truth)
    errors = [
        deltaE_ciede2000(rgb2lab(rgb), rgb2lab(np.asarray(photo))).mean()
        for photo in (grey, colorized)
    ]
    return Judged(entry, (grey, colorized, truth), *errors)


def choose(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """Returns the groups, by the part of grey's CIEDE2000 that is left."""
    ranked = sorted(judged, key=lambda j: j.colorized / j.grey)
    first = (len(ranked) - SHOWN) // 2
    groups = ranked[:SHOWN], ranked[first : first + SHOWN], ranked[-SHOWN:]
    return dict(zip(GROUPS, groups, strict=True))


def _path(entry: Entry, folders: dict[str, Path]) -> Path:
    package, _, name = entry.file.partition(":")
    return folders[package] / name


def _sheet(photos: Sequence[Judged]) -> Image.Image:
    """Lays out rows one below the other, as wide as the widest."""
    rows = [
        _row(photo.panels, f"{number}. {photo.entry.title}")
        for number, photo in enumerate(photos, start=1)
    ]
    width, height = max(row.width for row in rows), rows[0].height
    sheet = Image.new("RGB", (width, height * len(rows)), "white")
    for place, row in enumerate(rows):
        sheet.paste(row, (0, place * height))
    return sheet


def _row(panels: Sequence[Image.Image], caption: str) -> Image.Image:
    """Draws panels of one size beside each other, and a caption below them."""
    font = ImageFont.truetype(FONT, 12)
    width = round(panels[0].width * HEIGHT / panels[0].height)
    size = len(panels) * (width + GAP) + GAP, 2 * (LINE + GAP) + HEIGHT
    row = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(row)
    for place, panel in enumerate(panels):
        left = GAP + place * (width + GAP)
        draw.text((left, GAP // 2), HEADINGS[place], "dimgrey", font)
        resampling = Image.Resampling.LANCZOS
        row.paste(panel.resize((width, HEIGHT), resampling), (left, LINE))
    draw.text((GAP, LINE + HEIGHT + GAP // 2), caption, "black", font)
    return row


def _write(
    options: Gallery, groups: dict[str, list[Judged]], nearer: int
) -> None:
    for name, photos in groups.items():
        with whole_file(options.output / f"{name}.jpg") as path:
            _sheet(photos).save(path, quality=90, subsampling=0)
    template = jinja2.Template(
        (HERE / "README.md.jinja").read_text(encoding="utf-8"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    with LISTED.open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    text = template.render(
        groups=groups, listed=listed, nearer=nearer, height=HEIGHT
    )
    with whole_file(options.output / "README.md") as path:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
