"""Export of a trained generator."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import keras

from keras_colorizer.exporting import MAX_PIXELS
from keras_colorizer.exporting.publishing import (
    FILES,
    UnfaithfulArtifactError,
    publish_file,
    publish_saved_model,
)
from keras_colorizer.exporting.report import ArtifactReport, write_json
from keras_colorizer.exporting.saved_model import choose_version
from keras_colorizer.exporting.source import ExportSource, export_source
from keras_colorizer.inference.network import generator_of_run
from keras_colorizer.networks.generator_file import (
    SavedGenerator,
    load_generator,
)

Publish = Callable[[ExportSource], ArtifactReport]


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

    Example:
        >>> export_saved_model(
        ...     generator, Path("exported/saved_model/colorizer"),
        ...     render_size=256,
        ... )
        PosixPath('exported/saved_model/colorizer/1')
    """
    target = choose_version(Path(folder), version=version)
    saved = SavedGenerator(generator, render_size, preset=None)
    source = export_source(saved, training_data=training_data)
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
        folder: For the four files and their model cards.
        render_size: Side in pixels of the square that it sees of a photo.
        calibration_data: Color photos for the ranges of 8-bit arithmetic, as
            `--data`; None for those that come with scikit-image.
        training_data: Words on the photos and their licence, for the card.

    Returns:
        The `.tflite` files.

    Raises:
        UnfaithfulArtifactError: If one differs too much from the generator;
            it and those after it are not written.

    Example:
        >>> files = export_tflite(
        ...     generator, Path("exported/tflite"), render_size=256
        ... )
        >>> files[0]
        PosixPath('exported/tflite/colorizer_float32.tflite')
    """
    saved = SavedGenerator(generator, render_size, preset=None)
    source = export_source(
        saved, calibration_data=calibration_data, training_data=training_data
    )
    names = [name for name in FILES if name.startswith("tflite/")]
    paths = [Path(folder) / Path(name).name for name in names]
    for name, path in zip(names, paths, strict=True):
        publish_file(source, name, path)
    return paths


def export_run(
    run: Path,
    output: Path,
    *,
    formats: Sequence[str],
    version: int | None,
    max_pixels: int,
    announce: Callable[[str], None],
    **about: Any,
) -> list[ArtifactReport]:
    """Exports a run to all formats and writes `report.json`.

    `run` may be a `.keras` file, too; `about` are options of `export_source`.
    An artifact that differs too much from the Keras model is not published;
    the others are. `announce` is called with the name of each step.
    """
    tasks: dict[str, Publish] = {}
    if "saved_model" in formats:
        models = output / "saved_model/colorizer"
        folder = choose_version(models, version=version)
        tasks["the SavedModel"] = partial(
            publish_saved_model, folder=folder, max_pixels=max_pixels
        )
    for name in FILES:
        if name.split("/")[0] in formats:
            path = output / name
            tasks[name] = partial(publish_file, name=name, path=path)
    saved = load_generator(generator_of_run(run) if run.is_dir() else run)
    announce("Coloring photos with the Keras model")
    source = export_source(saved, run=run, **about)
    reports = []
    for name, publish in tasks.items():
        announce(f"Making and measuring {name}")
        reports.append(_report(publish, source))
    content = {"model": source.card, "artifacts": [asdict(r) for r in reports]}
    write_json(output / "report.json", content)
    return reports


def _report(publish: Publish, source: ExportSource) -> ArtifactReport:
    try:
        return publish(source)
    except UnfaithfulArtifactError as error:
        return error.report
