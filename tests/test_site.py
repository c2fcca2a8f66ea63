"""The documentation as a site, and its notebook."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
NOTEBOOK = REPOSITORY / "docs/train_your_own.ipynb"
PIPS = "%pip"


def build(folder):
    """Runs MkDocs, which is strict about links, anchors and lost pages."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", folder],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("material", reason="pip install mkdocs-material")
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_link_of_the_documentation_leads_somewhere(site):
    for name in ("index", "serving", "pretrained", "gallery/index", "changes"):
        assert (site / f"{name}.html").exists()
    assert "](" not in (site / "index.html").read_text()


def test_the_site_loads_nothing_from_other_servers(site):
    for page in site.rglob("*.html"):
        for word in ('<script src="http', '<img src="http', "fonts.g"):
            assert word not in page.read_text(), page


def cells(kind):
    content = json.loads(NOTEBOOK.read_text())
    assert content["nbformat"] == 4
    for cell in content["cells"]:
        if cell["cell_type"] == kind:
            yield cell


def test_the_notebook_is_committed_without_outputs():
    assert NOTEBOOK.stat().st_size < 200_000
    assert not any(cell["outputs"] for cell in cells("code"))
    first = "".join(next(cells("code"))["source"])
    assert '%pip install --quiet "keras-colorizer[train]"' in first


@pytest.mark.slow
def test_the_notebook_runs(tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells = [c for c in notebook.cells if PIPS not in c.source]
    monkeypatch.setenv("NOTEBOOK_EPOCHS", "1")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=1800, resources=place).execute()
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 4
    made = {file.name for file in (tmp_path / "tflite").glob("*.tflite")}
    assert "colorizer_float16.tflite" in made
