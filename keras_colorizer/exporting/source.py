"""What artifacts are made of, and judged by."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_colorizer.data.sources import list_photos
from keras_colorizer.errors import DataError, PhotoError
from keras_colorizer.exporting.parity import KerasResults, network_views
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.inference.keras_network import KerasNetwork
from keras_colorizer.photos import read_rgb

FEWEST_PHOTOS = 8
JUDGED_PHOTOS = 12
CALIBRATION_PHOTOS = 100
SHORT_SIDE = 512  # Pixels, about: larger photos are reduced by whole factors.


@dataclass(frozen=True)
class ExportSource:
    """A trained generator with what is needed to export it.

    Attributes:
        network: The generator.
        card: Its model card.
        results: What the Keras model makes of photos, to compare with.
        calibration: Views of photos for the ranges of 8-bit arithmetic.
    """

    network: KerasNetwork
    card: dict[str, Any]
    results: KerasResults
    calibration: list[np.ndarray]


def export_source(
    network: KerasNetwork, card: dict[str, Any], *, data: str | None
) -> ExportSource:
    """Reads photos and colors them with the Keras model.

    Where there are enough, those that artifacts are judged by are not those
    that they are calibrated with.

    Args:
        network: The generator.
        card: Its model card.
        data: Color photos, as `--data`; None for the ones that come with
            scikit-image.

    Raises:
        DataError: If there are fewer than 8 that can be read.
    """
    photos = _read_some(data)
    every = max(1, len(photos) // JUDGED_PHOTOS)
    chosen = range(0, len(photos), every)[:JUDGED_PHOTOS]
    judged = [photos[i] for i in chosen]
    others = [photo for i, photo in enumerate(photos) if i not in chosen]
    if len(photos) < 2 * JUDGED_PHOTOS:
        others = photos
    return ExportSource(
        network,
        card,
        KerasResults(Colorizer(network), judged),
        network_views(others, network.render_size),
    )


def _read_some(data):
    found = list_photos(data)
    wanted = min(len(found), CALIBRATION_PHOTOS + JUDGED_PHOTOS)
    photos = []
    for number in range(wanted):
        source = found[number * len(found) // wanted]
        try:
            photos.append(read_rgb(source.content, short_side=SHORT_SIDE))
        except PhotoError:
            continue  # One photo more or less makes no difference.
    if len(photos) < FEWEST_PHOTOS:
        raise DataError(
            f"--calibration-data holds {len(photos)} photos that can be read: "
            f"name a folder of {FEWEST_PHOTOS} or more in color."
        )
    return photos
