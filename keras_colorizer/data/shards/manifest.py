"""`manifest.json`: what a folder of shards holds, and whether it is whole."""

import dataclasses
import json
from dataclasses import dataclass, field

from keras_colorizer.data.shards.settings import ShardSettings
from keras_colorizer.data.shards.storage import (
    is_remote,
    join,
    read_file,
    size_of,
    write_file,
)
from keras_colorizer.errors import DataError

NAME = "manifest.json"
FORMAT = "keras_colorizer shards 1"

UNREADABLE, COLORLESS = "unreadable", "colorless"
DUPLICATE, NEAR_DUPLICATE = "duplicate", "near-duplicate"
KINDS = (UNREADABLE, COLORLESS, DUPLICATE, NEAR_DUPLICATE)


@dataclass(frozen=True)
class Shard:
    """A file of photos.

    Attributes:
        file: Its name.
        photos: How many it holds.
        bytes: Its size.
        sha256: Its checksum, as `sha256sum` prints it.
    """

    file: str
    photos: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The whole of a prepared folder.

    Attributes:
        source: What was prepared, as the command named it.
        fingerprint: Hash of the names of all photos, in order.
        settings: How they are stored.
        found: Photos looked at; 0 until complete.
        photos: Photos stored; 0 until complete.
        groups: Photos stored, by their first subfolder.
        left_out: Photos not stored, by the kind of reason.
        shards: The files.
        is_complete: Whether all photos have been looked at.
    """

    source: str
    fingerprint: str
    settings: ShardSettings
    found: int = 0
    photos: int = 0
    groups: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    shards: tuple[Shard, ...] = ()
    is_complete: bool = False

    def save(self, folder: str) -> None:
        """Writes it into a folder, whole or not at all.

        Raises:
            OSError: If it cannot be written.
        """
        values = {"format": FORMAT, **dataclasses.asdict(self)}
        text = json.dumps(values, indent=2) + "\n"
        write_file(join(folder, NAME), text.encode())

    @classmethod
    def load(cls, folder: str) -> "Manifest | None":
        """Reads the manifest of a folder; None if it holds none.

        Raises:
            DataError: If it is damaged, or of another version.
        """
        path = join(folder, NAME)
        content = read_file(path)
        if content is None:
            return None
        try:
            values = json.loads(content)
            if values.pop("format") != FORMAT:
                raise DataError(
                    f"`{path}` is of another version of this package: prepare "
                    "the photos again, into another folder."
                )
            settings = ShardSettings(**values.pop("settings"))
            shards = tuple(Shard(**shard) for shard in values.pop("shards"))
            return cls(settings=settings, shards=shards, **values)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise DataError(
                f"`{path}` cannot be read as a manifest: delete it, and run "
                "`prepare` again; finished shards are kept."
            ) from None

    def check(self, folder: str) -> None:
        """Compares the files with the manifest, by their sizes alone.

        Raises:
            DataError: If the folder is not complete, or names the first shard
                that is missing, cut or of another preparation.
        """
        if not self.is_complete:
            raise DataError(
                f"`{folder}` is not finished: run `prepare` again with the "
                "same photos and settings; it goes on where it stopped."
            )
        for shard in self.shards:
            path = join(folder, shard.file)
            size = size_of(path)
            if size < 0:
                raise DataError(f"The shard `{path}` is missing: {REPAIR}")
            if size != shard.bytes:
                raise DataError(
                    f"The shard `{path}` has {size:,} bytes instead of "
                    f"{shard.bytes:,}: {REPAIR}"
                )


REPAIR = (
    "copy it again, or delete it and run `prepare` with the same photos and "
    "settings; only it is made anew."
)


def is_prepared(data: str | None) -> bool:
    """Whether `--data` names a folder that `prepare` made.

    Anything afar is taken for one: nothing else is read over a network.
    """
    if not data:
        return False
    return is_remote(data) or size_of(join(data, NAME)) >= 0
