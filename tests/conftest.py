"""Fixtures shared by every test."""

import dataclasses
import sys

import keras
import numpy as np
import pytest
import skimage.data
import tensorflow as tf
from fixtures import ordinary_user
from PIL import Image

from keras_colorizer import TrainingConfig, train


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=["eager", "graph", "xla", "tf_data"])
def run(request):
    """Runs an op as callers do: eagerly, traced, compiled, or in `tf.data`."""

    def in_tf_data(op, x):
        return next(iter(tf.data.Dataset.from_tensors(x).map(op)))

    return {
        "eager": lambda op, x: op(tf.constant(x)),
        "graph": lambda op, x: tf.function(op)(tf.constant(x)),
        "xla": lambda op, x: tf.function(op, jit_compile=True)(tf.constant(x)),
        "tf_data": in_tf_data,
    }[request.param]


@pytest.fixture(params=["mixed_bfloat16", "mixed_float16"])
def mixed_precision(request):
    """Sets the policy for one test; yields the dtype that layers compute in."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield keras.config.dtype_policy().compute_dtype
    keras.config.set_dtype_policy(before)


@pytest.fixture(scope="session")
def rgb_levels():
    """17^3 evenly spaced colors and 20,000 random ones, uint8."""
    levels = np.linspace(0, 255, 17).round().astype("uint8")
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1)
    scattered = np.random.default_rng(0).integers(0, 256, (20_000, 3))
    return np.vstack([grid.reshape(-1, 3), scattered.astype("uint8")])


@pytest.fixture
def run_main(monkeypatch, capfd):
    """Runs a `main` as if typed; returns exit code, output and errors."""

    def run_main(main, *words):
        monkeypatch.setattr(sys, "argv", [*map(str, words)])
        try:
            code = main()
        except SystemExit as stop:  # The command line is refused.
            code = stop.code
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return run_main


@pytest.fixture
def open_folder():
    """A folder in which the ordinary user of a test can write, too."""
    with ordinary_user.open_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def browser_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("chromium")


@pytest.fixture(scope="module")
def browser(browser_folder):
    """Chromium, which keeps what it downloads below `browser_folder`."""
    from fixtures.page_driver import chromium

    with chromium(browser_folder) as browser:
        yield browser


@pytest.fixture(scope="module")
def site():
    """The web app on a plain web server."""
    from fixtures.web_app import static_site

    with static_site() as site:
        yield site


@pytest.fixture
def page(browser, site, browser_folder):
    """The web app in Chromium, which must log no error."""
    from fixtures.page_driver import Page

    page = Page(browser, site.url, browser_folder / "downloads")
    yield page
    assert not page.errors()


@pytest.fixture(scope="session")
def tiny_flags(photo_folder):
    """Of a run with both stages, 4 steps an epoch, of two draws a photo."""
    text = (
        f"--data {photo_folder} --preset tiny --batch-size 4 --epochs 4 "
        "--draws 2 --pretrain-epochs 1 --validation-fraction 0.25"
    )
    return text.split()


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory):
    """A folder of 12 small color photos, cut from scikit-image's."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(12):
        name = ("astronaut", "chelsea", "coffee")[number % 3]
        photo = getattr(skimage.data, name)()
        top = 60 * (number // 3)
        crop = Image.fromarray(photo[top : top + 96, 100:228])
        crop.save(folder / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="session")
def tiny_config(photo_folder):
    """The smallest run that uses everything: 2 steps an epoch."""
    return TrainingConfig(
        data=str(photo_folder),
        preset="tiny",
        batch_size=4,
        draws=1,
        epochs=2,
        validation_fraction=0.25,
    )


@pytest.fixture(scope="session")
def tiny_run(tiny_config, tmp_path_factory):
    """A finished run of `tiny_config`; do not write into it."""
    run_dir = tmp_path_factory.mktemp("run") / "tiny"
    return train(dataclasses.replace(tiny_config, run_dir=run_dir))
