"""The GAN as a Keras model: its steps, its files, its callbacks."""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from keras_colorizer import (
    ColorizationGAN,
    ConfigError,
    build_discriminator,
    build_generator,
    discriminator_loss,
    generator_loss,
)

SIZE, BATCH = 32, 4
PATCHGAN = {"widths": (4, 8, 8, 8)}


@pytest.fixture
def batch(rng):
    lightness = rng.uniform(-1, 1, (BATCH, SIZE, SIZE, 1)).astype("float32")
    ab = rng.uniform(-1, 1, (BATCH, SIZE, SIZE, 2)).astype("float32")
    return tf.constant(lightness), tf.constant(ab)


@pytest.fixture
def dataset(batch):
    return tf.data.Dataset.from_tensors(batch).repeat()


def make_gan(*, rate=1e-3, dropout_blocks=1, patchgan="patchgan_70", **kwargs):
    keras.utils.set_random_seed(1)
    gan = ColorizationGAN(
        build_generator("tiny", dropout_blocks=dropout_blocks),
        build_discriminator(patchgan, **PATCHGAN),
        **kwargs,
    )
    gan.compile(keras.optimizers.Adam(rate), keras.optimizers.Adam(rate))
    return gan


def fit(gan, dataset, *, steps=1, **kwargs):
    history = gan.fit(
        dataset, steps_per_epoch=steps, verbose=0, shuffle=False, **kwargs
    )
    return history.history


def values(network):
    return [weight.numpy() for weight in network.weights]


def trainable(network):
    return [weight.numpy() for weight in network.trainable_weights]


def test_losses_logged_are_those_before_the_step(dataset, batch):
    gan = make_gan(rate=1e-9)  # So small that both networks stay.
    keras.utils.set_random_seed(2)
    logs = fit(gan, dataset)
    lightness, real_ab = batch
    fake_ab = gan.generator(lightness, training=True)
    judge = gan.discriminator
    real = judge([lightness, real_ab], training=True)
    fake = judge([lightness, fake_ab], training=True)
    # Dropout draws anew: hence a tolerance of some percent.
    assert_allclose(
        logs["discriminator_loss"], discriminator_loss(real, fake), rtol=0.02
    )
    assert_allclose(
        logs["generator_loss"],
        generator_loss(fake, fake_ab, real_ab),
        rtol=0.02,
    )
    assert_allclose(
        logs["generator_loss"][0],
        logs["adversarial_loss"][0] + 100 * logs["l1_loss"][0],
        rtol=1e-5,
    )


def test_generator_is_judged_by_the_updated_discriminator(batch):
    """The two updates are done by hand, in pix2pix's order."""
    rate = 0.5  # So large that the order matters.
    keras.utils.set_random_seed(1)
    generator = build_generator("tiny", dropout_blocks=0)
    gan = ColorizationGAN(generator, build_discriminator(**PATCHGAN))
    gan.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate))
    twin = keras.models.clone_model(generator)
    judge = keras.models.clone_model(gan.discriminator)
    twin.set_weights(generator.get_weights())
    judge.set_weights(gan.discriminator.get_weights())
    lightness, real_ab = batch
    with tf.GradientTape() as outer:
        fake_ab = twin(lightness, training=True)
        with tf.GradientTape() as inner:
            loss = discriminator_loss(
                judge([lightness, real_ab], training=True),
                judge([lightness, tf.stop_gradient(fake_ab)], training=True),
            )
        step_by_hand(inner, loss, judge, rate)
        fake_logits = judge([lightness, fake_ab], training=True)
        loss = generator_loss(fake_logits, fake_ab, real_ab)
    step_by_hand(outer, loss, twin, rate)
    gan.train_on_batch(lightness, real_ab)
    for ours, by_hand in zip(values(generator), values(twin), strict=True):
        assert_allclose(ours, by_hand, atol=2e-4)  # Float noise times 100.
    for ours, by_hand in zip(
        values(gan.discriminator), values(judge), strict=True
    ):
        assert_allclose(ours, by_hand, atol=1e-5)


def step_by_hand(tape, loss, network, rate):
    variables = network.trainable_variables
    for variable, gradient in zip(
        variables, tape.gradient(loss, variables), strict=True
    ):
        variable.assign_sub(rate * gradient)


@pytest.mark.parametrize("still", ["generator", "discriminator"])
def test_each_optimizer_moves_only_its_own_network(dataset, still):
    gan = make_gan()
    moved = {"generator", "discriminator"} - {still}
    getattr(gan, f"{still}_optimizer").learning_rate = 0.0
    before = {name: trainable(getattr(gan, name)) for name in (still, *moved)}
    fit(gan, dataset)
    for old, new in zip(
        before[still], trainable(getattr(gan, still)), strict=True
    ):
        assert_array_equal(old, new)
    (name,) = moved
    assert not np.array_equal(before[name][0], trainable(getattr(gan, name))[0])


def test_pretraining_leaves_the_discriminator_alone(dataset):
    gan = make_gan()
    gan.pretraining = True
    before = values(gan.discriminator)
    logs = fit(gan, dataset)
    assert set(logs) == {"generator_loss", "l1_loss"}
    assert_allclose(logs["generator_loss"], 100 * np.array(logs["l1_loss"]))
    for old, new in zip(before, values(gan.discriminator), strict=True):
        assert_array_equal(old, new)
    assert gan.discriminator_optimizer.iterations == 0


def test_leaving_pretraining_trains_both(dataset):
    gan = make_gan()
    gan.pretraining = True
    fit(gan, dataset)
    gan.pretraining = False
    assert "discriminator_loss" in fit(gan, dataset)
    assert gan.generator_optimizer.iterations == 2
    assert gan.discriminator_optimizer.iterations == 1


def test_moving_average_follows_its_recurrence(dataset):
    gan = make_gan(ema_decay=0.6)
    average = trainable(gan.averaged_generator)
    for step in range(1, 25):
        gan.train_on_batch(*next(iter(dataset)))
        decay = min(0.6, step / (10 + step))
        live = trainable(gan.generator)
        average = [
            decay * a + (1 - decay) * v
            for a, v in zip(average, live, strict=True)
        ]
    for ours, by_hand in zip(
        trainable(gan.averaged_generator), average, strict=True
    ):
        assert_allclose(ours, by_hand, atol=1e-6)


def test_validation_uses_the_average_in_inference_mode(batch):
    gan = make_gan()
    gan.train_on_batch(*batch)
    lightness, real_ab = batch
    fake_ab = gan.averaged_generator(lightness, training=False)
    logs = gan.evaluate(lightness, real_ab, verbose=0, return_dict=True)
    l1_loss = np.abs(fake_ab - real_ab).mean()
    assert_allclose(logs["l1_loss"], l1_loss, rtol=1e-5)
    assert_allclose(gan.predict(lightness, verbose=0), fake_ab, atol=1e-6)


def assert_same_weights(one, two):
    for network in ("generator", "discriminator", "averaged_generator"):
        pairs = zip(
            values(getattr(one, network)),
            values(getattr(two, network)),
            strict=True,
        )
        for ours, theirs in pairs:
            assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "patchgan",
    [
        "patchgan_70",
        pytest.param("patchgan_70_spectral", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("whole", [False, True], ids=["weights", "model"])
def test_file_keeps_networks_optimizers_and_dropout(
    patchgan, whole, dataset, tmp_path
):
    gan = make_gan(patchgan=patchgan, l1_weight=30.0, ema_decay=0.5)
    fit(gan, dataset, steps=3)
    if whole:
        gan.save(tmp_path / "gan.keras")
        other = keras.saving.load_model(tmp_path / "gan.keras")
        assert (other.l1_weight, other.ema_decay) == (30.0, 0.5)
        assert not other.jit_compile
    else:
        gan.save_weights(tmp_path / "gan.weights.h5")
        other = make_gan(patchgan=patchgan, l1_weight=30.0, ema_decay=0.5)
        other.load_weights(tmp_path / "gan.weights.h5")
    assert other.steps == 3
    assert other.generator_optimizer.iterations == 3
    assert other.discriminator_optimizer.iterations == 3
    fit(gan, dataset, steps=2)
    fit(other, dataset, steps=2)
    assert_same_weights(gan, other)


def test_files_of_before_there_were_sums_of_losses_are_read(dataset, tmp_path):
    gan, path = make_gan(), tmp_path / "gan.weights.h5"
    fit(gan, dataset, steps=1)
    gan.save_weights(path)
    with h5py.File(path, "a") as file:
        sums = [name for name in file["vars"] if name.startswith("loss_")]
        assert len(sums) == 8  # A total and a count of each of four losses.
        for name in sums:
            del file["vars"][name]
    other = make_gan()
    other.load_weights(path)
    assert_same_weights(gan, other)
    assert other.steps == 1


def adams(gan):
    optimizers = gan.generator_optimizer, gan.discriminator_optimizer
    return [optimizer.get_config() for optimizer in optimizers]


def test_compile_alone_takes_the_adams_of_pix2pix():
    gan = make_gan()
    gan.compile()
    for config in adams(gan):
        # junyanz's --lr 0.0002 and --beta1 0.5; PyTorch's other defaults.
        assert config["learning_rate"] == pytest.approx(2e-4)
        assert (config["beta_1"], config["beta_2"]) == (0.5, 0.999)
        assert config["epsilon"] == 1e-8
    assert gan.jit_compile is False


def test_compile_takes_names_but_no_optimizer_twice():
    gan = make_gan()
    gan.compile("adam", "sgd")
    assert isinstance(gan.generator_optimizer, keras.optimizers.Adam)
    assert isinstance(gan.discriminator_optimizer, keras.optimizers.SGD)
    shared = keras.optimizers.Adam()
    with pytest.raises(ConfigError, match="an optimizer object of its own"):
        gan.compile(shared, shared)


@keras.saving.register_keras_serializable("test_gan")
def squared_error(fake_ab, real_ab):
    return keras.ops.mean(keras.ops.square(fake_ab - real_ab))


@keras.saving.register_keras_serializable("test_gan")
def least_squares(fake_logits):
    """Mao et al., 2017."""
    return keras.ops.mean(keras.ops.square(fake_logits - 1))


def test_own_losses_are_trained_with_and_saved(batch, tmp_path):
    gan = make_gan(l1_weight=10.0)
    gan.compile(adversarial_loss=least_squares, l1_loss=squared_error)
    gan.save(tmp_path / "gan.keras")
    gan = keras.saving.load_model(tmp_path / "gan.keras")
    lightness, real_ab = batch
    fake_ab = gan.averaged_generator(lightness)
    logits = gan.discriminator([lightness, fake_ab]).numpy()
    logs = gan.evaluate(lightness, real_ab, verbose=0, return_dict=True)
    square, adversarial = np.square(fake_ab - real_ab), np.square(logits - 1)
    assert_allclose(logs["l1_loss"], square.mean(), rtol=1e-5)
    assert_allclose(logs["adversarial_loss"], adversarial.mean(), rtol=1e-5)
    assert_allclose(
        logs["generator_loss"],
        adversarial.mean() + 10 * square.mean(),
        rtol=1e-5,
    )


def test_keras_callbacks_drive_both_networks_save_and_show(dataset, tmp_path):
    gan = make_gan()
    logs = fit(
        gan,
        dataset,
        epochs=2,
        validation_data=dataset,
        validation_steps=1,
        callbacks=[
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
            keras.callbacks.TensorBoard(tmp_path, write_steps_per_second=True),
            keras.callbacks.ModelCheckpoint(
                tmp_path / "best.keras",
                monitor="val_l1_loss",
                mode="min",
                save_best_only=True,
            ),
            keras.callbacks.BackupAndRestore(tmp_path / "backup"),
        ],
    )
    for config in adams(gan):
        assert config["learning_rate"] == pytest.approx(1e-3 / 4)
    assert keras.saving.load_model(tmp_path / "best.keras").steps in (1, 2)
    assert len(logs["val_l1_loss"]) == 2
    assert any(tmp_path.rglob("events.out.tfevents*"))
    gan.summary(print_fn=str)


def test_mixed_precision_trains_and_averages_in_float32(
    dataset, mixed_precision
):
    gan = make_gan()
    scaled = isinstance(
        gan.generator_optimizer, keras.optimizers.LossScaleOptimizer
    )
    assert scaled == (mixed_precision == "float16")
    assert gan.generator.get_layer("down_1_conv").compute_dtype == (
        mixed_precision
    )
    logs = fit(gan, dataset, steps=2)
    assert np.isfinite(list(logs.values())).all()
    layers = gan.averaged_generator.layers[1:]  # The input computes nothing.
    assert {layer.compute_dtype for layer in layers} == {"float32"}


@pytest.mark.slow
def test_compiled_step_equals_the_plain_one(dataset):
    results = []
    for jit_compile in (False, True):
        gan = make_gan(dropout_blocks=0)  # XLA draws other random numbers.
        gan.compile(jit_compile=jit_compile)
        results.append(fit(gan, dataset, steps=2))
    for name, loss in results[0].items():
        assert_allclose(results[1][name], loss, rtol=1e-4)  # Order of sums.
