"""The records of a run: what was colored, and what was not, and why."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from uuid import uuid4

from keras_colorizer.bulk.folders import Folder, check_writable
from keras_colorizer.bulk.records import Record, digest

MANIFEST, DEAD_LETTERS = "manifest.jsonl", "dead_letters.jsonl"
PARTS = ".manifest"
PART_RECORDS, PART_SECONDS = 1000, 30.0


class Manifest:
    """Two files of records: `manifest.jsonl` and `dead_letters.jsonl`.

    Each is a line of JSON a photo. During a run, parts of both are written,
    each whole, to a subfolder; at its end, and at the beginning of one that
    follows a killed one, they are merged, a line for each output, the newest.

    Used as a context, in which records are added.

    Args:
        folder: Where the files lie.

    Attributes:
        outputs: The digests of the outputs in the manifest.
    """

    def __init__(self, folder: Folder):
        self._folder = folder
        self.outputs: set[bytes] = set()
        self._new: list[Record] = []
        self._written = time.monotonic()

    def __enter__(self) -> "Manifest":
        """Merges what a killed run has left, and reads what is done.

        Raises:
            ConfigError: If the folder cannot be written to.
        """
        check_writable(self._folder)
        self._merge()
        self.outputs = {digest(r.output) for r in self._old_records(MANIFEST)}
        return self

    def __exit__(self, kind, *_):
        self._write_part()
        if kind is None:
            self._merge()

    def add(self, record: Record) -> None:
        """Adds what became of a photo; it is written soon."""
        self._new.append(record)
        is_late = time.monotonic() - self._written > PART_SECONDS
        if is_late or len(self._new) >= PART_RECORDS:
            self._write_part()

    def _write_part(self):
        if self._new:
            # Names grow with time, in nanoseconds, and no two are the same.
            name = f"{time.time_ns():020}-{uuid4().hex[:8]}.jsonl"
            self._write(f"{PARTS}/{name}", self._new)
        self._new, self._written = [], time.monotonic()

    def _merge(self):
        parts = [f"{PARTS}/{name}" for name in self._folder.names(PARTS)]
        if not parts:
            return
        done: set[bytes] = set()
        failed: set[bytes] = set()
        self._write(
            MANIFEST, _first_of_each(self._all(MANIFEST, parts, True), done)
        )
        letters = self._all(DEAD_LETTERS, parts, False)
        unsolved = (r for r in letters if digest(r.output) not in done)
        self._write(DEAD_LETTERS, _first_of_each(unsolved, failed))
        for part in parts:
            self._folder.remove(part)

    def _all(self, old, parts, is_done):
        """Records of one kind: the new ones, and after them those of a file."""
        for part in parts:
            for record in self._records(part):
                if (record.reason is None) is is_done:
                    yield record
        yield from self._old_records(old)

    def _old_records(self, name):
        if self._folder.has(name):
            yield from self._records(name)

    def _records(self, name) -> Iterator[Record]:
        with self._folder.reader(name) as file:
            for line in file:
                # A line that somebody else wrote, or cut, is not a record.
                with suppress(ValueError):
                    yield Record.from_line(line)

    def _write(self, name, records: Iterable[Record]):
        with (
            self._folder.staged(name) as path,
            path.open("w", encoding="ascii") as file,
        ):
            file.writelines(record.to_line() for record in records)


def _first_of_each(records, seen):
    for record in records:
        key = digest(record.output)
        if key not in seen:
            seen.add(key)
            yield record
