"""The SavedModel that TF Serving mounts."""

from pathlib import Path

import keras
import tensorflow as tf

from keras_colorizer.errors import ConfigError
from keras_colorizer.exporting.latency import saved_model_latency
from keras_colorizer.exporting.model_card import ENTRY, card_text
from keras_colorizer.exporting.parity import excess
from keras_colorizer.exporting.report import ArtifactReport, check_faithful
from keras_colorizer.exporting.saved_model.signatures import ServerGraph
from keras_colorizer.exporting.saved_model.warmup import ASSETS, write_warmup
from keras_colorizer.exporting.source import ExportSource
from keras_colorizer.files import disk_errors, whole_folder
from keras_colorizer.inference.keras_network import KerasNetwork
from keras_colorizer.inference.network import saved_versions


def choose_version(models: Path, *, version: int | None) -> Path:
    """Returns the folder of a new version.

    Args:
        models: Folder of all versions.
        version: Its number; None for the one after the highest.

    Raises:
        ConfigError: If there is such a version already, or none can be.
    """
    if version is None:
        version = max(saved_versions(models), default=0) + 1
    if version < 0:
        raise ConfigError(f"--version must be 0 or more. Received: {version}")
    if version in saved_versions(models):
        raise ConfigError(
            f"--version: there is a version {version} in `{models}`, and "
            "servers may be using it: take a higher one."
        )
    return models / str(version)


def publish_saved_model(
    source: ExportSource, folder: Path, *, max_pixels: int
) -> ArtifactReport:
    """Writes a version, compares it with the Keras model, then names it.

    Until it has its name, no server sees it.

    Args:
        source: What to export.
        folder: Of the new version.
        max_pixels: Servers refuse larger photos.

    Raises:
        UnfaithfulArtifactError: If it differs too much.
        OSError: If it cannot be written.
    """
    with whole_folder(folder) as temporary:
        write_saved_model(source.network, temporary, max_pixels=max_pixels)
        (temporary / ASSETS / ENTRY).write_text(card_text(source.card))
        return check_faithful(_report(source, temporary, folder))


def write_saved_model(
    network: KerasNetwork, folder: Path, *, max_pixels: int
) -> None:
    """Writes the three signatures and the warm-up requests.

    Args:
        network: What predicts ab.
        folder: Of this one version.
        max_pixels: Servers refuse larger photos, files before decoding them.
    """
    graph = ServerGraph(network, max_pixels=max_pixels)
    archive = keras.export.ExportArchive()
    # The first one becomes `serving_default`, too.
    for name, spec in graph.inputs.items():
        archive.add_endpoint(name, getattr(graph, name), input_signature=[spec])
    with disk_errors():
        archive.write_out(folder, verbose=False)
        write_warmup(
            folder / ASSETS,
            render_size=network.render_size,
            max_pixels=max_pixels,
        )


def _report(source, written, folder):
    model = tf.saved_model.load(str(written))

    def predict_ab(view):
        run = model.signatures["predict_ab"]
        return run(lightness=tf.constant(view))["ab"].numpy()

    def colorize(photo):
        run = model.signatures["serving_default"]
        file = tf.io.encode_png(photo)
        (colored,) = run(image_bytes=file[None])["image_bytes"]
        return tf.io.decode_png(colored).numpy()

    parity = source.results.compare(predict_ab, colorize)
    files = [path for path in written.rglob("*") if path.is_file()]
    return ArtifactReport(
        name=f"saved_model/{folder.parent.name}/{folder.name}",
        method="float32",
        problem=excess(parity, "float32"),
        bytes=sum(path.stat().st_size for path in files),
        ops=[],
        xnnpack_ops=0,
        latency=list(saved_model_latency(model)),
        parity=parity,
    )
