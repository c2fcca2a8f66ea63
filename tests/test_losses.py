"""Losses where their value is known in closed form, and against Keras."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from keras_colorizer import losses

PATCH_MAP = (2, 4, 4, 1)
UNDECIDED = np.zeros(PATCH_MAP, "float32")
AB = np.zeros((2, 8, 8, 2), "float32")


def logits_of(value, dtype="float32"):
    return np.full(PATCH_MAP, value, dtype)


@pytest.fixture
def logits(rng):
    return rng.normal(0, 3, (2, *PATCH_MAP)).astype("float32")


@pytest.fixture
def ab(rng):
    return rng.uniform(-1, 1, (2, 2, 8, 8, 2)).astype("float32")


def test_undecided_discriminator_costs_log_two():
    assert_allclose(losses.adversarial_loss(UNDECIDED), np.log(2), rtol=1e-6)
    loss = losses.discriminator_loss(UNDECIDED, UNDECIDED)
    assert_allclose(loss, np.log(2), rtol=1e-6)


def test_discriminator_loss_vanishes_when_it_is_right():
    loss = losses.discriminator_loss(logits_of(50), logits_of(-50))
    assert_allclose(loss, 0, atol=1e-6)


def test_discriminator_pays_for_each_half_it_gets_wrong():
    right, wrong = logits_of(50), logits_of(-50)
    assert_allclose(losses.discriminator_loss(wrong, wrong), 25, rtol=1e-6)
    assert_allclose(losses.discriminator_loss(right, right), 25, rtol=1e-6)
    assert_allclose(losses.discriminator_loss(wrong, right), 50, rtol=1e-6)


@pytest.mark.parametrize("logit", [-1e4, -100, -20, -1, 0, 1, 20, 100, 1e4])
def test_cross_entropy_is_softplus_however_large_the_logit(logit):
    # log(1 + exp(-logit)) in float64, which neither overflows nor rounds.
    exact = np.logaddexp(0, -logit)
    loss = losses.adversarial_loss(logits_of(logit))
    # rtol: float32; atol: below 1e-38 float32 may flush to zero.
    assert_allclose(loss, exact, rtol=1e-6, atol=1e-37)
    loss = losses.discriminator_loss(logits_of(logit), logits_of(-logit))
    assert_allclose(loss, exact, rtol=1e-6, atol=1e-37)


def test_discriminator_loss_is_the_halved_sum_keras_computes(logits):
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    real_logits, fake_logits = logits
    real = cross_entropy(np.ones(PATCH_MAP), real_logits)
    fake = cross_entropy(np.zeros(PATCH_MAP), fake_logits)
    loss = losses.discriminator_loss(real_logits, fake_logits)
    assert_allclose(loss, (real + fake) / 2, rtol=1e-6)


def test_generator_loss_is_the_sum_keras_computes(logits, ab):
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    adversarial = cross_entropy(np.ones(PATCH_MAP), logits[0])
    l1 = keras.losses.MeanAbsoluteError()(*ab)
    loss = losses.generator_loss(logits[0], *ab, l1_weight=7.0)
    assert_allclose(loss, adversarial + 7 * l1, rtol=1e-6)


def test_l1_loss_is_the_mean_absolute_error():
    real_ab = np.float32([[[[0.0, 0.5]]]])
    fake_ab = np.float32([[[[0.25, -0.5]]]])
    assert losses.l1_loss(fake_ab, real_ab) == 0.625


def test_generator_pays_for_being_found_out():
    found_out, passed = logits_of(-50), logits_of(50)
    assert_allclose(losses.generator_loss(found_out, AB, AB), 50, rtol=1e-6)
    assert_allclose(losses.generator_loss(passed, AB, AB), 0, atol=1e-6)


@pytest.mark.parametrize("l1_weight", [0.0, 1.0, 10.0, 100.0])
def test_l1_weight_scales_the_l1_loss_alone(l1_weight):
    loss = losses.generator_loss(UNDECIDED, AB + 0.5, AB, l1_weight=l1_weight)
    assert_allclose(loss, np.log(2) + 0.5 * l1_weight, rtol=1e-6)


def test_l1_weight_is_pix2pix_s_100_by_default():
    loss = losses.generator_loss(logits_of(50), AB + 0.25, AB)
    assert_allclose(loss, 25, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_inputs_give_finite_float32(dtype):
    # 6e4 is near float16's largest; the mean of many would overflow it.
    far = keras.ops.cast(logits_of(-6e4), dtype)
    fake_ab = keras.ops.cast(AB + 1, dtype)
    total = losses.generator_loss(far, fake_ab, -fake_ab)
    for loss in (total, losses.discriminator_loss(far, far)):
        assert keras.backend.standardize_dtype(loss.dtype) == "float32"
        assert np.isfinite(loss)
    # bfloat16 has 8 bits: 6e4 is off by up to one part in 256.
    assert_allclose(total, 6e4 + 200, rtol=1 / 256)


def test_losses_are_scalars_of_symbolic_tensors_too():
    patch_map = keras.KerasTensor((None, None, None, 1), "float16")
    ab = keras.KerasTensor((None, None, None, 2), "float16")
    loss = losses.discriminator_loss(patch_map, patch_map)
    assert (loss.shape, loss.dtype) == ((), "float32")
    loss = losses.generator_loss(patch_map, ab, ab)
    assert (loss.shape, loss.dtype) == ((), "float32")
