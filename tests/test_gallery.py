"""The gallery in docs/: made by its command, and what is committed of it."""

import csv
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.ft2font import FT2Font
from numpy.testing import assert_allclose
from PIL import Image
from skimage.color import rgb2lab
from skimage.transform import resize

from keras_colorizer import Colorizer

GALLERY = Path(__file__).parents[1] / "docs/gallery"
with (GALLERY / "photos.csv").open(encoding="utf-8", newline="") as listed:
    LISTED = list(csv.DictReader(listed))
README = (GALLERY / "README.md").read_text(encoding="utf-8")
# They allow to show a photo to everybody, changed in size and color.
LICENCES = (
    "CC BY 2.0",
    "CC BY 4.0",
    "CC BY-SA 3.0",
    "CC BY-SA 4.0",
    "CC0 1.0",
    "GPL 2 or later",
    "public domain",
)


@pytest.fixture(scope="module")
def script():
    path = GALLERY / "make_gallery.py"
    spec = importlib.util.spec_from_file_location("make_gallery", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(script, tmp_path_factory):
    """The folder of a gallery, with generated photos for those of Debian."""
    folder = tmp_path_factory.mktemp("backgrounds")
    rng = np.random.default_rng(0)
    for number, row in enumerate(LISTED):
        package, _, name = row["file"].partition(":")
        if package == "debian":
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            spots = rng.integers(60, 200, (3, 3, 3), "uint8")
            size = ((240, 240), (400, 300), (200, 320))[number % 3]
            Image.fromarray(spots).resize(size).save(path, quality=95)
    output = tmp_path_factory.mktemp("gallery")
    script.make_gallery(script.Gallery(backgrounds=folder, output=output))
    return output


def judged(script, grey, colorized):
    return script.Judged(None, (), grey, colorized)


def test_groups_are_the_ends_and_the_middle_of_the_ranks(script):
    photos = [judged(script, 10.0 + i, (10.0 + i) * i / 20) for i in range(20)]
    groups = script.choose(photos[::-1])
    assert groups["best"] == photos[:5]
    assert groups["median"] == photos[7:12]
    assert groups["worst"] == photos[15:]


def test_a_photo_is_judged_against_its_own_colors(script):
    rgb = np.full((64, 64, 3), (180, 120, 90), "uint8")
    photo = script.judge(None, rgb, Colorizer.from_preset("small"))
    a, b = rgb2lab(rgb)[0, 0, 1:]
    # CIEDE2000 counts less of a difference from grey than Euclid does.
    assert 0.4 * np.hypot(a, b) < photo.grey < np.hypot(a, b)
    assert_allclose(np.ptp(np.asarray(photo.panels[0]), axis=2), 0)
    assert np.array_equal(photo.panels[2], rgb)


def test_sheets_show_rows_of_input_colorized_and_truth(script, made):
    for name in script.GROUPS:
        sheet = np.asarray(Image.open(made / f"{name}.jpg"))
        assert len(sheet) == script.SHOWN * (
            2 * (script.LINE + script.GAP) + script.HEIGHT
        )
    text = (made / "README.md").read_text(encoding="utf-8")
    shown = [row for row in LISTED if f"[{row['title']}](" in text]
    assert len(shown) == script.SHOWN * len(script.GROUPS)


def test_panels_are_the_photo_reduced(script):
    rng = np.random.default_rng(1)
    spots = rng.integers(60, 200, (3, 4, 3), "uint8")
    panels = [Image.fromarray(spots).resize((400, 300)) for _ in range(3)]
    row = np.asarray(script._row(panels, "A caption"), "float64")
    size = script.HEIGHT, round(400 * script.HEIGHT / 300)
    expected = resize(
        np.float64(panels[0]), size, anti_aliasing=True, preserve_range=True
    )
    for place in range(3):
        left = script.GAP + place * (size[1] + script.GAP)
        shown = row[script.LINE :][: size[0], left : left + size[1]]
        # Two ways to reduce a smooth picture.
        assert np.abs(shown - expected).mean() < 1


def test_missing_photos_are_named_and_nothing_is_touched(
    script, run_main, tmp_path
):
    words = ["make_gallery.py", "--backgrounds", tmp_path / "nowhere"]
    code, _, error = run_main(script.main, *words, "--output", tmp_path)
    assert code in (1, 2)
    assert "nowhere" in error
    assert "Dune.jpg" in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("row", LISTED, ids=lambda row: row["title"])
def test_each_photo_has_an_author_a_link_and_a_licence_to_show_it(row, script):
    assert all(row.values())
    assert re.fullmatch(r"https://\S+", row["link"])
    assert row["licence"] in LICENCES
    caption = row["title"] + row["author"] + row["licence"]
    assert set(map(ord, caption)) <= set(
        FT2Font(str(script.FONT)).get_charmap()
    )


def test_sheets_are_few_small_and_shown():
    sheets = sorted(GALLERY.glob("*.jpg"))
    shown = re.findall(r"!\[.*\]\((.*)\)", README)
    assert sorted(shown) == [path.name for path in sheets]
    for path in sheets:
        assert path.stat().st_size < 400_000
