"""Everything that `python export.py` makes of a trained generator."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import keras

from keras_colorizer.exporting.keras_file import FILE as KERAS_FILE
from keras_colorizer.exporting.keras_file import publish_keras_file
from keras_colorizer.exporting.model_card import model_card
from keras_colorizer.exporting.options import MAX_PIXELS
from keras_colorizer.exporting.report import (
    ArtifactReport,
    UnfaithfulArtifactError,
    write_report,
)
from keras_colorizer.exporting.saved_model.publishing import (
    choose_version,
    publish_saved_model,
)
from keras_colorizer.exporting.source import ExportSource, export_source
from keras_colorizer.exporting.tflite.publishing import FILES, publish_tflite
from keras_colorizer.inference.keras_network import KerasNetwork
from keras_colorizer.inference.network import generator_of_run
from keras_colorizer.networks.generator_file import (
    SavedGenerator,
    load_generator,
)
from keras_colorizer.networks.saturation import with_saturation

MODELS = "saved_model/colorizer"  # In the export folder.


def export_saved_model(
    generator: keras.Model,
    folder: Path,
    *,
    render_size: int,
    version: int | None = None,
    max_pixels: int = MAX_PIXELS,
    training_data: str | None = None,
) -> Path:
    """Exports a trained generator for TF Serving, and proves it.

    Args:
        generator: Maps lightness to ab.
        folder: Of all versions, what TF Serving calls the base path.
        render_size: Side in pixels of the square that it sees of a photo.
        version: A number; None for the one after the highest.
        max_pixels: Servers refuse larger photos, files before decoding them.
        training_data: Words on the photos and their licence, for the card.

    Returns:
        The folder of the new version.

    Raises:
        ConfigError: If there is such a version already.
        UnfaithfulArtifactError: If it differs too much from the generator.
    """
    target = choose_version(folder, version=version)
    source = _source(generator, render_size, training_data)
    publish_saved_model(source, target, max_pixels=max_pixels)
    return target


def export_tflite(
    generator: keras.Model,
    folder: Path,
    *,
    render_size: int,
    calibration_data: str | None = None,
    training_data: str | None = None,
) -> list[Path]:
    """Exports a trained generator for phones and browsers, and proves it.

    Args:
        generator: Maps lightness to ab.
        folder: For the four files.
        render_size: Side in pixels of the square that it sees of a photo.
        calibration_data: Color photos for the ranges of 8-bit arithmetic, as
            `--data`; None for those that come with scikit-image.
        training_data: Words on the photos and their licence, for the card.

    Returns:
        The files.

    Raises:
        UnfaithfulArtifactError: If one differs too much from the generator;
            it and those after it are not written.
    """
    source = _source(
        generator, render_size, training_data, data=calibration_data
    )
    paths = [folder / name for name in FILES]
    for path in paths:
        publish_tflite(source, path)
    return paths


def export_run(
    run: Path,
    output: Path,
    *,
    formats: Sequence[str],
    saturation: float,
    version: int | None,
    max_pixels: int,
    calibration_data: str | None,
    training_data: str | None,
    announce: Callable[[str], None],
) -> list[ArtifactReport]:
    """Exports a run to all formats and writes `report.json`.

    An artifact that differs too much from the Keras model is not published;
    the others are.

    Args:
        run: A run folder or a `.keras` file.
        output: The export folder.
        formats: Some of `options.FORMATS`.
        saturation: Factor on the colors, see `with_saturation`.
        version: Of the SavedModel, see `export_saved_model`.
        max_pixels: See `export_saved_model`.
        calibration_data: See `export_tflite`; also what all artifacts are
            compared on.
        training_data: Words for the model card, see `model_card`.
        announce: Called with what is done next.

    Returns:
        What was measured of each artifact.

    Raises:
        ColorizerError: If the run, the photos or the folder do not allow it.
    """
    tasks: dict[str, Callable[[ExportSource], ArtifactReport]] = {}
    if "saved_model" in formats:
        tasks["the SavedModel"] = partial(
            publish_saved_model,
            folder=choose_version(output / MODELS, version=version),
            max_pixels=max_pixels,
        )
    if "tflite" in formats:
        for name in FILES:
            path = output / "tflite" / name
            tasks[name] = partial(publish_tflite, path=path)
    saved = load_generator(generator_of_run(run) if run.is_dir() else run)
    if "keras" in formats:
        path = output / "keras" / KERAS_FILE
        tasks["the Keras file"] = partial(
            publish_keras_file, path=path, preset=saved.preset
        )
    card = model_card(run, saved, training_data=training_data)
    announce("Coloring photos with the Keras model")
    card["saturation"] = saturation
    generator = with_saturation(saved.generator, saturation)
    network = KerasNetwork(generator, render_size=saved.render_size)
    source = export_source(network, card, data=calibration_data)
    reports = []
    for name, publish in tasks.items():
        announce(f"Making and measuring {name}")
        try:
            reports.append(publish(source))
        except UnfaithfulArtifactError as error:
            reports.append(error.report)
    write_report(output / "report.json", card, reports)
    return reports


def _source(generator, render_size, training_data, *, data=None):
    saved = SavedGenerator(generator, render_size, preset=None)
    card = model_card(None, saved, training_data=training_data)
    network = KerasNetwork(generator, render_size=render_size)
    return export_source(network, card, data=data)
