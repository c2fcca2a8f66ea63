"""`whole_file`: either the whole new file, or everything as it was."""

import errno
import os
import time
from pathlib import Path

import pytest

from keras_colorizer.files import (
    disk_errors,
    whole_file,
    whole_folder,
    without_wildcards,
)

NO_ROOM = "No space left on device"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"old")
    return path


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def test_success_gives_the_new_file_its_name(path):
    with whole_file(path) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"new"
    assert names_in(path.parent) == ["photo.jpg"]


def test_a_file_that_was_not_there_is_made(tmp_path):
    path = tmp_path / "photo.jpg"
    with whole_file(path) as temporary:
        temporary.write_bytes(b"new")
        assert not path.exists()
    assert names_in(tmp_path) == ["photo.jpg"]


def test_readers_see_the_old_file_until_the_new_one_is_whole(path):
    with whole_file(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_failure_leaves_the_old_file_and_nothing_else(path, error):
    def write_half(temporary):
        temporary.write_bytes(b"half of the n")
        raise error

    with pytest.raises(error), whole_file(path) as temporary:
        write_half(temporary)
    assert path.read_bytes() == b"old"
    assert names_in(path.parent) == ["photo.jpg"]


def test_failure_before_anything_is_written_is_the_one_raised(path):
    with pytest.raises(ValueError, match="no such format"), whole_file(path):
        raise ValueError("no such format")
    assert names_in(path.parent) == ["photo.jpg"]


def test_a_writer_that_writes_nothing_leaves_the_old_file(path):
    with pytest.raises(FileNotFoundError), whole_file(path):
        pass
    assert path.read_bytes() == b"old"


def test_a_folder_of_that_name_stays_and_nothing_is_left_beside_it(tmp_path):
    folder = tmp_path / "photo.jpg"
    folder.mkdir()
    with pytest.raises(OSError, match="photo.jpg"), whole_file(folder) as new:
        new.write_bytes(b"new")
    assert folder.is_dir()
    assert names_in(tmp_path) == ["photo.jpg"]


def test_missing_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "photo.jpg"
    with whole_file(path) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"new"


def test_a_file_in_the_way_of_the_folder_is_an_os_error(path):
    with pytest.raises(OSError, match="photo.jpg"), whole_file(path / "a.jpg"):
        pass
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("name", "suffixes"),
    [
        ("photo.jpg", ".jpg"),
        ("generator.keras", ".keras"),
        ("checkpoint.weights.h5", ".weights.h5"),
        ("grand.pa.in.rome.png", ".png"),
        ("README", ""),
    ],
)
def test_temporary_name_is_hidden_and_keeps_the_suffixes(
    tmp_path, name, suffixes
):
    with whole_file(tmp_path / name) as temporary:
        temporary.write_bytes(b"new")
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
        assert temporary.name.endswith(suffixes)
        assert temporary.suffix == (tmp_path / name).suffix


def test_two_writers_do_not_share_a_temporary_file(path):
    with whole_file(path) as one, whole_file(path) as other:
        assert one != other
        one.write_bytes(b"one")
        other.write_bytes(b"other")
    # The outer one finishes last.
    assert path.read_bytes() == b"one"


@pytest.mark.parametrize(
    "name",
    [
        "x" * 251 + ".jpg",
        "Mr. " + "x" * 247 + ".jpg",
    ],
    ids=["one suffix", "text after a full stop"],
)
def test_names_as_long_as_the_file_system_allows_are_written(tmp_path, name):
    assert len(name) == 255
    with whole_file(tmp_path / name) as temporary:
        temporary.write_bytes(b"new")
    assert names_in(tmp_path) == [name]


def test_folder_takes_its_name_when_it_is_whole(tmp_path):
    with whole_folder(tmp_path / "1") as temporary:
        (temporary / "file").write_bytes(b"new")
        assert names_in(tmp_path) == [temporary.name]
    assert names_in(tmp_path) == ["1"]
    assert names_in(tmp_path / "1") == ["file"]


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_folder_of_a_failure_is_not_there(tmp_path, error):
    def write_half(temporary):
        (temporary / "file").write_bytes(b"half")
        raise error

    with pytest.raises(error), whole_folder(tmp_path / "1") as temporary:
        write_half(temporary)
    assert names_in(tmp_path) == []


def test_errors_name_the_file_and_not_its_temporary_name(path):
    with pytest.raises(OSError, match=NO_ROOM) as caught, whole_file(path):
        raise OSError(errno.ENOSPC, NO_ROOM)  # As of `write`.
    assert caught.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as caught, whole_file(path):
        pass  # Nothing is written, so that nothing can be renamed.
    assert caught.value.filename == str(path)


@pytest.mark.parametrize("write", [whole_file, whole_folder])
def test_what_is_abandoned_is_cleared_away_and_the_rest_kept(tmp_path, write):
    day = 24 * 3600
    ages = {
        f".{0:032x}-unfinished": 2 * day,
        f".{1:032x}-unfinished.png": 2 * day,
        f".{2:032x}-unfinished.png": 60,  # Another process writes it.
        f".{3:032x}.png": 2 * day,  # Of another program.
    }
    for name, age in ages.items():
        file = tmp_path / name
        (file.mkdir if name.endswith("ed") else file.touch)()
        then = time.time() - age
        os.utime(file, (then, then))
    with write(tmp_path / "1") as temporary:
        temporary.touch()
    assert {*names_in(tmp_path)} == {"1", *[*ages][2:]}


def test_errors_of_writers_are_errors_of_the_disk(tmp_path):
    with pytest.raises(OSError, match="there is no room"), disk_errors():
        raise RuntimeError("there is no room\nand a trace")


@pytest.mark.parametrize(
    ("name", "is_linked"), [("exp1", False), ("exp[1]", True), ("a\\b", True)]
)
def test_only_folders_whose_names_are_patterns_are_linked(name, is_linked):
    folder = Path("/runs", name)
    with without_wildcards(folder) as plain:
        assert (plain != folder) == is_linked
