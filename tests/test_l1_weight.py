"""The study of the L1 weight: complete, resumable, and right at its start."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab
from skimage.measure import block_reduce

ROOT = Path(__file__).parents[1]
DISCRIMINATORS = ("patchgan_70", "patchgan_70_spectral")
WEIGHTS = ("100", "10")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tiny_run, photo_folder):
    """Calls the script with further arguments, on the tiniest of everything."""

    def call(*arguments, output):
        script = [sys.executable, ROOT / "benchmarks" / "l1_weight.py"]
        fixed = {
            "init": [tiny_run.run_dir],
            "data": [photo_folder],
            "output": [output],
            "weights": WEIGHTS,
            "seeds": [0],
            "discriminator-widths": [4, 8, 8, 8],
            "steps": [2],
            "measures": [2],
            "batch-size": [4],
            "validation-fraction": [0.25],
            "sheet-photos": sorted(photo_folder.iterdir())[:2],
        }
        flags = [[f"--{name}", *values] for name, values in fixed.items()]
        return subprocess.run(
            [*map(str, sum(flags, script)), *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    return call


@pytest.fixture(scope="module")
def output(study, tmp_path_factory):
    """The folder of a finished study."""
    folder = tmp_path_factory.mktemp("finished")
    called = study(output=folder)
    assert called.returncode == 0, called.stderr
    return folder


def runs(folder):
    return {path.stem: path for path in (folder / "runs").glob("*.json")}


def result(folder, name):
    return json.loads(runs(folder)[name].read_text())["result"]


def share(gradients):
    norms = ("adversarial_norm", "l1_norm")
    adversarial, l1 = ([g[name] for g in gradients] for name in norms)
    return np.mean(np.divide(adversarial, np.add(adversarial, l1)))


def test_every_configuration_has_a_row(output):
    blocks = (output / "l1_weight.md").read_text().split("\n\n")
    table = next(block for block in blocks if block.startswith("|"))
    rows = [
        [cell.strip() for cell in line.split("|")[1:3]]
        for line in table.splitlines()
    ]
    for discriminator in DISCRIMINATORS:
        for weight in WEIGHTS:
            assert [discriminator, weight] in rows
    assert ["none: left grey", "-"] in rows
    assert ["none: the start", "-"] in rows


def test_pictures_are_whole(output):
    with Image.open(output / "l1_weight.png") as chart:
        chart.load()
    with Image.open(output / "l1_weight_sheet.jpg") as sheet:
        # Columns: grey, the start, two weights, true. Rows: two photos of
        # 128 x 96 pixels for each discriminator.
        assert sheet.width > 5 * 128
        assert sheet.height > 4 * 96


def test_second_call_plays_nothing_anew(output, study):
    before = {path: path.stat().st_mtime_ns for path in runs(output).values()}
    called = study(output=output)
    assert called.returncode == 0, called.stderr
    after = {path: path.stat().st_mtime_ns for path in runs(output).values()}
    assert len(before) == len(DISCRIMINATORS) * len(WEIGHTS)
    assert after == before


def test_other_settings_are_refused_in_a_sentence(output, study):
    called = study("--learning-rate", "1e-3", output=output)
    assert called.returncode == 2
    assert "another --learning-rate" in called.stderr
    assert "Traceback" not in called.stderr


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
def test_lower_weight_gives_the_adversary_more_of_the_gradient(
    output, discriminator
):
    high, low = (
        result(output, f"{discriminator}-{weight}-seed0")["gradients"]
        for weight in WEIGHTS
    )
    assert share(low) > share(high)
    # Before the first step all is the same but for the factor of 10; float32
    # sums of some thousand squares are good to five digits.
    assert low[0]["step"] == high[0]["step"] == 0
    assert_allclose(high[0]["l1_norm"], 10 * low[0]["l1_norm"], rtol=1e-5)
    assert_allclose(
        high[0]["adversarial_norm"], low[0]["adversarial_norm"], rtol=1e-5
    )


def test_start_scores_as_scikit_image_has_it(output, tiny_run, photo_folder):
    start = json.loads((output / "start.json").read_text())["result"]
    files = {digest(path): path for path in photo_folder.iterdir()}
    generator = keras.saving.load_model(tiny_run.generator, compile=False)
    oracle = [scores(files[name], generator) for name in start["photos"]]
    assert len(oracle) == 3  # A quarter of the 12.
    # scikit-image's constants are rounded: some levels of 8 bits differ by one.
    for name, atol in [
        ("psnr", 0.005),
        ("ciede2000", 0.002),
        ("colorfulness", 0.01),
    ]:
        expected = [of_photo[name] for of_photo in oracle]
        assert_allclose(start["start"][name], expected, atol=atol)


def digest(path):
    return hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()


def scores(path, generator):
    """Of the start on a photo: Pillow reads, scikit-image does the rest."""
    real = squashed(Image.open(path))
    lightness = rgb2lab(real)[None, ..., :1].astype("float32")
    ab = 110 * generator(lightness / 50 - 1, training=False).numpy()
    fake = lab2rgb(np.concatenate([lightness, ab], axis=-1)[0])
    fake = (255 * fake).round().astype("uint8")
    error = np.mean((real.astype(float) - fake) ** 2)
    difference = deltaE_ciede2000(rgb2lab(real), rgb2lab(fake))
    red, green, blue = np.moveaxis(fake.astype(float), -1, 0)
    opponents = np.stack([red - green, (red + green) / 2 - blue])
    spread = np.linalg.norm(opponents.std(axis=(1, 2)))
    offset = np.linalg.norm(opponents.mean(axis=(1, 2)))
    return {
        "psnr": 10 * np.log10(255**2 / error),
        "ciede2000": difference.mean(),
        "colorfulness": spread + 0.3 * offset,
    }


def squashed(photo):
    """Halves the 128 x 96 pixels as training does, then averages areas."""
    half = np.asarray(photo.reduce(2))  # 48 x 64 pixels to 32 x 32:
    areas = block_reduce(half.repeat(2, axis=0), (3, 2, 1), np.mean)
    return areas.round().astype("uint8")


@pytest.mark.parametrize("discriminator", DISCRIMINATORS)
def test_measuring_changes_nothing(output, measured_once, discriminator):
    name = f"{discriminator}-100-seed0"
    often, once = (
        keras.saving.load_model(
            folder / "runs" / f"{name}.keras", compile=False
        )
        for folder in (output, measured_once)
    )
    assert len(result(output, name)["gradients"]) == 2
    assert len(result(measured_once, name)["gradients"]) == 1
    for a, b in zip(often.weights, once.weights, strict=True):
        # Threads sum in any order: float32 to its last digits. A step moves
        # weights by 2e-4.
        assert_allclose(a.numpy(), b.numpy(), atol=1e-6)


@pytest.fixture(scope="module")
def measured_once(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured_once")
    called = study("--measures", "1", "--weights", "100", output=folder)
    assert called.returncode == 0, called.stderr
    return folder
