"""What decides the bytes of shards: the same photos and settings, the same."""

from dataclasses import dataclass

from keras_colorizer.errors import ConfigError
from keras_colorizer.photos import MAX_PIXELS

LARGEST_SHORT_SIDE = 4096
# Pillow's scale; above it, files grow and nothing is seen.
QUALITIES = range(1, 96)


@dataclass(frozen=True)
class ShardSettings:
    """How photos are stored.

    Attributes:
        short_side: Pixels that the shorter side of a stored photo measures.
            288 is enough to train on squares of 256 and, halved while it is
            decoded, of 128. 144 is enough for 128 alone, in a third of the
            space. Larger squares can not be trained on later.
        quality: Of the stored JPEGs, 1 to 95. Colors are stored at full
            resolution (4:4:4): they are what is learnt.
        photos_per_shard: Photos in one file. What a kill loses is at most one
            file's work.
        keep_colorless: Store grey and sepia photos, too. Training leaves them
            out unless it is given --keep-colorless as well.
        keep_near_duplicates: Store photos that look like an earlier one, too:
            resized, recompressed, slightly cropped, the next frame.
        max_pixels: Leave out larger photos instead of decoding them.
    """

    short_side: int = 288
    quality: int = 85
    photos_per_shard: int = 4096
    keep_colorless: bool = False
    keep_near_duplicates: bool = False
    max_pixels: int = MAX_PIXELS

    def __post_init__(self):
        rules = [
            (
                "short_side",
                32 <= self.short_side <= LARGEST_SHORT_SIDE,
                f"between 32 and {LARGEST_SHORT_SIDE}",
            ),
            ("quality", self.quality in QUALITIES, "between 1 and 95"),
            ("photos_per_shard", self.photos_per_shard >= 1, "at least 1"),
            ("max_pixels", self.max_pixels >= 1, "at least 1"),
        ]
        for name, holds, rule in rules:
            if not holds:
                raise ConfigError(
                    f"--{name.replace('_', '-')} must be {rule}. "
                    f"Received: {getattr(self, name)}"
                )
