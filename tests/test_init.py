"""Training that starts from a trained generator."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_colorizer import (
    ArtifactError,
    ConfigError,
    TrainingConfig,
    build_generator,
    train,
)
from keras_colorizer.networks.float16 import ready_for_float16
from keras_colorizer.networks.generator_file import (
    load_generator,
    save_generator,
)
from keras_colorizer.networks.precision import with_precision
from keras_colorizer.training.networks import build_gan

ONE_DEVICE = tf.distribute.get_strategy()


def gan_of(config, **values):
    config = dataclasses.replace(config, preset="auto", **values)
    return build_gan(config, ONE_DEVICE)


def assert_same_weights(network, saved):
    for one, two in zip(network.get_weights(), saved, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("of", ["run folder", "keras file"])
def test_weights_and_preset_come_from_what_init_names(
    of, tiny_run, tiny_config
):
    path = tiny_run.run_dir if of == "run folder" else tiny_run.generator
    saved = load_generator(tiny_run.generator).generator.get_weights()
    gan = gan_of(tiny_config, init=str(path))
    assert_same_weights(gan.generator, saved)
    assert_same_weights(gan.averaged_generator, saved)
    fresh = gan_of(tiny_config, init=None, seed=3).generator.get_weights()
    assert any(not np.array_equal(a, b) for a, b in zip(fresh, saved))  # noqa: B905, other networks


@pytest.mark.slow
def test_run_records_its_preset_and_resumes_without_its_start(
    tiny_run, tiny_config, tmp_path
):
    start = tmp_path / "start"
    shutil.copytree(tiny_run.run_dir, start)
    config = dataclasses.replace(
        tiny_config,
        preset="auto",
        init=str(start),
        epochs=1,
        run_dir=tmp_path / "run",
    )
    train(config)
    stored = json.loads((tmp_path / "run/config.json").read_text())
    assert stored["preset"] == "tiny"
    shutil.rmtree(start)
    resumed = TrainingConfig.load(
        tmp_path / "run/config.json",
        run_dir=tmp_path / "run",
        resume=True,
        epochs=2,
    )
    assert len(train(resumed).history) == 2


def test_init_that_does_not_fit_is_named(tiny_run, tiny_config, tmp_path):
    with pytest.raises(ConfigError, match="does not fit --preset small"):
        build_gan(
            TrainingConfig(preset="small", init=tiny_run.run_dir), ONE_DEVICE
        )
    with pytest.raises(ArtifactError, match=r"There is no `.*gone.keras`"):
        TrainingConfig(init=str(tmp_path / "gone.keras"))
    (tmp_path / "broken.keras").write_text("no zip")
    with pytest.raises(ArtifactError, match="broken.keras.*cannot be read"):
        TrainingConfig(init=str(tmp_path / "broken.keras"))
    plain = tmp_path / "plain.keras"
    build_generator("tiny").save(plain)
    with pytest.raises(ConfigError, match="name it with --preset"):
        TrainingConfig(init=str(plain))
    gan = build_gan(TrainingConfig(preset="tiny", init=plain), ONE_DEVICE)
    assert (
        gan.generator.count_params() == build_generator("tiny").count_params()
    )


def test_half_precision_file_is_half_the_size_and_loads_in_float32(tmp_path):
    generator = build_generator("small")
    for name, dtype in (("full", "float32"), ("half", "float16")):
        save_generator(
            with_precision(generator, dtype),
            tmp_path / f"{name}.keras",
            preset="small",
            render_size=128,
        )
    sizes = [
        (tmp_path / f"{name}.keras").stat().st_size for name in ("half", "full")
    ]
    assert sizes[0] < 0.55 * sizes[1]
    loaded = load_generator(tmp_path / "half.keras").generator
    for one, two in zip(loaded.weights, generator.weights, strict=True):
        assert one.dtype == "float32"
        # Float16 keeps 11 bits.
        np.testing.assert_allclose(one, two, rtol=2**-11, atol=1e-7)


@pytest.mark.parametrize("folded", [False, True])
def test_flat_areas_survive_float16(folded, rng):
    generator = build_generator("quick")
    first, norm = generator.layers[1:3]
    kernel = rng.normal(size=first.kernel.shape).astype("float32")
    kernel -= kernel.mean(axis=(0, 1, 2))  # Answers to edges alone.
    first.set_weights([kernel])
    norm.set_weights([rng.uniform(0.1, 2, 16) for _ in range(4)])
    gamma, _, _, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + 1e-5) if folded else 1.0
    ready = ready_for_float16(generator, [], folded=folded)
    stored = (ready.layers[1].get_weights()[0] * scale).astype("float16")
    plain = (kernel * scale).astype("float16")
    answers = [
        np.abs(k.astype("float64").sum(axis=(0, 1, 2))).max()
        for k in (stored, plain)
    ]
    # The smallest of 9 weights has a finer step than the others' error.
    assert answers[0] < answers[1] / 5
    np.testing.assert_allclose(stored, kernel * scale, atol=0.02)


@pytest.mark.parametrize("folded", [False, True])
def test_biases_take_up_what_rounding_shifts(folded, rng):
    x = lightness = keras.Input((8, 8, 1))
    for _ in range(4):
        x = keras.layers.Conv2D(8, 3, use_bias=False)(
            keras.layers.ZeroPadding2D()(x)
        )
        norm = keras.layers.BatchNormalization()
        x = norm(x)
        norm.set_weights([rng.uniform(n, n + 1, 8) for n in (0.1, 1, 0, 0.5)])
    generator = keras.Model(lightness, keras.layers.Conv2D(2, 1)(x))
    views = [rng.uniform(-1, 1, (1, 8, 8, 1)).astype("float32")] * 2
    true, *shifted = (
        np.asarray(model(views[0])).mean(axis=(0, 1, 2))
        for model in (
            generator,
            ready_for_float16(generator, [], folded=folded),
            ready_for_float16(generator, views, folded=folded),
        )
    )
    plain, corrected = (np.abs(mean - true).max() for mean in shifted)
    assert corrected < plain / 5
