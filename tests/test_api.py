"""docs/api.md shows the docstrings, and each public name has an example."""

import importlib.util
import inspect
from pathlib import Path

import pytest

import keras_colorizer

DOCS = Path(__file__).parents[1] / "docs"
PUBLIC = [name for name in keras_colorizer.__all__ if name != "__version__"]


def test_page_is_made_of_the_docstrings_as_they_are():
    path = DOCS / "make_api.py"
    spec = importlib.util.spec_from_file_location("make_api", path)
    make_api = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_api)
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    assert page == make_api.api_text(), "run python docs/make_api.py"


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_has_an_example(name):
    assert "\nExample:\n" in inspect.getdoc(getattr(keras_colorizer, name))
