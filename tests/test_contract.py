"""The public contract, by public names and by commands as users type them."""

import csv
import gzip
import inspect
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from contextlib import suppress
from operator import attrgetter
from pathlib import Path

import httpx
import keras
import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from numpy.testing import assert_allclose
from PIL import Image
from skimage.color import rgb2lab

import keras_colorizer
from keras_colorizer import Colorizer, ColorizerError

REPOSITORY = Path(keras_colorizer.__file__).parents[1]
PACKAGE = ("-m", "keras_colorizer")
# Flags, and a command line that is wrong.
COMMANDS = {
    "train.py": ("--epochs --data --preset --run-dir --resume", "--epochs no"),
    "export.py": ("--run --output --formats", ""),
    "-m keras_colorizer colorize": (
        "-o --model --saturation --hints --engine",
        "none",
    ),
    "-m keras_colorizer evaluate": ("--data --model --report", "--sharpen"),
    "-m keras_colorizer serve": ("--model --port", "--model nowhere"),
    "-m keras_colorizer prepare": ("-o", "-o small_photos"),
    "serving/client.py": ("-o --url", ""),
}
# A promised parameter keeps its name, default and way of being passed.
SIGNATURES = {
    "rgb_to_lab": lambda rgb: 0,
    "lab_to_rgb": lambda lab: 0,
    "encode_lab": lambda lab: 0,
    "decode_lab": lambda lightness, ab: 0,
    "build_generator": lambda preset="unet_256", **overrides: 0,
    "build_discriminator": lambda preset="patchgan_70", **overrides: 0,
    "discriminator_loss": lambda real_logits, fake_logits: 0,
    "generator_loss": lambda fake_logits, fake_ab, real_ab, l1_weight=100.0: 0,
    "ColorizationGAN": lambda generator, discriminator, *, l1_weight=100.0: 0,
    "train": lambda config: 0,
    "Hint": lambda x, y, color: 0,
    "read_hints": lambda path: 0,
    "write_hints": lambda path, hints: 0,
    "evaluate": lambda colorizer, photos: 0,
    "export_saved_model": lambda generator, folder, *, render_size: 0,
    "export_tflite": lambda generator, folder, *, render_size: 0,
}
METHODS = {
    "Colorizer.colorize": lambda self, photo, *, saturation=1.0, hints=(): 0,
    "Colorizer.suggest": lambda self, photo, x, y, *, count=6, hints=(): 0,
}
ERRORS = "UnreadablePhotoError PhotoTooLargeError ArtifactError ServingError"
CLASSES = "Colorizer EvaluationReport RunResult TrainingConfig ColorizerError"
SIDE = 32  # The render size of `tiny`.
FILES = ("image_bytes", "string", (None,))
RGB = ("rgb", "uint8", (None, None, None, 3))
LIGHTNESS = ("lightness", "float32", (None, SIDE, SIDE, 1))
HINTS = ("hints", "float32", (None, 32, 5))
AB = ("ab", "float32", (None, SIDE, SIDE, 2))
SAVED_MODEL = {  # Inputs and outputs.
    "serving_default": ([FILES], [FILES]),
    "colorize_image_bytes": ([FILES], [FILES]),
    "colorize": ([RGB], [RGB]),
    "predict_ab": ([LIGHTNESS], [AB]),
    "predict_ab_with_hints": ([LIGHTNESS, HINTS], [AB]),
}
DTYPES = {"string": "DT_STRING", "uint8": "DT_UINT8", "float32": "DT_FLOAT"}
TFLITE = ("colorizer_float32", "colorizer_float16", "ab_float16", "ab_int8")
MODEL = "/v1/models/colorizer"
PREDICT = f"POST {MODEL}:predict"


def run(*words):
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},  # So that no path is broken.
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def pixels(file):
    with Image.open(file) as photo:
        return np.int16(photo.convert("RGB"))


def names_in(folder):
    return {path.name for path in folder.rglob("*.*")}


def expected_ab(run, lightness):
    """Of the Keras model, whose inputs and outputs are within [-1, 1]."""
    generator = keras.saving.load_model(run.generator)
    return 110 * np.asarray(generator(lightness / 50 - 1))


@pytest.fixture
def scans(tmp_path):
    """A tree of two good photos, the BMP of 24 bits, and a broken one."""
    (tmp_path / "scans/1950").mkdir(parents=True)
    photo = Image.fromarray(skimage.data.astronaut()).convert("L")
    photo.resize((90, 60)).save(tmp_path / "scans/a.png")
    color = photo.convert("RGB").resize((50, 70))
    color.save(tmp_path / "scans/1950/b.bmp")
    (tmp_path / "scans/broken.jpg").write_text("no photo")
    return tmp_path / "scans"


@pytest.mark.parametrize("name", [*SIGNATURES, *METHODS])
def test_calls_of_today_stay_possible(name):
    call = attrgetter(name)(keras_colorizer)
    actual = inspect.signature(call).parameters
    promised = inspect.signature((SIGNATURES | METHODS)[name]).parameters
    for place, (key, parameter) in enumerate(promised.items()):
        assert actual[key].default == parameter.default
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            assert list(actual)[place] == key
        if parameter.kind is not parameter.KEYWORD_ONLY:
            assert actual[key].kind is parameter.kind
    for key in actual.keys() - promised.keys():
        if actual[key].kind is not inspect.Parameter.VAR_KEYWORD:
            assert actual[key].default is not inspect.Parameter.empty


def test_names_are_public_and_load_nothing_before_use():
    promised = {*SIGNATURES, *CLASSES.split(), *ERRORS.split()}
    assert promised <= set(dir(keras_colorizer))
    for name in ERRORS.split():
        assert issubclass(getattr(keras_colorizer, name), ColorizerError)
    assert issubclass(keras_colorizer.ColorizationGAN, keras.Model)
    done = run("-c", "import sys, keras_colorizer; print(*sys.modules)")
    loaded = {"keras_colorizer", "keras", "tensorflow"} & {*done.stdout.split()}
    assert loaded == {"keras_colorizer"}


def test_colorizer_takes_photos_of_every_kind_and_keeps_their_size(scans):
    colorizer, path = Colorizer.from_preset("small"), scans / "a.png"
    expected = np.asarray(colorizer.colorize(path))
    assert expected.shape == (60, 90, 3)
    assert np.ptp(expected, axis=-1).max() > 10
    photo, levels = Image.open(path), np.asarray(Image.open(path))
    for same in (str(path), path.read_bytes(), photo, levels):
        np.testing.assert_array_equal(colorizer.colorize(same), expected)
    assert colorizer.colorize(np.uint16(levels) * 257).size == (90, 60)
    grey = np.asarray(colorizer.colorize(path, saturation=0.0))
    assert np.ptp(grey, axis=-1).max() == 0
    with pytest.raises(keras_colorizer.UnreadablePhotoError):
        colorizer.colorize(b"no photo")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_lists_the_flags_and_wrong_lines_exit_with_2(command):
    flags, wrong = (words.split() for words in COMMANDS[command])
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    # Two spaces part a flag from its description, which is indented further.
    rows = re.findall(r"^│? {0,3}(-.*?)(?:  |$)", done.stdout, re.MULTILINE)
    assert set(flags) <= set(re.findall(r"--?[a-z][a-z-]*", " ".join(rows)))
    assert run(*command.split(), *wrong).returncode == 2


def test_colorize_skips_results_and_names_broken_photos(scans, tmp_path):
    out = tmp_path / "out"
    done = run(*PACKAGE, "colorize", scans, "-o", out)
    assert done.returncode == 1
    assert "broken.jpg" in done.stderr
    assert names_in(out) == {"a.png", "b.bmp"}
    assert pixels(out / "1950/b.bmp").shape == (70, 50, 3)
    (out / "a.png").write_text("kept")
    file = ("colorize", scans / "a.png", "-o")
    assert run(*PACKAGE, *file, out).returncode == 0
    assert (out / "a.png").read_text() == "kept"
    assert run(*PACKAGE, *file, out, "--overwrite").returncode == 0
    result = pixels(out / "a.png")
    assert np.ptp(result, axis=-1).max() > 10
    # The photo's own lightness, but for rounding and colors out of sRGB.
    change = rgb2lab(np.uint8(result)) - rgb2lab(np.uint8(pixels(file[1])))
    assert np.median(np.abs(change[..., 0])) < 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", ["evaluate --data {} --report {}/page.html", "prepare {} -o {}/new"]
)
def test_evaluate_and_prepare_exit_with_0(line, photo_folder, tmp_path):
    words = line.format(photo_folder, tmp_path).split()
    assert run(*PACKAGE, *words).returncode == 0
    assert names_in(tmp_path)


def test_run_folder_has_its_files(tiny_run, scans):
    folder = tiny_run.run_dir
    assert json.loads((folder / "config.json").read_text())["preset"] == "tiny"
    assert json.loads((folder / "report.json").read_text())
    with (folder / "history.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    assert pixels(folder / "samples/epoch_0002.png").size
    assert list((folder / "logs").rglob("events.out.tfevents.*"))
    assert any((folder / "checkpoint").iterdir())
    for model in (folder, str(folder / "generator.keras")):
        photo = Colorizer.load(model).colorize(scans / "a.png")
        assert photo.size == (90, 60)


@pytest.fixture(scope="module")
def exported(tiny_run, tmp_path_factory):
    output = tmp_path_factory.mktemp("export")
    done = run("export.py", "--run", tiny_run.run_dir, "--output", output)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


@pytest.mark.slow
def test_export_has_files_and_signatures(exported, tiny_run, scans, rng):
    folder = exported / "saved_model/colorizer/1"
    assert (folder / "assets.extra/tf_serving_warmup_requests").exists()
    signatures = tf.saved_model.load(folder).signatures
    for name, sides in SAVED_MODEL.items():
        taken = signatures[name].structured_input_signature[1]
        given = signatures[name].structured_outputs
        for specs, side in zip((taken, given), sides, strict=True):
            assert side == [
                (key, specs[key].dtype.name, tuple(specs[key].shape))
                for key, *_ in side
            ]
            assert len(specs) == len(side)
    report = (exported / "report.json").read_text()
    rgb = np.uint8(pixels(scans / "a.png"))
    expected = Colorizer.load(tiny_run.run_dir).colorize(rgb)
    lightness = rng.uniform(0, 100, (1, SIDE, SIDE, 1)).astype("float32")
    for name in TFLITE:
        assert f"{name}.tflite" in report
        file = str(exported / f"tflite/{name}.tflite")
        signature = Interpreter(file).get_signature_runner
        result = signature("predict_ab")(lightness=lightness)
        # Integer arithmetic is coarse; the others are exact to 0.1.
        assert_allclose(result["ab"], expected_ab(tiny_run, lightness), atol=3)
        if name.startswith("colorizer"):
            result = signature("colorize")(rgb=rgb[None])["rgb"]
            assert_allclose(np.int16(result[0]), expected, atol=2)


@pytest.fixture(scope="module")
def server(exported):
    """An HTTP client of `serve` with the export of the tiny run."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    words = [sys.executable, "-m", "keras_colorizer", "serve", "--port", port]
    words += ["--model", exported / "saved_model/colorizer"]
    url = f"http://127.0.0.1:{port}"
    with (
        subprocess.Popen(words, cwd=REPOSITORY) as process,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):
        try:
            for _ in range(600):
                with suppress(httpx.TransportError):
                    if client.get(MODEL).status_code == 200:
                        break
                time.sleep(0.2)
            yield client
        finally:
            process.kill()


@pytest.mark.slow
def test_predict_takes_rows_and_columns(server, tiny_run, scans):
    photos = [scans / "a.png", scans / "1950/b.bmp"]
    sent = [{"b64": b64encode(p.read_bytes()).decode()} for p in photos]
    named = {"instances": [{"image_bytes": photo} for photo in sent]}
    signature = {"signature_name": "colorize_image_bytes"}
    colorizer = Colorizer.load(tiny_run.run_dir)
    for path, body, key in (
        (MODEL, {"instances": sent}, "predictions"),
        (MODEL, {**named, **signature}, "predictions"),
        (MODEL, {"inputs": sent}, "outputs"),
        (f"{MODEL}/versions/1", {"inputs": {"image_bytes": sent}}, "outputs"),
    ):
        response = server.post(f"{path}:predict", json=body)
        assert response.status_code == 200
        for photo, result in zip(photos, response.json()[key], strict=True):
            colored = pixels(io.BytesIO(b64decode(result["b64"])))
            assert_allclose(colored, colorizer.colorize(photo), atol=2)


@pytest.mark.slow
def test_predict_takes_numbers_and_gzip(server, tiny_run, rng):
    lightness = rng.uniform(0, 100, (2, SIDE, SIDE, 1)).astype("float32")
    body = {"signature_name": "predict_ab", "instances": lightness.tolist()}
    words = gzip.compress(json.dumps(body).encode())
    headers = {"Content-Encoding": "gzip"}
    response = server.post(f"{MODEL}:predict", content=words, headers=headers)
    ab = expected_ab(tiny_run, lightness)
    assert_allclose(response.json()["predictions"], ab, atol=0.01)


@pytest.mark.slow
def test_status_metadata_and_page(server):
    fine = {"error_code": "OK", "error_message": ""}
    state = {"version": "1", "state": "AVAILABLE", "status": fine}
    for path in (MODEL, f"{MODEL}/versions/1"):
        assert server.get(path).json() == {"model_version_status": [state]}
    metadata = server.get(f"{MODEL}/metadata").json()
    assert metadata["model_spec"]["version"] == "1"
    served = metadata["metadata"]["signature_def"]["signature_def"]
    for name, sides in SAVED_MODEL.items():
        for end, side in zip(("inputs", "outputs"), sides, strict=True):
            for key, dtype, shape in side:
                tensor = served[name][end][key]
                assert tensor["dtype"] == DTYPES[dtype]
                sizes = [int(d["size"]) for d in tensor["tensor_shape"]["dim"]]
                assert sizes == [size or -1 for size in shape]
    page = server.get("/")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        ("GET /v1/models/other", "", 404),
        (f"GET {MODEL}/versions/9", "", 404),
        ("POST /v1/models/other:predict", '{"instances": [1]}', 404),
        (f"GET {MODEL}:predict", "", 400),
        (PREDICT, "no JSON", 400),
        (PREDICT, '{"instances": [5]}', 400),
        (PREDICT, '{"instances": [{"b64": "bm8gcGhvdG8="}]}', 400),
        (PREDICT, '{"signature_name": "other", "inputs": ["a"]}', 400),
    ],
)
def test_refusals_have_a_status_and_an_error(server, line, body, status):
    response = server.request(*line.split(), content=body)
    assert response.status_code == status
    assert response.json()["error"]


@pytest.mark.slow
def test_client_names_broken_photos(server, scans, tiny_run, tmp_path):
    out = tmp_path / "out"
    url = f"http://{server.base_url.netloc.decode()}"
    done = run("serving/client.py", scans, "-o", out, "--url", url)
    assert done.returncode == 1
    assert "broken.jpg" in done.stderr
    assert names_in(out) == {"a.png", "b.bmp"}
    result = pixels(out / "a.png")
    expected = Colorizer.load(tiny_run.run_dir).colorize(scans / "a.png")
    assert_allclose(result, expected, atol=2)
    assert np.ptp(result, axis=-1).max() > 0
