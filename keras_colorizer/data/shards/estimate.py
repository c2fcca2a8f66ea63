"""What a preparation would take, from a few photos."""

import time
from itertools import islice

from keras_colorizer.data.shards.reduction import ReducedPhoto, reduce_photo
from keras_colorizer.data.shards.settings import ShardSettings
from keras_colorizer.data.shards.sieve import is_colorless
from keras_colorizer.data.sources import stream_photos

SAMPLE = 64  # The first: files are in the order of a hash of their names.


def estimate(data: str, settings: ShardSettings) -> str:
    """Reads some photos, and says what all of them would take, in a sentence.

    Args:
        data: A folder, a glob, or `tfds:NAME`.
        settings: How the photos would be stored.

    Raises:
        DataError: If there are no photos.
    """
    stream = stream_photos(data)
    start = time.process_time()
    read = [
        reduce_photo(source, settings)
        for source in islice(stream.starting_at(0), SAMPLE)
    ]
    seconds = time.process_time() - start
    photos = [photo for photo in read if isinstance(photo, ReducedPhoto)]
    grey = 0 if settings.keep_colorless else sum(map(is_colorless, photos))
    sizes = [len(photo.jpeg) for photo in photos]
    share = stream.count / len(read)
    stored = share * (len(photos) - grey)
    megabytes = stored * sum(sizes) / max(1, len(sizes)) / 1e6
    return (
        f"{stream.count:,} photos found. Of the {len(read)} looked at, "
        f"{len(read) - len(photos)} cannot be read and {grey} have no color. "
        f"All would take about {megabytes:,.0f} MB in "
        f"{-(-stored // settings.photos_per_shard):,.0f} shards, and "
        f"{share * seconds / 60:,.1f} minutes of one core. Nothing is written."
    )
