"""Folders of small photos: their settings, and their counts in a manifest."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        keep_colorless: Take grey and sepia photos, too: they teach the
            generator to leave photos grey.
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


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Writes the manifest into the folder, whole or not at all."""
    with whole_file(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=2) + "\n")


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Reads the manifest of a folder; None if `prepare` has written none.

    Returns:
        `format`; `source`, the photos that it is made of, as `--data` names
        them; `settings`; `found`, the number of photos, 0 until all have been
        looked at; `taken`, the number of small photos; `left_out`, the number
        of others by reason.

    Raises:
        DataError: If the folder holds shards.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        written_as = manifest["format"]
    except (OSError, ValueError, LookupError, TypeError):
        return None  # There is none, or it is of another program.
    if written_as == SHARDS:
        raise DataError(
            f"`{folder}` holds shards, which are no longer read: run "
            "`prepare` on the photos again, into another folder."
        )
    return manifest if written_as == FORMAT else None
