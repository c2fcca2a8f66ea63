"""What `colorize` says at the end."""

from rich.console import Console
from rich.markup import escape

from keras_colorizer.bulk.folders import Folder, shown
from keras_colorizer.bulk.manifest import DEAD_LETTERS
from keras_colorizer.bulk.records import Record
from keras_colorizer.cli.running import FAILED

NAMED_IN_COLOR = 5
NAMED_FAILURES = 20  # Where all of them are in a file as well.


class Report:
    """Counts results, and keeps what is to be named.

    Args:
        console: Where all but the last line goes.
        letters: The folder with a list of all that failed; None if no list
            is kept.
    """

    def __init__(self, console: Console, *, letters: Folder | None):
        self._console, self._letters = console, letters
        self._tried = self._failed = self._in_color = 0
        self._failures: list[str] = []
        self._names: list[str] = []

    def add(self, record: Record) -> None:
        """Counts what became of a photo."""
        self._tried += 1
        if record.reason is not None:
            self._failed += 1
            if self._letters is None or len(self._failures) < NAMED_FAILURES:
                self._failures.append(record.reason)
        elif record.was_color:
            self._in_color += 1
            if len(self._names) < NAMED_IN_COLOR:
                self._names.append(record.input)

    def finish(self, *, skipped: int, output: str) -> int:
        """Prints everything, and returns the exit code."""
        if skipped:
            self._print(
                f"{skipped} skipped: their results exist (--overwrite colors "
                "them again)."
            )
        if self._in_color:
            more = ", ..." if self._in_color > len(self._names) else ""
            self._print(
                f"{self._in_color} in color already, colored anew from their "
                f"lightness: {escape(', '.join(self._names))}{more}"
            )
        for failure in self._failures:
            self._print(f"[bold red]Failed:[/] {escape(failure)}")
        if self._letters and self._failed > len(self._failures):
            others = self._failed - len(self._failures)
            self._print(
                f"{others} others failed: "
                f"{escape(self._letters.label(DEAD_LETTERS))} names them all."
            )
        written = self._tried - self._failed
        print(f"{written} of {self._tried} colored, in {shown(output)}")
        return FAILED if self._failed else 0

    def _print(self, text):
        self._console.print(text, highlight=False, soft_wrap=True)
