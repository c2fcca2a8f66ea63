"""Pages of the site that lie outside of docs/, for MkDocs."""

import json
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

REPOSITORY = Path(__file__).parents[1]
# Where the site shows a file of the repository.
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "serving/README.md": "serving.md",
    "keras_colorizer/pretrained/small/MODEL_CARD.md": "pretrained.md",
    "docs/train_your_own.ipynb": "train_your_own.md",
}
SOURCES = {page: source for source, page in PAGES.items()}
HIDDEN = (".py", ".jinja")  # Of docs/, as in mkdocs.yml.
LINK = re.compile(r"(!?\[[^]]*\])\(([^)#\s:]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages of `PAGES`."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=_text(source)))
    return files


def on_page_markdown(text: str, page: Any, **_: Any) -> str:
    """Points links between files of the repository at pages of the site.

    A link to what the site does not show becomes its text; one to nothing
    stays, and MkDocs refuses it.
    """
    shown = page.file.src_uri
    source = Path(SOURCES.get(shown, f"docs/{shown}"))

    def link(match: re.Match[str]) -> str:
        words, target, anchor = match.groups()
        path = os.path.normpath(source.parent / target)
        if to := _page(path):
            relative = os.path.relpath(to, Path(shown).parent)
            return f"{words}({relative}{anchor or ''})"
        is_elsewhere = (REPOSITORY / path).exists()
        return words.strip("[]") if is_elsewhere else match[0]

    return LINK.sub(link, text)


def _page(path: str) -> str | None:
    """Returns where the site shows a file or folder, if it does."""
    for name in (path, f"{path}/README.md"):
        if name in PAGES:
            return PAGES[name]
    is_shown = path.startswith("docs/") and not path.endswith(HIDDEN)
    is_file = (REPOSITORY / path).is_file()
    return path.removeprefix("docs/") if is_shown and is_file else None


def _text(source: str) -> str:
    text = (REPOSITORY / source).read_text(encoding="utf-8")
    if not source.endswith(".ipynb"):
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join(map(_cell, cells))


def _cell(cell: dict[str, Any]) -> str:
    text = "".join(cell["source"])
    is_code = cell["cell_type"] == "code"
    return f"```python\n{text}\n```" if is_code else text
