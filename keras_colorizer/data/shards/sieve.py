"""Which photos are stored: readable, in color, and not there already."""

from keras_colorizer.data.shards.manifest import (
    COLORLESS,
    DUPLICATE,
    NEAR_DUPLICATE,
    UNREADABLE,
)
from keras_colorizer.data.shards.near_duplicates import NearDuplicates
from keras_colorizer.data.shards.reduction import (
    ReducedPhoto,
    UnreadablePhoto,
)
from keras_colorizer.data.shards.settings import ShardSettings
from keras_colorizer.data.shards.shard_index import ShardIndex
from keras_colorizer.data.survey import COLORLESS as COLORLESS_CHROMA
from keras_colorizer.data.survey import unexplained_chroma


class Sieve:
    """Sees all photos in order, and remembers those that are stored.

    Args:
        settings: Say what may be stored.
    """

    def __init__(self, settings: ShardSettings):
        self._settings = settings
        self._digests: set[int] = set()
        self._likenesses = NearDuplicates()
        self._names: list[str] = []

    def remember(self, index: ShardIndex) -> None:
        """Takes the photos of a finished shard for seen."""
        for name, digest, photo_hash, thumbnail in zip(
            index.names,
            index.digests,
            index.hashes,
            index.thumbnails,
            strict=True,
        ):
            self._add(str(name), str(digest), int(photo_hash), thumbnail)

    def reason_to_leave_out(
        self, name: str, photo: ReducedPhoto | UnreadablePhoto, *, grey: bool
    ) -> tuple[str, str] | None:
        """Says why a photo is not stored; if it is, remembers it.

        Args:
            name: What the photo is called.
            photo: What was read of it.
            grey: Whether it `is_colorless`.

        Returns:
            A kind of reason and a sentence, or None if it is to be stored.
        """
        if isinstance(photo, UnreadablePhoto):
            return UNREADABLE, photo.reason
        if grey and not self._settings.keep_colorless:
            return COLORLESS, "It is grey, or toned in one color."
        if int(photo.digest, 16) in self._digests:
            return DUPLICATE, "The same file was there before."
        if (first := self._first_like(photo)) is not None:
            return NEAR_DUPLICATE, f"It looks like {self._names[first]}."
        self._add(name, photo.digest, photo.hash, photo.thumbnail)
        return None

    def _first_like(self, photo):
        if self._settings.keep_near_duplicates:
            return None
        return self._likenesses.first_like(photo.hash, photo.thumbnail)

    def _add(self, name, digest, photo_hash, thumbnail):
        self._digests.add(int(digest, 16))
        if not self._settings.keep_near_duplicates:
            self._likenesses.add(photo_hash, thumbnail)
            self._names.append(name)


def is_colorless(photo: ReducedPhoto | UnreadablePhoto) -> bool:
    """Whether a photo was read, and is grey or toned in one color."""
    if isinstance(photo, UnreadablePhoto):
        return False
    return unexplained_chroma(photo.sample) < COLORLESS_CHROMA
