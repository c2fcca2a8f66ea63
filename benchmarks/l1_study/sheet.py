"""Photos from grey to true, a column for every weight."""

from pathlib import Path

from l1_study.results import ResultFolder
from l1_study.settings import StudyConfig
from PIL import Image, ImageDraw

from keras_colorizer.callbacks.sample_sheets import HEADING, MARGIN
from keras_colorizer.evaluation.judging import left_grey
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.photos import Photo, read_rgb

WIDTH = 192  # Pixels of each photo on the sheet.

# Of each column its title, and the photos in it.
Columns = dict[str, list[Image.Image]]


class Sheet:
    """Colors photos whole, with the generators that were judged.

    Args:
        config: Names the photos.
        folder: Holds the generators.
    """

    def __init__(self, config: StudyConfig, folder: ResultFolder):
        self.config = config
        self.folder = folder
        self._true = [read_rgb(p, short_side=None) for p in config.sheet_photos]
        self._colorized: dict[Path, list[Image.Image]] = {}

    def draw(self) -> Image.Image:
        """Draws a block of rows for each discriminator."""
        names = dict.fromkeys(run.discriminator for run in self.config.runs)
        return _stacked([_block(name, self._columns(name)) for name in names])

    def _columns(self, discriminator) -> Columns:
        runs = [
            run
            for run in self.config.runs
            if run.discriminator == discriminator
            and run.seed == self.config.runs[0].seed
            and self.folder.played(run) is not None
        ]
        generators = {"the start": self.folder.start_generator} | {
            f"{run.l1_weight:g}": self.folder.generator(run) for run in runs
        }
        return {
            "left grey": [_small(left_grey(rgb)) for rgb in self._true],
            **{name: self._by(path) for name, path in generators.items()},
            "true": [_small(rgb) for rgb in self._true],
        }

    def _by(self, generator: Path) -> list[Image.Image]:
        """Colors the photos, once for each generator."""
        if generator not in self._colorized:
            colorizer = Colorizer.load(generator)
            self._colorized[generator] = [
                _small(colorizer.colorize_photo(Photo(rgb)).pixels)
                for rgb in self._true
            ]
        return self._colorized[generator]


def _small(rgb) -> Image.Image:
    photo = Image.fromarray(rgb)
    height = round(WIDTH * photo.height / photo.width)
    return photo.resize((WIDTH, height), Image.Resampling.LANCZOS)


def _block(discriminator, columns: Columns) -> Image.Image:
    heights = [photo.height + MARGIN for photo in columns["true"]]
    top = MARGIN + 2 * HEADING
    size = (MARGIN + len(columns) * (WIDTH + MARGIN), top + sum(heights))
    block = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(block)
    draw.text((MARGIN, MARGIN), f"{discriminator}, l1_weight:", fill="black")
    for i, (title, photos) in enumerate(columns.items()):
        left = MARGIN + i * (WIDTH + MARGIN)
        draw.text((left, MARGIN + HEADING), title, fill="black")
        for j, photo in enumerate(photos):
            block.paste(photo, (left, top + sum(heights[:j])))
    return block


def _stacked(blocks) -> Image.Image:
    width = max(block.width for block in blocks)
    height = sum(block.height for block in blocks)
    sheet = Image.new("RGB", (width, height), "white")
    top = 0
    for block in blocks:
        sheet.paste(block, (0, top))
        top += block.height
    return sheet
