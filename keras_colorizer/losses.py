"""Losses of the two networks, each a scalar.

`softplus(-logit)` is the binary cross entropy of a logit against the label 1,
and `softplus(logit)` against 0: stable for any logit, and no tensor of labels.
They are taken in float32, whatever the mixed-precision policy.
"""

import keras
from keras import KerasTensor, ops

# Models that were compiled with them can be saved and loaded.
saved = keras.saving.register_keras_serializable("keras_colorizer")


@saved
def discriminator_loss(
    real_logits: KerasTensor, fake_logits: KerasTensor
) -> KerasTensor:
    """Returns the discriminator's error, (BCE(fake, 0) + BCE(real, 1)) / 2.

    Args:
        real_logits: `(batch, h', w', 1)` patch map for true ab.
        fake_logits: Same shape, for generated ab.

    Returns:
        Scalar float32, log 2 for an undecided discriminator.

    Example:
        ```python
        undecided = np.zeros((1, 30, 30, 1))
        discriminator_loss(undecided, undecided)  # 0.693
        ```

    Source:
        Isola et al., 2017, section 3.3; halved so that the discriminator
        learns more slowly. https://arxiv.org/abs/1611.07004
    """
    return (_cross_entropy_1(real_logits) + _cross_entropy_0(fake_logits)) / 2


def generator_loss(
    fake_logits: KerasTensor,
    fake_ab: KerasTensor,
    real_ab: KerasTensor,
    l1_weight: float = 100.0,
) -> KerasTensor:
    """Returns BCE(fake, 1) + l1_weight * mean |fake_ab - real_ab|.

    Args:
        fake_logits: `(batch, h', w', 1)` patch map for generated ab.
        fake_ab: `(batch, h, w, 2)` generated ab in [-1, 1].
        real_ab: Same shape, true ab.
        l1_weight: Weight of the L1 loss against the adversarial one.

    Returns:
        Scalar float32.

    Example:
        ```python
        fake_ab = generator(lightness)
        fake_logits = discriminator([lightness, fake_ab])
        generator_loss(fake_logits, fake_ab, real_ab, l1_weight=50.0)
        ```

    Source:
        Isola et al., 2017, equation 4. https://arxiv.org/abs/1611.07004
    """
    return adversarial_loss(fake_logits) + l1_weight * l1_loss(fake_ab, real_ab)


@saved
def adversarial_loss(fake_logits: KerasTensor) -> KerasTensor:
    """Returns BCE(fake, 1): how far the generator is from passing for real.

    Args:
        fake_logits: `(batch, h', w', 1)` patch map for generated ab.

    Source:
        The non-saturating loss: Goodfellow et al., 2014, section 3.
        https://arxiv.org/abs/1406.2661
    """
    return _cross_entropy_1(fake_logits)


@saved
def l1_loss(fake_ab: KerasTensor, real_ab: KerasTensor) -> KerasTensor:
    """Returns the mean absolute difference of two encoded ab.

    Args:
        fake_ab: `(batch, h, w, 2)` generated ab in [-1, 1].
        real_ab: Same shape, true ab.
    """
    return ops.mean(ops.abs(_float32(fake_ab) - _float32(real_ab)))


def _cross_entropy_1(logits: KerasTensor) -> KerasTensor:
    return ops.mean(ops.softplus(-_float32(logits)))


def _cross_entropy_0(logits: KerasTensor) -> KerasTensor:
    return ops.mean(ops.softplus(_float32(logits)))


def _float32(x: KerasTensor) -> KerasTensor:
    return ops.cast(x, "float32")
