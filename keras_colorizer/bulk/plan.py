"""Which photos to color, and the names of their results."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from keras_colorizer.bulk.folders import Folder
from keras_colorizer.bulk.records import Record, Task, digest
from keras_colorizer.bulk.sources import Source, Sources
from keras_colorizer.errors import ConfigError
from keras_colorizer.photos import WRITABLE_SUFFIXES

# What cannot hold a photo in full color, such as GIF, becomes this.
FALLBACK_SUFFIX = ".png"


class Plan:
    """Pairs photos with results, one after the other.

    A result is named after its photo, so that the same command always writes
    the same files. Names are not held in memory, but 16 bytes for each.

    Args:
        sources: Where photos are read from.
        output: The folder of the results, or of the one result.
        file: The name of the one result, of a single photo; or None.
        recorded: The digests of the outputs that need no other record; None
            if no records are kept. Without a record, what exists is done.
        overwrite: Color again what has been colored.

    Attributes:
        skipped: How many have been colored already, so far.
        failures: Of those that can have no result, so far.
    """

    def __init__(
        self,
        sources: Sources,
        *,
        output: Folder,
        file: str | None,
        recorded: set[bytes] | None,
        overwrite: bool,
    ):
        self.skipped = 0
        self.failures: list[Record] = []
        self._sources, self._output, self._file = sources, output, file
        self._exists, self._recorded = output.existing(), recorded
        self._overwrite = overwrite
        self._seen: set[bytes] = set()

    def __iter__(self) -> Iterator[Task]:
        """Yields what is to be done.

        Raises:
            ColorizerError: If there is nothing to color.
        """
        for source in self._found():
            output = _writable(source.relative)
            reason = self._clash(source, output)
            if reason:
                label = self._sources.label(source)
                self.failures.append(Record(label, output, reason=reason))
            else:
                yield from self._tasks(source, output)

    def _found(self):
        if self._file is None:
            return self._without_results()
        return [self._single(self._file)]

    def _single(self, file: str) -> Source:
        found = list(self._sources)
        target = self._output.label(file)
        if len(found) > 1:
            raise ConfigError(
                f"-o {target} names one file, but there are {len(found)} "
                "photos: name a folder."
            )
        if self._sources.place(found[0]) == self._output.place(file):
            raise ConfigError(f"-o {target} would replace the photo itself.")
        return replace(found[0], relative=file)

    def _without_results(self) -> Iterable[Source]:
        """Leaves out earlier results, in a folder that is being colored."""
        folder = self._output.place("") + "/"
        is_empty = True
        for source in self._sources:
            is_named = self._sources.label(source) in self._sources.patterns
            if is_named or not self._sources.place(source).startswith(folder):
                is_empty = False
                yield source
        if is_empty:
            raise ConfigError(
                "All photos lie in the output folder "
                f"`{self._output.label('')}`: choose another one with -o."
            )

    def _clash(self, source, output):
        label, target = self._sources.label(source), self._output.label(output)
        if self._sources.place(source) == self._output.place(output):
            return (
                f"`{label}` would be replaced by its own result: choose "
                "another folder with -o."
            )
        if digest(output) in self._seen:
            return (
                f"`{label}` and a photo before it would both become "
                f"`{target}`: color them one after the other, into two folders."
            )
        self._seen.add(digest(output))
        return None

    def _tasks(self, source, output) -> Iterator[Task]:
        is_there = not self._overwrite and self._exists(output)
        is_known = self._recorded is None or digest(output) in self._recorded
        if is_there and is_known:
            self.skipped += 1
        else:
            yield Task(source.root, source.name, output, is_there)


def _writable(name):
    if name.lower().endswith(WRITABLE_SUFFIXES):
        return name
    return str(PurePosixPath(name).with_suffix(FALLBACK_SUFFIX))
