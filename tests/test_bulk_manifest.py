"""The records of a run: none lost, none twice, whatever ends it."""

import json

import pytest

from keras_colorizer.bulk.folders import LocalFolder, open_folder
from keras_colorizer.bulk.manifest import PART_RECORDS, Manifest
from keras_colorizer.bulk.records import Record
from keras_colorizer.errors import ConfigError


@pytest.fixture(params=["path", "uri"])
def folder(request, tmp_path):
    """A folder of this machine, and the same one as pyarrow sees it."""
    if request.param == "uri":
        pytest.importorskip("pyarrow")
        return open_folder(f"file://{tmp_path}/records")
    return LocalFolder(tmp_path / "records")


def done(name, size=1):
    return Record(f"/scans/{name}", name, size, "0" * 64, 0.1, False)


def failed(name):
    return Record(f"/scans/{name}", name, reason=f"`{name}` is empty.")


def lines(tmp_path, name):
    text = (tmp_path / "records" / name).read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_leaves_a_line_for_each_photo(folder, tmp_path):
    with Manifest(folder) as manifest:
        for record in (done("a.jpg"), failed("b.jpg"), done("c.jpg")):
            manifest.add(record)
    assert lines(tmp_path, "manifest.jsonl") == [
        {
            "input": f"/scans/{name}",
            "output": name,
            "size": 1,
            "sha256": "0" * 64,
            "seconds": 0.1,
            "was_color": False,
        }
        for name in ("a.jpg", "c.jpg")
    ]
    (letter,) = lines(tmp_path, "dead_letters.jsonl")
    assert letter["reason"] == "`b.jpg` is empty."
    assert not list((tmp_path / "records/.manifest").glob("*"))


def test_parts_are_written_while_a_run_goes_on(folder, tmp_path):
    with Manifest(folder) as manifest:
        for number in range(PART_RECORDS + 1):
            manifest.add(done(f"{number}.jpg"))
        (part,) = (tmp_path / "records/.manifest").iterdir()
        assert len(part.read_text().splitlines()) == PART_RECORDS


def killed_run(folder, *records):
    """Leaves what a run leaves whose process is killed."""
    manifest = Manifest(folder).__enter__()
    for record in records:
        manifest.add(record)
    manifest.__exit__(KeyboardInterrupt)


def test_what_a_killed_run_has_recorded_is_known_and_kept(folder, tmp_path):
    killed_run(folder, done("a.jpg"), failed("b.jpg"))
    killed_run(folder, done("c.jpg"))
    with Manifest(folder) as manifest:
        assert len(manifest.outputs) == 2
        manifest.add(done("d.jpg"))
    names = [line["output"] for line in lines(tmp_path, "manifest.jsonl")]
    assert sorted(names) == ["a.jpg", "c.jpg", "d.jpg"]
    (letter,) = lines(tmp_path, "dead_letters.jsonl")
    assert letter["output"] == "b.jpg"


def test_newer_records_replace_older_ones(folder, tmp_path):
    killed_run(folder, done("a.jpg", 1), failed("b.jpg"))
    killed_run(folder, done("a.jpg", 2), done("b.jpg", 2))
    with Manifest(folder) as manifest:
        manifest.add(done("a.jpg", 3))
    rows = lines(tmp_path, "manifest.jsonl")
    assert {(row["output"], row["size"]) for row in rows} == {
        ("a.jpg", 3),
        ("b.jpg", 2),
    }
    assert len(rows) == 2
    assert not lines(tmp_path, "dead_letters.jsonl")


def test_a_run_killed_while_it_merges_has_nothing_twice(folder, tmp_path):
    killed_run(folder, done("a.jpg"), done("b.jpg"))
    (part,) = (tmp_path / "records/.manifest").iterdir()
    left = part.read_bytes()
    with Manifest(folder):
        pass
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(left)  # It was not removed any more.
    with Manifest(folder):
        pass
    names = [line["output"] for line in lines(tmp_path, "manifest.jsonl")]
    assert sorted(names) == ["a.jpg", "b.jpg"]


def test_lines_that_are_no_records_do_no_harm(folder, tmp_path):
    with Manifest(folder) as manifest:
        manifest.add(done("a.jpg"))
    path = tmp_path / "records/manifest.jsonl"
    path.write_text(path.read_text() + '{"a": 1}\n[1]\n{"input": "/sc')
    with Manifest(folder) as manifest:
        assert len(manifest.outputs) == 1


def test_any_file_name_has_a_line(folder, tmp_path):
    name = 'n\n"\udce9\u00e9\u2028.jpg'
    with Manifest(folder) as manifest:
        manifest.add(done(name))
    (row,) = lines(tmp_path, "manifest.jsonl")
    assert row["output"] == name


def test_a_folder_that_cannot_be_written_is_named(folder, tmp_path):
    (tmp_path / "records").touch()
    with (
        pytest.raises(ConfigError, match="records` cannot be written to"),
        Manifest(folder),
    ):
        pass
