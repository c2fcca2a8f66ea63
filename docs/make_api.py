"""Makes docs/api.md: the public names, from their docstrings."""

import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import keras_colorizer

TARGET = Path(__file__).with_name("api.md")
HEAD = """# Python API

Made by `python docs/make_api.py`, from the docstrings. All names are importable
from `keras_colorizer`, and load when they are first used.

## Functions and classes
"""
SECTION = re.compile(
    "^(Args|Attributes|Returns|Raises|Example|Source):$", re.MULTILINE
)
FENCED = re.compile("^    ```python\n.*?^    ```$", re.DOTALL | re.MULTILINE)
CODE = re.compile("(^```.*?^```$|^ .*?$|`[^`]*`)", re.DOTALL | re.MULTILINE)
FUNCTION = re.compile("<function (\\w+) at 0x[0-9a-f]+>")


def api_text() -> str:
    """Returns the page, Markdown."""
    public = [n for n in keras_colorizer.__all__ if n != "__version__"]
    things = [(name, getattr(keras_colorizer, name)) for name in public]
    calls = [_entry(*each) for each in things if not _is_error(each[1])]
    errors = [_entry(*each) for each in things if _is_error(each[1])]
    return "\n".join([HEAD, *calls, "## Errors\n", *errors])


def _is_error(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, Exception)


def _entry(name: str, thing: Any) -> str:
    text = f"### `{name}`\n\n{_signature(name, thing)}{_markdown(thing)}\n"
    for method, value in _methods(thing):
        text += f"\n#### `{name}.{method}`\n\n"
        text += f"{_signature(method, value)}{_markdown(value)}\n"
    return text


def _methods(thing: Any) -> list[tuple[str, Any]]:
    """Returns the documented public methods that a class itself has."""
    if not isinstance(thing, type) or _is_error(thing):
        return []
    named = [(n, getattr(thing, n)) for n in vars(thing) if n[0] != "_"]
    return [(n, v) for n, v in named if callable(v) and v.__doc__]


def _signature(name: str, thing: Any) -> str:
    if _is_error(thing):
        return ""
    signature = inspect.signature(thing)
    parameters = [
        each.replace(annotation=each.empty)
        for each in signature.parameters.values()
        if each.name != "self"
    ]
    shown = FUNCTION.sub(r"\1", str(inspect.Signature(parameters)))
    return f"```python\n{name}{shown}\n```\n\n"


def _markdown(thing: Any) -> str:
    """Returns the docstring: sections bold, indented lines as they are."""
    text = inspect.getdoc(thing) or ""
    text = FENCED.sub(lambda found: textwrap.dedent(found[0]), text)
    parts = CODE.split(text)  # Prose, code, prose, ...
    parts[::2] = [part.replace("*", r"\*") for part in parts[::2]]
    return SECTION.sub(r"**\1**\n", "".join(parts))


if __name__ == "__main__":
    TARGET.write_text(api_text(), encoding="utf-8")
