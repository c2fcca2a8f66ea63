"""Folders of small photos: their settings, and their counts in a manifest."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

from keras_colorizer.errors import ConfigError, DataError
from keras_colorizer.files import whole_file
from keras_colorizer.photos import MAX_PIXELS

MANIFEST = "manifest.json"
FORMAT, SHARDS = "keras_colorizer small photos 1", "keras_colorizer shards 1"


@dataclass(frozen=True)
class SmallPhotoSettings:
    """The making of small photos.

    Attributes:
        short_side: Pixels that the shorter side of a small photo measures.
            288 is enough to train on squares of 256 and, halved while it is
            decoded, of 128. 144 is enough for 128 alone, in a third of the
            space. Squares larger than this cannot be trained on.
        quality: Of the JPEGs, 1 to 95, on Pillow's scale. Color is kept as
            finely as lightness: at full resolution, and quantized alike.
        keep_colorless: Take grey and sepia photos, too. Training leaves them
            out unless it is given --keep-colorless as well.
        keep_near_duplicates: Take photos that look like an earlier one, too:
            copied, resized, recompressed, slightly cropped, the next frame.
        max_pixels: Leave out larger photos instead of decoding them.
    """

    short_side: int = 288
    quality: int = 80
    keep_colorless: bool = False
    keep_near_duplicates: bool = False
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        ranges = {"short_side": (32, 4096), "quality": (1, 95)}
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"--{name.replace('_', '-')} must be between {low} and "
                    f"{high}. Received: {getattr(self, name)}"
                )


@dataclass(frozen=True)
class Manifest:
    """The manifest of a folder of small photos.

    Attributes:
        source: The photos that it is made of, as `--data` names them.
        settings: How.
        found: The number of photos; 0 until all have been looked at.
        taken: The number of small photos.
        left_out: The number of others, by reason.
    """

    source: str
    settings: SmallPhotoSettings
    found: int = 0
    taken: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Writes it into the folder, whole or not at all."""
        values = {"format": FORMAT, **dataclasses.asdict(self)}
        with whole_file(folder / MANIFEST) as temporary:
            temporary.write_text(json.dumps(values, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Manifest | None":
        """Reads what `save` wrote; None if the folder has none of it.

        Raises:
            DataError: If the folder holds shards.
        """
        try:
            values = json.loads((folder / MANIFEST).read_bytes())
            written_as = values.pop("format")
            if written_as == FORMAT:
                settings = SmallPhotoSettings(**values.pop("settings"))
                return cls(settings=settings, **values)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None  # There is none, or it is of another program.
        if written_as == SHARDS:
            raise DataError(
                f"`{folder}` holds shards, which are no longer read: run "
                "`prepare` on the photos again, into another folder."
            )
        return None
