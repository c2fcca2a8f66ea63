"""Publication of artifacts, each compared with the Keras model first."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_colorizer.encoding import encode_lightness
from keras_colorizer.errors import ArtifactError
from keras_colorizer.exporting import report
from keras_colorizer.exporting.conversion import convert
from keras_colorizer.exporting.parity import Parity, excess
from keras_colorizer.exporting.saved_model import ASSETS, write_saved_model
from keras_colorizer.exporting.source import ExportSource
from keras_colorizer.files import whole_file, whole_folder, without_wildcards
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.litert import signature_runner
from keras_colorizer.networks.float16 import ready_for_float16
from keras_colorizer.networks.generator_file import save_generator
from keras_colorizer.networks.precision import with_precision
from keras_colorizer.photos import Photo

# Files of an export folder, with their precisions: the first is taken that is
# close enough to the Keras model.
FILES = {
    "tflite/colorizer_float32.tflite": ("float32",),
    "tflite/colorizer_float16.tflite": ("float16",),
    "tflite/ab_float16.tflite": ("float16",),
    "tflite/ab_int8.tflite": ("int8", "int8_weights"),
    "keras/generator.keras": ("float16",),
}
# With fewer photos, ranges miss what they do not show: nine without a blue sky
# made every sky grey, and no comparison on the same nine could tell.
FEWEST_TO_CALIBRATE = 25


class UnfaithfulArtifactError(ArtifactError):
    """An artifact differs too much from the Keras model to be published."""

    def __init__(self, measured: report.ArtifactReport):
        super().__init__(
            f"{measured.name} was not published: {measured.problem}. Train the "
            "model further, or leave this format out with --formats."
        )
        self.report = measured


def publish_saved_model(
    source: ExportSource, folder: Path, *, max_pixels: int
) -> report.ArtifactReport:
    """Writes a version of the SavedModel; before its proof, no server sees it.

    Its model card is `assets.extra/colorizer.json`, so that it goes where the
    version goes.

    Raises:
        UnfaithfulArtifactError: If it differs too much.
        OSError: If it cannot be written.
    """
    with whole_folder(folder) as temporary:
        with without_wildcards(temporary) as plain:
            write_saved_model(source.network, plain, max_pixels=max_pixels)
            model = tf.saved_model.load(str(plain))
        report.write_json(temporary / ASSETS / "colorizer.json", source.card)
        return _judged(
            f"saved_model/{folder.parent.name}/{folder.name}",
            "float32",
            temporary,
            list(report.saved_model_latency(model)),
            _saved_model_parity(source, model),
        )


def publish_file(
    source: ExportSource, name: str, path: Path
) -> report.ArtifactReport:
    """Writes one of `FILES`, and its model card beside it.

    Raises:
        UnfaithfulArtifactError: If no precision is close enough.
        ArtifactError: If the network has ops that the file may not.
        OSError: If it cannot be written.
    """
    *others, last = FILES[name]
    if len(source.calibration) >= FEWEST_TO_CALIBRATE:
        for precision in others:
            with contextlib.suppress(UnfaithfulArtifactError):
                return _publish_file(source, name, path, precision)
    return _publish_file(source, name, path, last)


def _publish_file(
    source: ExportSource, name: str, path: Path, precision: str
) -> report.ArtifactReport:
    with whole_file(path) as temporary:
        _write_file(source, temporary, name, precision)
        measured = _judged(
            name,
            precision,
            temporary,
            list(report.file_latency(temporary)),
            _file_parity(source, temporary, name),
        )
    report.write_json(path.with_suffix(".json"), source.card)
    return measured


def _write_file(
    source: ExportSource, path: Path, name: str, precision: str
) -> None:
    network = source.network
    if path.suffix == ".keras":
        views = [encode_lightness(v) for v in source.calibration]
        generator = ready_for_float16(network.generator, views, folded=False)
        save_generator(
            with_precision(generator, precision),
            path,
            preset=source.card["preset"],
            render_size=network.render_size,
        )
        return
    content = convert(
        network,
        precision=precision,
        any_size=_colors_photos(name),
        views=source.calibration,
    )
    path.write_bytes(content)


def _saved_model_parity(source: ExportSource, model: Any) -> Parity:
    def predict_ab(view: np.ndarray) -> np.ndarray:
        run = model.signatures["predict_ab"]
        return run(lightness=tf.constant(view))["ab"].numpy()

    def predict_ab_with_hints(
        view: np.ndarray, hints: np.ndarray
    ) -> np.ndarray:
        run = model.signatures["predict_ab_with_hints"]
        inputs = {"lightness": tf.constant(view), "hints": tf.constant(hints)}
        return run(**inputs)["ab"].numpy()

    def colorize(photo: np.ndarray) -> np.ndarray:
        run = model.signatures["serving_default"]
        file = tf.io.encode_png(photo)
        (colored,) = run(image_bytes=file[None])["image_bytes"]
        return tf.io.decode_png(colored).numpy()

    return source.results.compare(predict_ab, colorize, predict_ab_with_hints)


def _file_parity(source: ExportSource, path: Path, name: str) -> Parity:
    colorizer = Colorizer.load(path)
    run = signature_runner(path, "colorize") if _colors_photos(name) else None

    def colorize(photo: np.ndarray) -> np.ndarray:
        if run is not None:
            return run(rgb=photo[None])["rgb"][0]
        return colorizer.colorize_photo(Photo(photo)).pixels

    with_hints = colorizer.predict_ab_with_hints
    return source.results.compare(
        colorizer.predict_ab,
        colorize,
        with_hints if colorizer.takes_hints else None,
    )


def _colors_photos(name: str) -> bool:
    """Whether a file has the signature `colorize`."""
    return "colorizer" in name


def _judged(
    name: str,
    precision: str,
    path: Path,
    latency: list[report.Latency],
    parity: Parity,
) -> report.ArtifactReport:
    files = [file for file in (path, *path.rglob("*")) if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    problem = excess(parity, precision)
    measured = report.ArtifactReport(
        name, precision, problem, size, latency, parity
    )
    if problem is not None:
        raise UnfaithfulArtifactError(measured)
    return measured
