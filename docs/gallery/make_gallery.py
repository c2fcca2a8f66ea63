"""Makes the gallery: `python docs/gallery/make_gallery.py PHOTOS`."""

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import jinja2
import matplotlib
import numpy as np
import skimage.data
import tyro
from PIL import Image, ImageDraw, ImageFont

from keras_colorizer import Colorizer
from keras_colorizer.cli.running import run_command
from keras_colorizer.errors import ConfigError, DataError
from keras_colorizer.files import whole_file
from keras_colorizer.photos import read_rgb

HERE = Path(__file__).parent
LISTED = HERE / "photos.csv"
SKIMAGE = "skimage:"  # Before the name of a photo of scikit-image.
KINDS = ("good", "bad", "old")  # Of an old photo there is no true one.
ROWS = 8  # In a sheet, at most.
HEIGHT = 192  # Of every photo.
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
    kind: str
    remark: str


class Page(NamedTuple):
    """The photos of a sheet, from top to bottom."""

    kind: str
    number: int
    entries: list[Entry]

    @property
    def file(self) -> str:
        """The name of the sheet's file."""
        return f"{self.kind}_{self.number}.jpg"


@dataclass(frozen=True)
class Gallery:
    """Make sheets of photos, colorized beside the truth, and a page on them.

    The photos are listed in photos.csv, beside this script. Those that come
    with scikit-image need no folder. If any is not found, it is named, and
    nothing is written.

    Attributes:
        photos: Folders that hold the others, by name.
        model: A run folder, a .keras or .tflite file, or the folder of a
            SavedModel. Without it: the pretrained `small`.
        output: Where to write README.md and the sheets. The sheets of an
            earlier run are deleted there.
    """

    photos: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="PHOTOS..."),
    ]
    model: Path | None = None
    output: Path = HERE


def main() -> int:
    """Parses the command line, makes the gallery, returns the exit code."""
    return run_command(lambda: make_gallery(tyro.cli(Gallery)))


def make_gallery(options: Gallery) -> None:
    """Writes the gallery.

    Raises:
        ColorizerError: If a folder, a photo or the model is missing or damaged.
    """
    for folder in options.photos:
        if not folder.is_dir():
            raise ConfigError(f"PHOTOS: there is no folder `{folder}`.")
    with LISTED.open(encoding="utf-8", newline="") as file:
        entries = [Entry(**row) for row in csv.DictReader(file)]
    photos = {entry: _open_photo(entry, options.photos) for entry in entries}
    missing = [entry.file for entry in entries if photos[entry] is None]
    if missing:
        raise DataError(
            f"PHOTOS: not found, {', '.join(missing)}: name their folders, or "
            f"take them out of {LISTED.name}. Nothing was written."
        )
    colorizer = (
        Colorizer.load(options.model)
        if options.model
        else Colorizer.from_preset("small")
    )
    pages = [page for kind in KINDS for page in _pages(kind, entries)]
    sheets = {page.file: _sheet(page, photos, colorizer) for page in pages}
    _write(options, pages, sheets)


def _open_photo(entry: Entry, folders: Sequence[Path]) -> Image.Image | None:
    """Reads a photo, from the first folder that has it."""
    if entry.file.startswith(SKIMAGE):
        photo = getattr(skimage.data, entry.file.removeprefix(SKIMAGE))()
        return Image.fromarray(photo).convert("RGB")
    paths = [folder / entry.file for folder in folders]
    found = [path for path in paths if path.is_file()]
    return (
        Image.fromarray(read_rgb(found[0], short_side=None)) if found else None
    )


def _pages(kind: str, entries: Sequence[Entry]) -> list[Page]:
    """Puts photos into sheets of about equally many rows."""
    shown = [entry for entry in entries if entry.kind == kind]
    parts = np.array_split(np.arange(len(shown)), -(-len(shown) // ROWS))
    return [
        Page(kind, number, [shown[i] for i in part])
        for number, part in enumerate(parts, start=1)
    ]


def _sheet(
    page: Page, photos: dict[Entry, Image.Image], colorizer: Colorizer
) -> Image.Image:
    """Lays out rows one below the other, as wide as the widest."""
    rows = []
    for number, entry in enumerate(page.entries, start=1):
        photo = photos[entry]
        grey = colorizer.colorize(photo, saturation=0.0)
        panels = [grey, colorizer.colorize(photo)]
        caption = f"{number}. {entry.title}. {entry.author}, {entry.licence}"
        truth = [] if entry.kind == "old" else [photo]
        rows.append(_row([*panels, *truth], caption))
    width, height = max(row.width for row in rows), rows[0].height
    sheet = Image.new("RGB", (width, height * len(rows)), "white")
    for place, row in enumerate(rows):
        sheet.paste(row, (0, place * height))
    return sheet


def _row(panels: Sequence[Image.Image], caption: str) -> Image.Image:
    """Draws panels of one size beside each other, and a caption below them."""
    font = ImageFont.truetype(FONT, 12)
    width = round(panels[0].width * HEIGHT / panels[0].height)
    whole = max(
        len(panels) * (width + GAP), round(font.getlength(caption)) + GAP
    )
    row = Image.new("RGB", (GAP + whole, 2 * (LINE + GAP) + HEIGHT), "white")
    draw = ImageDraw.Draw(row)
    for place, panel in enumerate(panels):
        left = GAP + place * (width + GAP)
        draw.text((left, GAP // 2), HEADINGS[place], "dimgrey", font)
        resampling = Image.Resampling.LANCZOS
        row.paste(panel.resize((width, HEIGHT), resampling), (left, LINE))
    draw.text((GAP, LINE + HEIGHT + GAP // 2), caption, "black", font)
    return row


def _write(
    options: Gallery, pages: Sequence[Page], sheets: dict[str, Image.Image]
) -> None:
    for kind in KINDS:
        for old in options.output.glob(f"{kind}_[0-9].jpg"):
            old.unlink()
    for name, sheet in sheets.items():
        with whole_file(options.output / name) as path:
            sheet.save(path, quality=88)
    template = jinja2.Template(
        (HERE / "README.md.jinja").read_text(encoding="utf-8"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    model = options.model and options.model.resolve().name
    text = template.render(pages=pages, model=model, height=HEIGHT)
    with whole_file(options.output / "README.md") as path:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
