"""The gallery in docs/: made by its command, and what is committed of it."""

import contextlib
import csv
import importlib
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from matplotlib.ft2font import FT2Font
from numpy.testing import assert_allclose
from PIL import Image
from skimage.color import rgb2lab
from skimage.transform import resize

from keras_colorizer import Colorizer, ConfigError
from keras_colorizer.networks.generator_file import (
    load_generator,
    save_generator,
)
from keras_colorizer.networks.saturation import with_saturation

GALLERY = Path(__file__).parents[1] / "docs/gallery"
with (GALLERY / "photos.csv").open(encoding="utf-8", newline="") as listed:
    LISTED = list(csv.DictReader(listed))
README = (GALLERY / "README.md").read_text(encoding="utf-8")
KINDS = ("good", "bad", "old")
# What may be shown to everybody, changed in size and color.
LICENCES = ("CC BY 2.0", "CC0 1.0", "public domain", "public domain in the US")


@pytest.fixture(scope="module", autouse=True)
def gallery_path():
    """Lets its modules be imported, as the script imports them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(GALLERY)
        yield


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of generated photos, under the names that are listed."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number, row in enumerate(LISTED):
        if not row["file"].startswith("skimage:"):
            spots = rng.integers(60, 200, (3, 3, 3), "uint8")
            size = ((240, 240), (400, 300), (200, 320))[number % 3]
            photo = Image.fromarray(spots).resize(size)
            photo.save(folder / row["file"], quality=95)
    return folder


@pytest.fixture(scope="module")
def model(tiny_run, tmp_path_factory):
    """A file that paints boldly: two steps of training leave photos grey."""
    trained = load_generator(tiny_run.generator)
    path = tmp_path_factory.mktemp("model") / "bold.keras"
    save_generator(
        with_saturation(trained.generator, 100.0),
        path,
        preset=trained.preset,
        render_size=trained.render_size,
    )
    return path


@pytest.fixture(scope="module")
def make(model):
    """Runs the command; returns its exit code and errors in one line."""

    def make(*arguments):
        main = importlib.import_module("make_gallery").main
        words = ["make_gallery.py", *arguments, "--model", model]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [str(word) for word in words])
            with contextlib.redirect_stderr(io.StringIO()) as errors:
                code = main()
        return code, " ".join(errors.getvalue().split())

    return make


@pytest.fixture(scope="module")
def made(make, photos, tmp_path_factory):
    """The folder of a gallery of all that is listed."""
    folder = tmp_path_factory.mktemp("gallery")
    assert make(photos, "--output", folder) == (0, "")
    return folder


def original(row, photos):
    """The photo that a row of the list names, `(h, w, 3)` uint8."""
    name = row["file"]
    if name.startswith("skimage:"):
        photo = getattr(skimage.data, name.removeprefix("skimage:"))()
        return photo if photo.ndim == 3 else np.stack([photo] * 3, axis=-1)
    return np.asarray(Image.open(photos / name))


def drawn(kind, made):
    """All rows of the sheets of a kind with their text, from top to bottom."""
    sheets = importlib.import_module("sheets")
    height = sheets.LINE + sheets.HEIGHT + sheets.LINE + 2 * sheets.GAP
    for path in sorted(made.glob(f"{kind}_*.jpg")):
        sheet = np.asarray(Image.open(path))
        assert len(sheet) % height == 0
        for top in range(0, len(sheet), height):
            yield sheet[top : top + height]


def shown(kind, made):
    """The photos in all rows of the sheets of a kind."""
    sheets = importlib.import_module("sheets")
    for row in drawn(kind, made):
        yield row[sheets.LINE : sheets.LINE + sheets.HEIGHT, sheets.GAP :]


def rows(kind, made, photos):
    """Photos as listed, each with its panels and what is right of them."""
    listed = [row for row in LISTED if row["kind"] == kind]
    for row, strip in zip(listed, shown(kind, made), strict=True):
        photo = original(row, photos)
        width = round(photo.shape[1] * len(strip) / len(photo))
        gap = importlib.import_module("sheets").GAP
        count = 2 if kind == "old" else 3
        starts = [i * (width + gap) for i in range(count + 1)]
        panels = [strip[:, start : start + width] for start in starts[:-1]]
        yield photo, panels, strip[:, starts[-1] :]


def inner(rgb):
    """Away from the borders, where JPEG mixes in the white beside them."""
    return rgb[16:-16, 16:-16].astype("float64")


def reduced(photo, panel):
    """As scikit-image reduces it, levels of 255."""
    size = panel.shape[:2]
    return resize(photo, size, anti_aliasing=True, preserve_range=True)


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_truth_is_the_photo_itself(kind, made, photos):
    for photo, (*_, truth), _ in rows(kind, made, photos):
        difference = inner(truth) - inner(reduced(photo, truth))
        # JPEG at quality 88, and another way to reduce, on fine detail.
        assert np.abs(difference).mean() < 6
        # Were it another photo, or had it other colors, the mean would differ.
        assert_allclose(difference.mean(axis=(0, 1)), 0, atol=1)


@pytest.mark.parametrize("kind", KINDS)
def test_input_is_neutral_and_has_the_photo_s_lightness(kind, made, photos):
    for photo, (grey, *_), _ in rows(kind, made, photos):
        assert np.ptp(inner(grey), axis=-1).max() <= 2  # Rounded Y, Cb, Cr.
        lightness = rgb2lab(inner(grey) / 255)[..., 0]
        expected = rgb2lab(inner(reduced(photo, grey)) / 255)[..., 0]
        assert np.abs(lightness - expected).mean() < 3  # Of 100; see above.


@pytest.mark.parametrize("kind", KINDS)
def test_colorized_is_what_the_model_makes_of_it(kind, made, photos, model):
    colorizer = Colorizer.load(model)
    for photo, (_, colorized, *_), _ in rows(kind, made, photos):
        expected = reduced(np.asarray(colorizer.colorize(photo)), colorized)
        assert np.ptp(inner(expected), axis=-1).mean() > 20  # Far from grey.
        difference = inner(colorized) - inner(expected)
        assert np.abs(difference).mean() < 6
        assert_allclose(difference.mean(axis=(0, 1)), 0, atol=1)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stands_right_of_the_last_panel(kind, made, photos):
    for *_, rest in rows(kind, made, photos):
        assert (rest[:, 8:] > 240).all()  # JPEG's ringing ends after a block.


@pytest.mark.parametrize("kind", KINDS)
def test_a_caption_stands_below_each_row(kind, made):
    sheets = importlib.import_module("sheets")
    # A gap below the photos, whose ringing in JPEG ends there.
    top = sheets.LINE + sheets.HEIGHT + sheets.GAP
    for row in drawn(kind, made):
        assert row[top:].min() < 100  # Black text on white, as JPEG has it.


def test_missing_photos_are_named_and_nothing_is_touched(make, tmp_path):
    (tmp_path / "good_9.jpg").touch()
    code, error = make("--output", tmp_path)
    assert code == 2
    for row in LISTED:
        is_there = row["file"].startswith("skimage:")
        assert (row["file"] in error) != is_there
    assert [path.name for path in tmp_path.iterdir()] == ["good_9.jpg"]


def test_sheets_of_an_earlier_run_are_replaced(make, photos, tmp_path):
    for name in ("good_9.jpg", "good_mood.jpg"):
        (tmp_path / name).touch()
    code, error = make(photos, "--output", tmp_path)
    assert code == 0, error
    assert not (tmp_path / "good_9.jpg").exists()
    assert (tmp_path / "good_mood.jpg").exists()


def test_a_missing_folder_is_named_by_the_script(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "docs/gallery/make_gallery.py"),
            *(tmp_path / "nowhere", "--output", tmp_path),
        ],
        cwd=GALLERY.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("a.jpg,A,B,https://c,CC0 1.0,good,Red, not blue.", "quotes"),
        ("a.jpg,A,,https://c,CC0 1.0,good,Red.", "author"),
        ("a.jpg,A,B,https://c,CC0 1.0,ugly,Red.", "ugly"),
    ],
)
def test_a_wrong_row_is_named(row, named, tmp_path):
    entries = importlib.import_module("entries")
    path = tmp_path / "photos.csv"
    path.write_text(f"{','.join(LISTED[0])}\n{row}\n")
    with pytest.raises(ConfigError, match=named):
        entries.read_entries(path)


@pytest.mark.parametrize("row", LISTED, ids=lambda row: row["title"])
def test_each_photo_has_an_author_a_link_and_a_licence_to_show_it(row):
    assert all(row.values())
    assert re.fullmatch(r"https://\S+", row["link"])
    assert row["licence"] in LICENCES
    assert row["kind"] in KINDS
    assert re.fullmatch(r"[A-Z].*\.", row["remark"])
    entry = f"[{row['title']}](<{row['link']}>), {row['author']}, "
    about = README.partition(entry)[2]
    assert row["licence"] in about.splitlines()[0]
    assert about.splitlines()[1].strip() == row["remark"]


@pytest.mark.parametrize("row", LISTED, ids=lambda row: row["title"])
def test_captions_have_only_characters_of_their_font(row):
    font = FT2Font(str(importlib.import_module("sheets").FONT))
    caption = row["title"] + row["author"] + row["licence"]
    assert {ord(character) for character in caption} <= set(font.get_charmap())


def test_sheets_are_few_small_and_shown():
    sheets = sorted(GALLERY.glob("*.jpg"))
    assert 1 <= len(sheets) <= 4
    shown = re.findall(r"!\[.*\]\((.*)\)", README)
    assert sorted(shown) == [path.name for path in sheets]
    for path in sheets:
        assert path.stat().st_size < 400_000
