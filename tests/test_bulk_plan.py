"""Which photos are found, here and in stores, and how results are named."""

import os

import pytest
from PIL import Image
from rich.console import Console

from keras_colorizer.bulk.folders import open_folder
from keras_colorizer.bulk.plan import Plan
from keras_colorizer.bulk.records import digest
from keras_colorizer.bulk.sources import Sources
from keras_colorizer.cli.colorize_report import Report
from keras_colorizer.errors import ColorizerError, ConfigError, DataError

NAMES = ["a.jpg", "b/c.PNG", "b/d/e.gif", "b/d/f.tif"]


@pytest.fixture
def tree(tmp_path):
    """Four photos, and files that are none."""
    for name in (*NAMES, "notes.txt", ".hidden.jpg", ".hidden/g.jpg"):
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "scans"


@pytest.fixture(params=["path", "uri"])
def named(request):
    """A path as it is, or as a URI that pyarrow lists."""
    if request.param == "uri":
        pytest.importorskip("pyarrow")
        return lambda path: f"file://{path}"
    return str


def planned(patterns, output, *, file=None, recorded=None, overwrite=False):
    plan = Plan(
        Sources([str(pattern) for pattern in patterns]),
        output=open_folder(str(output)),
        file=file,
        recorded=recorded,
        overwrite=overwrite,
    )
    return list(plan), plan


def outputs(*arguments, **options):
    return [task.output for task in planned(*arguments, **options)[0]]


def test_results_keep_the_tree_and_what_cannot_hold_color_is_png(
    named, tree, tmp_path
):
    expected = {"a.jpg", "b/c.PNG", "b/d/e.png", "b/d/f.tif"}
    found = outputs([named(tree)], named(tmp_path / "out"))
    assert len(found) == 4
    assert set(found) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.jpg", {"a.jpg"}),
        ("b/*", {"c.PNG", "d/e.png", "d/f.tif"}),
        ("b/[cx]*", {"c.PNG"}),
        ("b/[!cx]*", {"d/e.png", "d/f.tif"}),
        ("**/*.tif", {"b/d/f.tif"}),
        ("**", {"a.jpg", "b/c.PNG", "b/d/e.png", "b/d/f.tif"}),
        ("b/d", {"e.png", "f.tif"}),
        ("b/c.PNG", {"c.PNG"}),
    ],
)
def test_patterns_mean_the_same_here_and_in_stores(
    pattern, expected, named, tree, tmp_path
):
    assert set(outputs([named(tree / pattern)], tmp_path / "out")) == expected


def test_a_file_in_a_store_is_taken_whatever_its_suffix(named, tree, tmp_path):
    name = named(tree / "notes.txt")
    assert outputs([name], tmp_path / "out") == ["notes.png"]


@pytest.mark.parametrize("name", ["nowhere", "nowhere/*.jpg", ".hidden.jpg*"])
def test_what_names_nothing_is_named(name, named, tree, tmp_path):
    with pytest.raises(DataError, match=r"nowhere|hidden"):
        planned([named(tree / name)], tmp_path / "out")


def test_unknown_stores_are_refused(tmp_path):
    pytest.importorskip("pyarrow")
    with pytest.raises(ConfigError, match="`ftp://host/scans` cannot be used"):
        Sources(["ftp://host/scans"])


def test_passwords_and_options_are_in_no_message():
    pytest.importorskip("pyarrow")
    folder = open_folder(
        "s3://user:secret@bucket/out?endpoint_override=localhost:1&scheme=http"
    )
    assert folder.label("b/a.jpg") == "s3://bucket/out/b/a.jpg"
    with pytest.raises(ConfigError, match="ftp://host/scans") as refused:
        Sources(["ftp://user:secret@host/scans?token=secret"])
    assert "secret" not in str(refused.value)


def test_summary_shows_no_password(capsys):
    report = Report(Console(), letters=None)
    report.finish(skipped=0, output="s3://user:secret@bucket/out?a=b")
    assert "s3://bucket/out\n" in capsys.readouterr().out


def test_existing_results_are_skipped_unless_overwritten(named, tree, tmp_path):
    out = named(tmp_path / "out")
    (tmp_path / "out/b").mkdir(parents=True)
    (tmp_path / "out/b/c.PNG").touch()
    tasks, plan = planned([tree], out)
    assert plan.skipped == 1
    assert "b/c.PNG" not in {task.output for task in tasks}
    assert len(planned([tree], out, overwrite=True)[0]) == 4


def test_existing_results_without_a_record_are_only_recorded(
    named, tree, tmp_path
):
    out = named(tmp_path / "out")
    (tmp_path / "out/b").mkdir(parents=True)
    for name in ("a.jpg", "b/c.PNG"):
        (tmp_path / "out" / name).touch()
    tasks, plan = planned([tree], out, recorded={digest("a.jpg")})
    assert plan.skipped == 1
    assert {t.output for t in tasks if t.is_there} == {"b/c.PNG"}
    # A record of what is gone counts for nothing.
    tasks, _ = planned([tree], out, recorded={digest("b/d/f.tif")})
    assert "b/d/f.tif" in {t.output for t in tasks if not t.is_there}


def test_results_in_the_folder_are_no_photos(named, tree):
    (tree / "out").mkdir()
    (tree / "out/old.jpg").touch()
    assert len(outputs([named(tree)], named(tree / "out"))) == 4
    # The same place by another kind of name.
    assert len(outputs([tree], f"{tree}/../scans/out")) == 4
    with pytest.raises(ConfigError, match="lie in the output folder"):
        planned([named(tree / "out")], named(tree / "out"))


def test_no_photo_is_replaced_by_a_result(named, tree):
    tasks, plan = planned([named(tree / "a.jpg")], tree)
    assert not tasks
    assert "replaced by its own result" in plan.failures[0].reason


def test_two_photos_never_become_one_result(named, tree, tmp_path):
    (tree / "b/d/e.png").touch()
    twin = tmp_path / "twin/a.jpg"
    twin.parent.mkdir()
    twin.touch()
    tasks, plan = planned([named(tree), twin], tmp_path / "out")
    assert len({task.output for task in tasks}) == len(tasks) == 4
    assert {failure.output for failure in plan.failures} == {
        "a.jpg",
        "b/d/e.png",
    }


def test_a_single_photo_goes_to_a_file_of_any_name(named, tree, tmp_path):
    assert outputs([named(tree / "a.jpg")], tmp_path, file="x.webp") == [
        "x.webp"
    ]
    with pytest.raises(ConfigError, match="one file, but there are 4"):
        planned([named(tree)], tmp_path, file="x.webp")
    with pytest.raises(ConfigError, match="replace the photo itself"):
        planned([named(tree / "a.jpg")], tree, file="a.jpg")


def test_names_that_are_no_text_are_planned(tree, tmp_path):
    name = os.fsdecode(b"\xe9.png")
    Image.new("L", (8, 8)).save(tree / "g.png")
    os.rename(tree / "g.png", tree / name)
    assert name in outputs([tree], tmp_path / "out")


def test_without_a_photo_there_is_no_plan(named, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ColorizerError, match="holds no photo"):
        planned([named(tmp_path / "empty")], tmp_path / "out")
