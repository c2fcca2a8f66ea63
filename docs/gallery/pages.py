"""README.md of the gallery: which photo is where, and whose it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from entries import KINDS, Entry
from sheets import HEIGHT

TEMPLATE = "README.md.jinja"
ROWS = 8  # In a sheet, at most.
HEADINGS = {
    "good": "Good ones",
    "bad": "Bad ones",
    "old": "Black-and-white ones",
}
COLUMNS = {
    "good": "Input, colorized and truth",
    "bad": "Input, colorized and truth",
    "old": "Input and colorized",
}
LICENCES = {
    "CC BY 2.0": "https://creativecommons.org/licenses/by/2.0/",
    "CC0 1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
}


@dataclass(frozen=True)
class Page:
    """What is in one sheet.

    Attributes:
        kind: Of its photos.
        number: Of the sheet among those of its kind, from 1.
        entries: Its photos, from top to bottom.
    """

    kind: str
    number: int
    entries: Sequence[Entry]

    @property
    def file(self) -> str:
        """The name of the sheet's file."""
        return f"{self.kind}_{self.number}.jpg"

    @property
    def heading(self) -> str | None:
        """Stands above the first sheet of each kind."""
        return HEADINGS[self.kind] if self.number == 1 else None

    @property
    def alt(self) -> str:
        """Says what is in the sheet to those who do not see it."""
        titles = "; ".join(entry.title for entry in self.entries)
        return f"{COLUMNS[self.kind]}: {titles}"


def split(entries: Sequence[Entry]) -> list[Page]:
    """Puts photos into sheets of one kind and about equally many rows."""
    return [page for kind in KINDS for page in _pages(kind, entries)]


def _pages(kind, entries):
    shown = [entry for entry in entries if entry.kind == kind]
    count = -(-len(shown) // ROWS)
    starts = [i * len(shown) // count for i in range(count)]
    ends = [*starts[1:], len(shown)]
    return [
        Page(kind, number, shown[start:end])
        for number, (start, end) in enumerate(
            zip(starts, ends, strict=True), start=1
        )
    ]


def readme(pages: Sequence[Page], model: str | None) -> str:
    """Returns the text.

    Args:
        pages: The sheets, in their order.
        model: The name of what has colorized, None for the pretrained one.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # Markdown.
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["linked"] = _linked
    return environment.get_template(TEMPLATE).render(
        pages=pages, model=model, height=HEIGHT
    )


def _linked(licence):
    link = LICENCES.get(licence)
    return f"[{licence}]({link})" if link else licence
