"""Sheets of photos: a row each, of equal height, with a caption."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

HEIGHT = 192  # Of every photo.
GAP = 6
LINE = 18  # A line of text.
FONT_SIZE = 12
HEADINGS = ("Input", "Colorized", "Truth")
# Pillow's own font lacks the accents in the names of authors.
FONT = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")


@dataclass(frozen=True)
class Row:
    """One photo in a sheet.

    Attributes:
        panels: The input, the colorized photo and, if there is one, the true
            one; of one size.
        caption: Below them.
    """

    panels: Sequence[Image.Image]
    caption: str


def reduced(photo: Image.Image) -> Image.Image:
    """Returns a photo at the height of all; nothing is cut off."""
    width = round(photo.width * HEIGHT / photo.height)
    return photo.resize((width, HEIGHT), Image.Resampling.LANCZOS)


def sheet(rows: Sequence[Row]) -> Image.Image:
    """Lays out rows one below the other, as wide as the widest."""
    font = ImageFont.truetype(FONT, FONT_SIZE)
    drawn = [_drawn(row, font) for row in rows]
    width = max(row.width for row in drawn)
    height = sum(row.height for row in drawn)
    result = Image.new("RGB", (width, height), "white")
    top = 0
    for row in drawn:
        result.paste(row, (0, top))
        top += row.height
    return result


def _drawn(row, font):
    panels = [reduced(panel) for panel in row.panels]
    photos_width = sum(panel.width + GAP for panel in panels)
    width = GAP + max(photos_width, round(font.getlength(row.caption)) + GAP)
    height = LINE + HEIGHT + LINE + 2 * GAP
    result = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(result)
    left = GAP
    for heading, panel in zip(HEADINGS, panels, strict=False):
        draw.text((left, GAP // 2), heading, "dimgrey", font)
        result.paste(panel, (left, LINE))
        left += panel.width + GAP
    draw.text((GAP, LINE + HEIGHT + GAP // 2), row.caption, "black", font)
    return result
