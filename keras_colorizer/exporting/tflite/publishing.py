"""The four `.tflite` files of an export, each compared with the Keras model."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from keras_colorizer.exporting.latency import SIDES, tflite_latency
from keras_colorizer.exporting.model_card import ENTRY, card_text
from keras_colorizer.exporting.parity import excess
from keras_colorizer.exporting.report import (
    ArtifactReport,
    UnfaithfulArtifactError,
    check_faithful,
)
from keras_colorizer.exporting.source import ExportSource
from keras_colorizer.exporting.tflite.conversion import (
    ab_dynamic_tflite,
    ab_float16_tflite,
    ab_integer_tflite,
    colorizer_tflite,
)
from keras_colorizer.exporting.tflite.delegates import (
    assert_gpu_ready,
    cpu_plan,
)
from keras_colorizer.exporting.tflite.flatbuffer import (
    assert_builtin_ops,
    embed_text,
    signatures,
)
from keras_colorizer.files import whole_file
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.litert import signature_runner
from keras_colorizer.photos import Photo


class Method(NamedTuple):
    """A way to make a file.

    Attributes:
        file: Its name.
        words: What is done, for the report.
        precision: By which `excess` judges it.
        convert: Does it.
        photos: How many photos it has to be calibrated with.
    """

    file: str
    words: str
    precision: str
    convert: Callable[[ExportSource], bytes]
    photos: int = 0


# With fewer, ranges miss what they do not show: nine photos without a blue sky
# made every sky grey, and no comparison on the same nine could tell.
FEWEST_TO_CALIBRATE = 25

# Of one file, the first that is close enough to the Keras model is taken.
METHODS = (
    Method(
        "colorizer_float32.tflite",
        "float32",
        "float32",
        lambda source: colorizer_tflite(source.network, float16=False),
    ),
    Method(
        "colorizer_float16.tflite",
        "float16 weights, float32 arithmetic",
        "float16",
        lambda source: colorizer_tflite(source.network, float16=True),
    ),
    Method(
        "ab_float16.tflite",
        "float16 weights, float32 arithmetic",
        "float16",
        lambda source: ab_float16_tflite(source.network),
    ),
    Method(
        "ab_int8.tflite",
        "full integer, ranges calibrated on photos",
        "int8",
        lambda source: ab_integer_tflite(source.network, source.calibration),
        photos=FEWEST_TO_CALIBRATE,
    ),
    Method(
        "ab_int8.tflite",
        "8-bit weights, ranges of activations measured while it runs",
        "int8",
        lambda source: ab_dynamic_tflite(source.network),
    ),
)

FILES = tuple(dict.fromkeys(method.file for method in METHODS))


def publish_tflite(source: ExportSource, path: Path) -> ArtifactReport:
    """Writes a file, compares it with the Keras model, then names it.

    Args:
        source: What to export.
        path: Where; its name is one of `FILES`.

    Raises:
        UnfaithfulArtifactError: If no way to make it is close enough.
        ArtifactError: If the network has ops that the file may not.
        OSError: If it cannot be written.
    """
    *others, last = (
        method
        for method in METHODS
        if method.file == path.name and method.photos <= len(source.calibration)
    )
    for method in others:
        try:
            return _publish(source, path, method)
        except UnfaithfulArtifactError:
            continue
    return _publish(source, path, last)


def _publish(source, path, method):
    content = embed_text(method.convert(source), ENTRY, card_text(source.card))
    assert_builtin_ops(content)
    if "colorize" not in signatures(content):
        assert_gpu_ready(content)
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
        return check_faithful(_report(source, temporary, method))


def _report(source, written, method):
    content = written.read_bytes()
    parity = source.results.compare(
        Colorizer.load(written).predict_ab, _colorize(written)
    )
    plan = _cpu_plan(content)
    return ArtifactReport(
        name=f"tflite/{method.file}",
        method=method.words,
        problem=excess(parity, method.precision),
        bytes=len(content),
        ops=plan.delegated + plan.others,
        xnnpack_ops=len(plan.delegated),
        latency=list(tflite_latency(written)),
        parity=parity,
    )


def _colorize(written):
    """From photo to photo; of `ab` files, with the steps around."""
    if "colorize" not in signatures(written.read_bytes()):
        colorizer = Colorizer.load(written)
        return lambda photo: colorizer.colorize_photo(Photo(photo)).pixels
    run = signature_runner(written, "colorize")
    return lambda photo: run(rgb=photo[None])["rgb"][0]


def _cpu_plan(content):
    name, signature = next(iter(signatures(content).items()))
    shapes = {
        key: tuple(SIDES[0] if side < 0 else side for side in spec.shape)
        for key, spec in signature.inputs.items()
    }
    return cpu_plan(content, name, shapes)
