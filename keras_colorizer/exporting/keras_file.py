"""The generator itself, at half its size, to go on training from."""

from pathlib import Path

from keras_colorizer.exporting.parity import excess
from keras_colorizer.exporting.report import ArtifactReport, check_faithful
from keras_colorizer.exporting.source import ExportSource
from keras_colorizer.files import whole_file
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.networks.float16 import ready_for_float16
from keras_colorizer.networks.generator_file import save_generator
from keras_colorizer.networks.precision import with_precision
from keras_colorizer.photos import Photo

FILE = "generator.keras"


def publish_keras_file(
    source: ExportSource, path: Path, *, preset: str | None
) -> ArtifactReport:
    """Writes float16 weights, compares them with the model, names the file.

    Args:
        source: What to export.
        path: Of the file.
        preset: What the generator was built from, if known.

    Raises:
        UnfaithfulArtifactError: If it differs too much.
        OSError: If it cannot be written.
    """
    network = source.network
    generator = ready_for_float16(network.generator, folded=False)
    with whole_file(path) as temporary:
        save_generator(
            with_precision(generator, "float16"),
            temporary,
            preset=preset,
            render_size=network.render_size,
        )
        return check_faithful(_report(source, temporary))


def _report(source, written):
    colorizer = Colorizer.load(written)
    parity = source.results.compare(
        colorizer.predict_ab,
        lambda photo: colorizer.colorize_photo(Photo(photo)).pixels,
    )
    return ArtifactReport(
        name=f"keras/{FILE}",
        method="float16 weights, float32 arithmetic",
        problem=excess(parity, "float16"),
        bytes=written.stat().st_size,
        ops=[],
        xnnpack_ops=0,
        latency=[],
        parity=parity,
    )
