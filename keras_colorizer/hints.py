"""Hints: the colors that places of a photo had, and the files that hold them.

A hint file is JSON, `{"hints": [{"x": 0.31, "y": 0.62, "color": "#a03020"}]}`.
"""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageColor

from keras_colorizer.chroma import steps
from keras_colorizer.errors import HintError, first_line
from keras_colorizer.files import whole_file

MOST = 32  # Of a photo.
HINT_ROWS = (MOST, 5)  # The shape of the list that artifacts take.
MOST_BYTES = 2**20  # Of a file; 32 hints take some 2,000.


@dataclass(frozen=True)
class Hint:
    """A place of a photo and its color.

    Args:
        x: In [0, 1], of the upright photo's width, from the left.
        y: In [0, 1], of its height, from the top.
        color: As Pillow takes it: "#a03020", "firebrick", "hsl(8, 67%, 38%)".
            Its a*b* count, its lightness does not: that is the photo's.

    Raises:
        HintError: If the place lies outside, or there is no such color.

    Example:
        >>> coat = Hint(0.31, 0.62, "#a03020")
        >>> colorizer.colorize("old.jpg", hints=[coat]).save("new.png")
    """

    x: float
    y: float
    color: str

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            value = getattr(self, name)
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not is_number or not 0 <= value <= 1:  # NaN is not.
                raise HintError(
                    f"`{name}` must be a number from 0 to 1. "
                    f"Received: {_shown(value)}"
                )
        self.rgb()

    def rgb(self) -> tuple[int, ...]:
        """Returns the color as three levels of sRGB, from 0 to 255."""
        levels: tuple[int, ...] = ()
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            levels = ImageColor.getrgb(self.color)[:3]
        if not levels or max(levels) > 255:  # rgb(999, 0, 0) is read.
            raise HintError(
                "`color` must be a color such as #a03020 or firebrick. "
                f"Received: {_shown(self.color)}"
            )
        return levels


def read_hints(path: str | Path) -> list[Hint]:
    """Reads a hint file.

    Args:
        path: Of a file such as `write_hints` makes. Beside a photo `old.jpg`,
            the command `colorize` looks for `old.jpg.hints.json`.

    Raises:
        HintError: If it cannot be read, is no hint file, or holds a wrong hint
            or more than 32.

    Example:
        >>> read_hints("old.jpg.hints.json")
        [Hint(x=0.31, y=0.62, color='#a03020')]
    """
    try:
        with Path(path).open("rb") as file:
            return parse_hints(file.read(MOST_BYTES + 1))
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise HintError(f"`{path}` cannot be read: {reason}.") from None
    except HintError as error:
        raise HintError(f"`{path}`: {error}") from None


def write_hints(path: str | Path, hints: Sequence[Hint]) -> None:
    """Writes a hint file, whole or not at all.

    Args:
        path: The file; one of this name is replaced.
        hints: At most 32.

    Raises:
        HintError: If there are more, or the file cannot be written.

    Example:
        >>> write_hints("old.jpg.hints.json", [Hint(0.31, 0.62, "#a03020")])
    """
    check_hints(hints)
    rows = [
        {"x": float(hint.x), "y": float(hint.y), "color": hint.color}
        for hint in hints
    ]
    content = json.dumps({"hints": rows}, indent=2)
    try:
        with whole_file(Path(path)) as temporary:
            temporary.write_text(content + "\n", encoding="utf-8")
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise HintError(f"`{path}` cannot be written: {reason}.") from None


def parse_hints(content: bytes) -> list[Hint]:
    """Reads the content of a hint file; see `read_hints`."""
    if len(content) > MOST_BYTES:
        raise HintError(f"Hints are {MOST_BYTES:,} bytes of JSON at most.")
    try:
        rows = json.loads(content)["hints"]
    except (ValueError, RecursionError, LookupError, TypeError):
        rows = None
    if not isinstance(rows, list):
        raise HintError('Hints must be JSON such as {"hints": [...]}.')
    _check_number(rows)
    return [_parsed(row, number) for number, row in enumerate(rows, start=1)]


def check_hints(hints: Sequence[Hint]) -> None:
    """Checks that hints are hints, and at most 32.

    Raises:
        HintError: If they are not.
    """
    _check_number(hints)
    for hint in hints:
        if not isinstance(hint, Hint):
            raise HintError(
                "`hints` must be a list of `Hint(x, y, color)`. "
                f"Received: {_shown(hint)}"
            )


def hint_array(hints: Sequence[Hint]) -> np.ndarray:
    """Returns hints as artifacts take them.

    Returns:
        `(32, 5)` float32: x and y in [0, 1], a* and b* in L*a*b* units, and 1
        for a hint; rows without a hint are 0.

    Raises:
        HintError: If there are more than 32, or one is no `Hint`.
    """
    check_hints(hints)
    array = np.zeros(HINT_ROWS, "float32")
    if hints:
        lab = steps.lab(np.array([hint.rgb() for hint in hints], "uint8"))
        places = [(hint.x, hint.y) for hint in hints]
        array[: len(hints)] = np.c_[places, lab[:, 1:], np.ones(len(hints))]
    return array


def _check_number(hints: Sequence[Any]) -> None:
    if len(hints) > MOST:
        raise HintError(
            f"A photo takes at most {MOST} hints. Received: {len(hints)}"
        )


def _parsed(row: Any, number: int) -> Hint:
    try:
        names = [field.name for field in fields(Hint)]
        return Hint(**{name: row[name] for name in names})
    except KeyError as error:
        raise HintError(f"Hint {number} has no `{error.args[0]}`.") from None
    except TypeError:
        raise HintError(f"Hint {number} is no JSON object.") from None
    except HintError as error:
        raise HintError(f"Hint {number}: {error}") from None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
