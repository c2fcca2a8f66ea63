"""The gallery in docs/: made by its command, and what is committed of it."""

import csv
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from matplotlib.ft2font import FT2Font
from numpy.testing import assert_allclose
from PIL import Image
from skimage.transform import resize

from keras_colorizer import Colorizer

GALLERY = Path(__file__).parents[1] / "docs/gallery"
with (GALLERY / "photos.csv").open(encoding="utf-8", newline="") as listed:
    LISTED = list(csv.DictReader(listed))
README = (GALLERY / "README.md").read_text(encoding="utf-8")
KINDS = ("good", "bad", "old")
# They allow to show a photo to everybody, changed in size and color.
LICENCES = ("CC BY 2.0", "CC0 1.0", "public domain", "public domain in the US")


@pytest.fixture(scope="module")
def script():
    path = GALLERY / "make_gallery.py"
    spec = importlib.util.spec_from_file_location("make_gallery", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
def made(script, photos, tmp_path_factory):
    """The folder of a gallery of all that is listed."""
    folder = tmp_path_factory.mktemp("gallery")
    for name in ("good_9.jpg", "good_mood.jpg"):
        (folder / name).touch()
    script.make_gallery(script.Gallery((photos,), output=folder))
    return folder


def original(row, photos):
    """The photo that a row of the list names, `(h, w, 3)` uint8."""
    name = row["file"]
    if name.startswith("skimage:"):
        photo = getattr(skimage.data, name.removeprefix("skimage:"))()
        return photo if photo.ndim == 3 else np.stack([photo] * 3, axis=-1)
    return np.asarray(Image.open(photos / name))


def inner(rgb):
    """Away from the borders, where JPEG mixes in the white beside them."""
    return np.asarray(rgb)[16:-16, 16:-16].astype("float64")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_show_input_colorized_truth_and_a_caption(
    kind, made, photos, script
):
    colorizer = Colorizer.from_preset("small")
    rows = [row for row in LISTED if row["kind"] == kind]
    paths = sorted(made.glob(f"{kind}_[0-9].jpg"))
    sheets = [np.asarray(Image.open(path)) for path in paths]
    strips = [s for one in sheets for s in np.split(one, len(one) // 240)]
    bottom = script.LINE + script.HEIGHT
    for row, strip in zip(rows, strips, strict=True):
        photo = original(row, photos)
        grey = colorizer.colorize(photo, saturation=0.0)
        expected = [grey, colorizer.colorize(photo), photo]
        size = (
            script.HEIGHT,
            round(photo.shape[1] * script.HEIGHT / len(photo)),
        )
        left = script.GAP
        for panel in expected[: 2 if kind == "old" else 3]:
            reduced = resize(
                np.float64(panel), size, anti_aliasing=True, preserve_range=True
            )
            shown = strip[script.LINE : bottom, left : left + size[1]]
            difference = inner(shown) - inner(reduced)
            # JPEG at quality 88, and another way to reduce, on fine detail.
            assert np.abs(difference).mean() < 6
            # Of another photo, or with other colors, the mean would differ.
            assert_allclose(difference.mean(axis=(0, 1)), 0, atol=1.5)
            left += size[1] + script.GAP
        # JPEG's ringing ends after a block.
        assert (strip[script.LINE : bottom, left + 8 :] > 240).all()
        assert strip[bottom + script.GAP :].min() < 100  # Black text on white.


def test_sheets_of_an_earlier_run_are_replaced(made):
    assert not (made / "good_9.jpg").exists()
    assert (made / "good_mood.jpg").exists()
    shown = re.findall(r"!\[.*\]\((.*)\)", (made / "README.md").read_text())
    assert all((made / name).stat().st_size for name in shown)


@pytest.mark.parametrize("folder", [[], ["nowhere"]])
def test_missing_photos_are_named_and_nothing_is_touched(
    folder, script, run_main, tmp_path
):
    (tmp_path / "good_9.jpg").touch()
    words = ["make_gallery.py", *folder, "--output", tmp_path]
    code, _, error = run_main(script.main, *words)
    assert code == 2
    missing = [r["file"] for r in LISTED if not r["file"].startswith("skimage")]
    for name in folder or missing:
        assert name in error
    assert [path.name for path in tmp_path.iterdir()] == ["good_9.jpg"]


@pytest.mark.parametrize("row", LISTED, ids=lambda row: row["title"])
def test_each_photo_has_an_author_a_link_and_a_licence_to_show_it(row, script):
    assert all(row.values())
    assert re.fullmatch(r"https://\S+", row["link"])
    assert row["licence"] in LICENCES
    assert row["kind"] in KINDS
    assert re.fullmatch(r"[A-Z].*\.", row["remark"])
    entry = f"[{row['title']}](<{row['link']}>), {row['author']}, "
    about = README.partition(entry)[2]
    assert row["licence"] in about.splitlines()[0]
    assert about.splitlines()[1].strip() == row["remark"]
    caption = row["title"] + row["author"] + row["licence"]
    assert set(map(ord, caption)) <= set(
        FT2Font(str(script.FONT)).get_charmap()
    )


def test_sheets_are_few_small_and_shown():
    sheets = sorted(GALLERY.glob("*.jpg"))
    assert 1 <= len(sheets) <= 4
    shown = re.findall(r"!\[.*\]\((.*)\)", README)
    assert sorted(shown) == [path.name for path in sheets]
    for path in sheets:
        assert path.stat().st_size < 400_000
