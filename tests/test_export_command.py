"""The command `export`: artifacts, cards, report, refusals."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import prediction_log_pb2

import keras_colorizer
from keras_colorizer import (
    Colorizer,
    TrainingConfig,
    export_saved_model,
    export_tflite,
)
from keras_colorizer.cli import export as export_command
from keras_colorizer.exporting import parity as parity_module
from keras_colorizer.exporting import report as report_module
from keras_colorizer.exporting.parity import Parity, excess

REPOSITORY = Path(keras_colorizer.__file__).parents[1]
FILES = {
    "colorizer_float32.tflite",
    "colorizer_float16.tflite",
    "ab_float16.tflite",
    "ab_int8.tflite",
}
CARDS = {name.replace(".tflite", ".json") for name in FILES}


@pytest.fixture(autouse=True)
def one_repeat(monkeypatch):
    """Times once: what is exported in this process is not about speed."""
    monkeypatch.setattr(report_module, "REPEATS", 1)


@pytest.fixture
def export(run_main, tiny_run):
    """Runs `export.py`; returns exit code, output, errors in one line."""

    def run(*arguments, run=tiny_run.run_dir):
        code, out, err = run_main(
            export_command.main, "export.py", "--run", run, *arguments
        )
        return code, out, " ".join(err.split())

    return run


@pytest.fixture(scope="module")
def exported(tiny_run, tmp_path_factory):
    """A finished export of `tiny_run`; do not write into it."""
    output = tmp_path_factory.mktemp("exported")
    done = subprocess.run(
        [
            sys.executable,
            REPOSITORY / "export.py",
            *("--run", tiny_run.run_dir, "--output", output),
            *("--training-data", "Three photos, CC0"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return output


def names_in(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
def test_export_folder_holds_what_is_promised(exported):
    assert names_in(exported) == {"saved_model", "tflite", "report.json"}
    assert names_in(exported / "tflite") == FILES | CARDS
    version = exported / "saved_model/colorizer/1"
    assert {"saved_model.pb", "variables", "assets.extra"} <= names_in(version)
    assert names_in(version / "assets.extra") == {
        "colorizer.json",
        "tf_serving_warmup_requests",
    }


@pytest.mark.slow
def test_report_tells_of_every_artifact(exported):
    report = json.loads((exported / "report.json").read_text())
    artifacts = {a["name"]: a for a in report["artifacts"]}
    assert set(artifacts) == {
        "saved_model/colorizer/1",
        *(f"tflite/{name}" for name in FILES),
    }
    for name in FILES:
        artifact = artifacts[f"tflite/{name}"]
        size = (exported / "tflite" / name).stat().st_size
        assert artifact["bytes"] == size
        assert artifact["parity"]["photos"] >= 8
        assert {one["threads"] for one in artifact["latency"]} == {1, 2}
        assert artifact["problem"] is None
    sides = {
        one["side"]
        for one in artifacts["tflite/colorizer_float16.tflite"]["latency"]
    }
    assert sides == {256, 1024}


@pytest.mark.slow
def test_every_artifact_has_the_model_card(exported, tiny_run):
    assets = exported / "saved_model/colorizer/1/assets.extra"
    card = json.loads((assets / "colorizer.json").read_text())
    assert card["preset"] == "tiny"
    assert card["render_size"] == 32
    assert card["training_data"] == "Three photos, CC0"
    assert card["tensorflow"] == tf.__version__
    generator = Colorizer.load(tiny_run.run_dir).network.generator
    assert card["parameters"] == generator.count_params()
    for name in CARDS:
        assert json.loads((exported / "tflite" / name).read_text()) == card


def test_keras_file_paints_more_color_and_can_be_trained_on(
    export, tiny_run, tmp_path, rng
):
    code, out, errors = export(
        *("--output", tmp_path, "--formats", "keras", "--saturation", "2"),
        *("--chroma-power", "1.5"),
    )
    assert code == 0, errors
    assert "keras/generator.keras" in out
    (artifact,) = json.loads((tmp_path / "report.json").read_text())[
        "artifacts"
    ]
    path = tmp_path / "keras/generator.keras"
    assert artifact["bytes"] == path.stat().st_size
    card = json.loads(path.with_suffix(".json").read_text())
    assert (card["saturation"], card["chroma_power"]) == (2, 1.5)
    lightness = rng.uniform(0, 100, (1, 32, 32, 1)).astype("float32")
    ab = Colorizer.load(tiny_run.run_dir).predict_ab(lightness) / 110
    bolder = Colorizer.load(path).predict_ab(lightness) / 110
    chroma = 110 * np.linalg.norm(ab, axis=-1, keepdims=True)
    # Float16 keeps 11 bits of the weights.
    np.testing.assert_allclose(bolder, 2 * ab * (chroma / 12) ** 0.5, atol=2e-3)
    assert np.abs(bolder - ab).max() > 4e-3
    config = TrainingConfig(init=str(path))
    assert config.generator == "tiny"


@pytest.mark.parametrize(
    ("flag", "values"),
    [
        ("--saturation", ["0", "-1", "nan", "inf"]),
        ("--chroma-power", ["0.9", "2.1", "nan"]),
    ],
)
def test_readouts_that_make_no_sense_are_refused(export, flag, values):
    for value in values:
        code, _, errors = export(flag, value)
        assert code == 2
        assert flag in errors


@pytest.mark.slow
def test_colorize_command_runs_the_file_without_tensorflow(exported, tmp_path):
    photo = tmp_path / "old.png"
    Image.fromarray(skimage.data.camera()[:99, :201]).save(photo)
    model = exported / "tflite/colorizer_float16.tflite"
    command = ["keras-colorizer", "colorize", photo, "-o", tmp_path / "out"]
    arguments = [*map(str, command), "--model", str(model)]
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; "
        f"sys.argv = {arguments!r}; "
        "from keras_colorizer.cli.commands import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(tmp_path / "out/old.png") as colored:
        assert colored.size == (201, 99)


@pytest.mark.slow
def test_warmup_is_what_tf_serving_reads(exported):
    path = exported / "saved_model/colorizer/1/assets.extra"
    records = tf.data.TFRecordDataset(str(path / "tf_serving_warmup_requests"))
    requests = [
        prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        for record in records.as_numpy_iterator()
    ]
    names = [request.model_spec.signature_name for request in requests]
    assert names == [
        "colorize_image_bytes",
        "colorize_image_bytes",
        "predict_ab",
        "predict_ab_with_hints",
    ]
    model = tf.saved_model.load(str(path.parent))
    sizes = set()
    for request in requests:
        inputs = {
            name: tf.constant(tf.make_ndarray(proto))
            for name, proto in request.inputs.items()
        }
        run = model.signatures[request.model_spec.signature_name]
        results = run(**inputs)
        if "image_bytes" in results:
            png = tf.io.decode_png(results["image_bytes"][0])
            sizes.add(tuple(png.shape))
    assert len(sizes) == 2


@pytest.mark.slow
def test_signatures_are_those_of_the_contract(exported):
    model = tf.saved_model.load(str(exported / "saved_model/colorizer/1"))
    found = {
        name: (
            sorted(run.structured_input_signature[1]),
            list(run.structured_outputs),
        )
        for name, run in model.signatures.items()
    }
    photos_as_files = (["image_bytes"], ["image_bytes"])
    assert found == {
        "serving_default": photos_as_files,
        "colorize_image_bytes": photos_as_files,
        "colorize": (["rgb"], ["rgb"]),
        "predict_ab": (["lightness"], ["ab"]),
        "predict_ab_with_hints": (["hints", "lightness"], ["ab"]),
    }


@pytest.mark.slow
def test_second_export_is_the_next_version(export, exported, tmp_path):
    shutil.copytree(exported, tmp_path, dirs_exist_ok=True)
    versions = tmp_path / "saved_model/colorizer"
    (versions / "40").mkdir()
    half = versions / f".{0:032x}-unfinished"
    half.mkdir()
    os.utime(half, (0, 0))
    code, _, _ = export("--output", tmp_path, "--formats", "saved_model")
    assert code == 0
    assert names_in(versions) == {"1", "40", "41"}
    code, _, err = export("--output", tmp_path, "--version", 1)
    assert code == 2
    assert "there is a version 1" in err


@pytest.mark.slow
def test_artifact_that_differs_is_not_published(
    export, exported, tmp_path, monkeypatch
):
    shutil.copytree(exported, tmp_path, dirs_exist_ok=True)
    before = (tmp_path / "tflite/colorizer_float16.tflite").read_bytes()
    monkeypatch.setitem(parity_module.MAX_LEVELS, "float16", -1)
    code, _, err = export("--output", tmp_path, "--formats", "tflite")
    assert code == 1
    assert "colorizer_float16.tflite was not published" in err
    assert "where -1 may be" in err
    assert names_in(tmp_path / "tflite") == FILES | CARDS
    after = (tmp_path / "tflite/colorizer_float16.tflite").read_bytes()
    assert after == before
    report = json.loads((tmp_path / "report.json").read_text())
    problems = [a["problem"] is None for a in report["artifacts"]]
    assert problems == [True, False, False, True]


@pytest.mark.slow
def test_full_integer_asks_for_photos_to_calibrate_with(export, tmp_path):
    def precision(*flags):
        output = ["--output", tmp_path, "--formats", "tflite"]
        assert export(*output, *flags)[0] == 0
        report = json.loads((tmp_path / "report.json").read_text())
        return report["artifacts"][-1]["precision"]

    assert precision() == "int8_weights"  # Nine are too few.
    astronaut = Image.fromarray(skimage.data.astronaut())
    for number in range(37):
        crop = astronaut.crop((number, 0, number + 200, 200))
        crop.save(tmp_path / f"{number}.png")
    data = ["--calibration-data", str(tmp_path / "*.png")]
    assert precision(*data) == "int8"


@pytest.mark.parametrize(
    ("changed", "precision", "words"),
    [
        ({"max_level": 2}, "float32", "2 levels"),
        ({"max_level": 3}, "float16", "3 levels"),
        ({"psnr": 18.4}, "int8", "1.6 dB"),
        ({"colorfulness": 26.9}, "int8", "-10%"),
        ({"colorfulness": 33.1}, "int8", "+10%"),
        ({"max_ab_without_hints": 0.01}, "float32", "given none"),
        ({"max_ab_with_hints": 1.5}, "int8", "with hints it differs by 1.5"),
        ({"max_ab_with_hints": 1.5, "max_ab": 0.6}, "int8", None),
        ({"max_level": 1}, "float32", None),
        ({"max_level": 2}, "float16", None),
        ({"psnr": 18.6, "max_level": 30}, "int8", None),
    ],
)
def test_limits_are_the_promised_ones(changed, precision, words):
    values = {
        "photos": 8,
        "max_ab": 0.0,
        "mean_ab": 0.0,
        "mean_level": 0.0,
        "max_level": 0,
        "psnr": 20.0,
        "keras_psnr": 20.0,
        "colorfulness": 30.0,
        "keras_colorfulness": 30.0,
    }
    found = excess(Parity(**{**values, **changed}), precision)
    assert found is None if words is None else words in found


def test_refusals_are_one_sentence(export, tmp_path, tiny_run):
    (tmp_path / "file").write_text("in the way")
    empty_run = tmp_path / "empty"
    empty_run.mkdir()
    for arguments, run, code, words in [
        ([], tmp_path / "nowhere", 2, "there is no"),
        ([], empty_run, 1, "has saved no generator"),
        (["--formats", "onnx"], tiny_run.run_dir, 2, "no `onnx`"),
        (["--version", -1], tiny_run.run_dir, 2, "0 or more"),
        (["--max-pixels", 0], tiny_run.run_dir, 2, "at least 1"),
        (["--output", tmp_path / "file/x"], tiny_run.run_dir, 1, "file"),
        (["--calibration-data", empty_run], tiny_run.run_dir, 2, "no photo"),
    ]:
        found, _, err = export(
            "--output", tmp_path / "out", *arguments, run=run
        )
        assert (found, words in err) == (code, True), err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_functions_export_a_generator(tiny_run, tmp_path):
    folder = tmp_path / "exp[1]"  # A pattern to TensorFlow.
    generator = Colorizer.load(tiny_run.run_dir).network.generator
    version = export_saved_model(generator, folder, render_size=32)
    assert version == folder / "1"
    files = export_tflite(generator, str(folder), render_size=32)
    assert {path.name for path in files} == FILES
    grey = skimage.data.camera()
    expected = np.asarray(Colorizer.load(tiny_run.run_dir).colorize(grey))
    for path in [folder, files[0]]:
        colored = np.asarray(Colorizer.load(path).colorize(grey))
        assert np.abs(colored.astype(int) - expected).max() <= 1
