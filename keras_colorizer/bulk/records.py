"""What became of each photo: a line of JSON."""

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Task:
    """One photo to color.

    Attributes:
        root: Which of the folders that are read from holds it, from 0.
        photo: Its name below that folder.
        output: The name of its result below the output folder, with `/`.
        is_there: Whether the result exists already, and shall be kept.
    """

    root: int
    photo: str
    output: str
    is_there: bool = False


@dataclass(frozen=True)
class Record:
    """What became of one photo; what is not known is None.

    Attributes:
        input: The photo.
        output: The name of its result below the output folder, with `/`.
        size: Of the result, in bytes.
        sha256: Of the result, 64 hexadecimal digits.
        seconds: What reading, coloring and writing took.
        was_color: Whether the photo was in color already.
        reason: Why there is no result, as a sentence.
    """

    input: str
    output: str
    size: int | None = None
    sha256: str | None = None
    seconds: float | None = None
    was_color: bool | None = None
    reason: str | None = None

    def to_line(self) -> str:
        """Returns the record as a line of ASCII, without what is None."""
        known = {k: v for k, v in asdict(self).items() if v is not None}
        return json.dumps(known) + "\n"

    @classmethod
    def from_line(cls, line: str | bytes) -> "Record":
        """Reads a line.

        Raises:
            ValueError: If it is none that `to_line` writes.
        """
        try:
            return cls(**json.loads(line))
        except TypeError as error:
            raise ValueError(str(error)) from None


def digest(output: str) -> bytes:
    """Returns 16 bytes that stand for a name.

    A set of them takes a third of the memory of the names.
    """
    name = output.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(name, digest_size=16).digest()
