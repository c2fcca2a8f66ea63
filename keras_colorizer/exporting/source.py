"""A trained generator, and the results on photos that artifacts must match."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_colorizer.data.sources import list_photos
from keras_colorizer.errors import DataError, PhotoError
from keras_colorizer.exporting.model_card import model_card
from keras_colorizer.exporting.parity import KerasResults, network_views
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.inference.keras_network import KerasNetwork
from keras_colorizer.networks.generator_file import SavedGenerator
from keras_colorizer.networks.readout import with_readout
from keras_colorizer.photos import read_rgb

FEWEST_PHOTOS = 8
JUDGED_PHOTOS = 12
CALIBRATION_PHOTOS = 100
SHORT_SIDE = 512  # Pixels, about: larger photos are reduced by whole factors.


@dataclass(frozen=True)
class ExportSource:
    """A trained generator, ready for export.

    Attributes:
        network: The generator.
        card: Its model card.
        results: The Keras model's results on photos, to compare with.
        calibration: Views of photos for the ranges of 8-bit arithmetic.
    """

    network: KerasNetwork
    card: dict[str, Any]
    results: KerasResults
    calibration: list[np.ndarray]


def export_source(
    saved: SavedGenerator,
    *,
    run: Path | None = None,
    saturation: float = 1.0,
    chroma_power: float = 1.0,
    calibration_data: str | None = None,
    training_data: str | None = None,
) -> ExportSource:
    """Prepares an export: colors photos with the Keras model.

    `calibration_data` names color photos, as `--data`. Where there are enough,
    artifacts are judged by others than those that they are calibrated with.

    Raises:
        DataError: If there are fewer than 8 photos that can be read.
    """
    card = model_card(run, saved, training_data=training_data)
    card |= {"saturation": saturation, "chroma_power": chroma_power}
    generator = saved.generator
    if (saturation, chroma_power) != (1, 1):
        generator = with_readout(
            generator, power=chroma_power, factor=saturation
        )
    network = KerasNetwork(generator, render_size=saved.render_size)
    photos = _read_some(calibration_data)
    every = max(1, len(photos) // JUDGED_PHOTOS)
    chosen = range(0, len(photos), every)[:JUDGED_PHOTOS]
    judged = [photos[i] for i in chosen]
    others = [photo for i, photo in enumerate(photos) if i not in chosen]
    if len(photos) < 2 * JUDGED_PHOTOS:
        others = photos
    results = KerasResults(Colorizer(network), judged)
    views = network_views(others, network.render_size)
    return ExportSource(network, card, results, views)


def _read_some(data: str | None) -> list[np.ndarray]:
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
