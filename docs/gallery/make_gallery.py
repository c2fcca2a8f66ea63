"""Makes the gallery: `python docs/gallery/make_gallery.py PHOTOS`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from entries import KINDS, open_photo, read_entries
from pages import readme, split
from sheets import Row, sheet

from keras_colorizer.cli.running import run_command
from keras_colorizer.errors import ConfigError, DataError
from keras_colorizer.files import whole_file
from keras_colorizer.pretrained import DEFAULT
from keras_colorizer.silence import silent_stderr

HERE = Path(__file__).parent
LISTED = HERE / "photos.csv"
QUALITY = 88


@dataclass(frozen=True)
class Gallery:
    """Make sheets of photos, colorized beside the truth, and a page on them.

    What is shown is listed in photos.csv, beside this script. The photos that
    come with scikit-image need no folder. If any is not found, it is named, and
    nothing is written.

    Attributes:
        photos: Folders that hold the others, by name.
        model: What to colorize with: a run folder, a .keras or .tflite file,
            or the folder of a SavedModel. Without it: the pretrained `small`.
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
    return run_command(_run)


def _run():
    config = (tyro.conf.FlagCreatePairsOff,)
    make_gallery(tyro.cli(Gallery, config=config))


def make_gallery(options: Gallery) -> None:
    """Writes the gallery.

    Raises:
        ColorizerError: If a folder, a photo, a model or a column of the list
            is missing, or a photo damaged.
    """
    _check(options)
    listed = read_entries(LISTED)
    photos = {entry: open_photo(entry, options.photos) for entry in listed}
    missing = [entry.file for entry in listed if photos[entry] is None]
    if missing:
        raise DataError(
            f"PHOTOS: not found, {', '.join(missing)}: name their folders, or "
            f"take them out of {LISTED.name}. Nothing was written."
        )
    _write(split(listed), photos, options)


def _check(options):
    for folder in options.photos:
        if not folder.is_dir():
            raise ConfigError(f"PHOTOS: there is no folder `{folder}`.")
    if options.model is not None and not options.model.exists():
        raise ConfigError(f"--model: there is no `{options.model}`.")


def _write(pages, photos, options):
    colorizer = _load_colorizer(options.model)
    sheets = {page.file: _sheet(page, photos, colorizer) for page in pages}
    for kind in KINDS:
        for old in options.output.glob(f"{kind}_[0-9].jpg"):
            old.unlink()
    for name, picture in sheets.items():
        with whole_file(options.output / name) as path:
            picture.save(path, quality=QUALITY)
    model = None if options.model is None else options.model.resolve().name
    with whole_file(options.output / "README.md") as path:
        path.write_text(readme(pages, model), encoding="utf-8")


def _load_colorizer(model):
    with silent_stderr():
        from keras_colorizer import Colorizer

        if model is None:
            return Colorizer.from_preset(DEFAULT)
        return Colorizer.load(model)


def _sheet(page, photos, colorizer):
    return sheet(
        [
            Row(
                _panels(entry, photos[entry], colorizer),
                f"{number}. {entry.title}. {entry.author}, {entry.licence}",
            )
            for number, entry in enumerate(page.entries, start=1)
        ]
    )


def _panels(entry, photo, colorizer):
    panels = [
        colorizer.colorize(photo, saturation=0.0),
        colorizer.colorize(photo),
    ]
    return panels if entry.kind == "old" else [*panels, photo]


if __name__ == "__main__":
    sys.exit(main())
