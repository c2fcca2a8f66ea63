"""Finding photos in real trees of files."""

from pathlib import Path

import pytest
from fixtures.ordinary_user import ordinary_user

from keras_colorizer.errors import DataError
from keras_colorizer.photos import PHOTO_SUFFIXES, find_photos, list_photos
from keras_colorizer.photos.formats import MISSING_SUFFIXES


@pytest.fixture
def tree(tmp_path):
    for name in (
        "scans/b.jpg",
        "scans/a.PNG",
        "scans/notes.txt",
        "scans/._a.PNG",
        "scans/.trash/c.jpg",
        "scans/1931/c.tiff",
        "scans/1931/may/d.webp",
        "scans/1932/e.jpg",
        "other/b.jpg",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def relatives(*patterns):
    return [str(photo.relative) for photo in find_photos(patterns)]


def test_a_folder_gives_its_tree_without_hidden_and_other_files(tree):
    names = ["1931/c.tiff", "1931/may/d.webp", "1932/e.jpg", "a.PNG", "b.jpg"]
    assert relatives(tree / "scans") == names
    assert relatives(f"{tree}/scans/") == names
    for photo in find_photos([tree / "scans"]):
        assert photo.path == tree / "scans" / photo.relative


def test_a_file_is_taken_whatever_its_suffix(tree):
    (found,) = find_photos([tree / "scans" / "notes.txt"])
    assert found.path == tree / "scans" / "notes.txt"
    assert found.relative == Path("notes.txt")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("scans/*.jpg", ["b.jpg"]),
        ("scans/*", ["1931/c.tiff", "1931/may/d.webp", "1932/e.jpg"]),
        ("scans/**/*.jpg", ["1932/e.jpg", "b.jpg"]),
        ("scans/1931/**", ["c.tiff", "may/d.webp"]),
        ("scans/193[12]/*", ["1931/c.tiff", "1931/may/d.webp", "1932/e.jpg"]),
        ("*/b.jpg", ["other/b.jpg", "scans/b.jpg"]),
        ("scans/?.jpg", ["b.jpg"]),
    ],
)
def test_patterns_are_relative_to_what_precedes_the_wildcard(
    tree, pattern, names
):
    if pattern == "scans/*":
        names = [*names, "a.PNG", "b.jpg"]
    assert relatives(tree / pattern) == names


def test_each_photo_is_found_once_by_relative_names_too(tree, monkeypatch):
    monkeypatch.chdir(tree)
    assert relatives(".")[0] == "other/b.jpg"
    patterns = ["scans/b.jpg", "./scans", "scans/../scans/*", tree / "scans"]
    assert len(find_photos(patterns)) == len(find_photos(["scans"]))
    assert find_photos(patterns)[0].path == Path("scans/b.jpg")


def test_a_name_that_exists_is_no_pattern(tree):
    for name in ("scan[1].jpg", "what?.jpg", "album [old]/x.jpg"):
        path = tree / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        assert [photo.path for photo in find_photos([path])] == [path]
    assert relatives(tree / "album [old]") == ["x.jpg"]
    assert relatives(tree / "album [old]" / "*.jpg") == ["x.jpg"]


def test_links_are_walked_when_named_and_not_followed_within(tree):
    names = relatives(tree / "scans")
    (tree / "scans" / "0loop").symlink_to(tree / "scans")
    (tree / "scans" / "gone.jpg").symlink_to(tree / "nowhere.jpg")
    assert relatives(tree / "scans") == names
    assert relatives(tree / "scans" / "**" / "*") == names
    (tree / "link").symlink_to(tree / "scans")
    assert len(find_photos([tree / "link", tree / "scans"])) == len(names)


@pytest.mark.parametrize(
    "name", ["missing", "missing/a.jpg", "scans/*.bmp", "scans/**.jpg", "[a"]
)
def test_a_pattern_that_names_nothing_is_refused(tree, name):
    if name == "scans/**.jpg":  # Matches like one star from Python 3.13 on.
        (tree / "scans" / "b.jpg").unlink()
    with pytest.raises(DataError) as caught:
        find_photos([tree / "scans", tree / name])
    assert f"`{tree / name}`" in str(caught.value)


def test_a_folder_without_photos_is_refused_naming_the_suffixes(tree):
    (tree / "empty" / ".hidden").mkdir(parents=True)
    (tree / "empty" / ".hidden" / "a.jpg").touch()
    with pytest.raises(DataError, match=r"holds no photo.*\.jpg.*\.gif"):
        find_photos([tree / "empty"])
    with pytest.raises(DataError, match="holds no photo"):
        find_photos([tree / "scans" / "*.txt"])
    assert ".gif" in PHOTO_SUFFIXES


def test_what_is_left_out_is_counted_by_kind(tree):
    for name in ("c.dng", "d.DNG", "e.mp4", "f", "b.jpg.hints.json", ".g.txt"):
        (tree / "scans" / name).touch()
    for pattern in ("scans", "scans/**", "scans/**/*"):
        (note,) = list_photos([tree / pattern]).notes()
        assert note == (
            "5 files left out: 2 .dng, 1 without a suffix, 1 .mp4, 1 .txt."
        )
    with pytest.raises(DataError, match=r"no photo.*1 file left out: 1 \.txt"):
        find_photos([tree / "scans" / "*.txt"])


@pytest.mark.skipif(not MISSING_SUFFIXES, reason="all plugins are installed")
def test_the_package_that_a_format_needs_is_named(tree):
    suffix = MISSING_SUFFIXES[0]
    (tree / "scans" / f"d{suffix}").touch()
    (note,) = list_photos([tree / "scans"]).notes()
    pip = 'pip install "keras-colorizer[formats]"'
    assert note == f"2 files left out: 1 {suffix} ({pip}), 1 .txt."


@pytest.mark.parametrize(
    "name", ["@eaDir", "#recycle", ".thumbnails", "$RECYCLE.BIN", "@Recycle"]
)
@pytest.mark.parametrize("pattern", ["scans", "scans/**/*.jpg"])
def test_thumbnails_and_waste_bins_are_left_out_and_said(tree, name, pattern):
    found = relatives(tree / pattern)
    folder = tree / "scans" / "1932" / name
    folder.mkdir()
    (folder / "e.jpg").touch()
    listing = list_photos([tree / pattern])
    assert [str(photo.relative) for photo in listing.photos] == found
    assert listing.notes()[-1] == f"1 folder left out: {folder}."
    assert relatives(folder) == ["e.jpg"]  # When it is named itself.


@pytest.mark.parametrize("mode", [0o000, 0o600])  # Neither listed nor entered.
@pytest.mark.parametrize("pattern", ["", "**", "**/*.jpg"])
def test_an_unreadable_subfolder_does_not_cost_the_rest(
    open_folder, pattern, mode
):
    for name in ("a/b.jpg", "lost+found/c.jpg", "z/d.jpg"):
        path = open_folder / name
        path.parent.mkdir()
        path.touch()
    lost = open_folder / "lost+found"
    lost.chmod(mode)
    sentence = f"`{lost}` cannot be listed: Permission denied."
    with ordinary_user():
        listing = list_photos([open_folder / pattern])
        assert listing.unreadable == [sentence]
        for find in (find_photos, list_photos):
            with pytest.raises(DataError, match="cannot be listed"):
                find([lost])
        with pytest.raises(DataError, match="cannot be listed"):
            find_photos([open_folder])
        assert list_photos([lost, open_folder / "a"]).photos
    names = [str(photo.relative) for photo in listing.photos]
    assert names == ["a/b.jpg", "z/d.jpg"]


def test_names_are_escaped_in_sentences(tree):
    folder = tree / "esc\x1b[31m\n\udcf6"
    folder.mkdir()
    with pytest.raises(DataError) as caught:
        find_photos([folder])
    assert r"esc\x1b[31m\n\xf6` holds no photo" in str(caught.value)
