"""The networks against pix2pix: its counts, its arithmetic, its outputs.

`fixtures/pix2pix_parity.npz` holds weights, inputs and outputs of the
PyTorch original at inference, made narrow; `make_pix2pix_parity.py` beside
it wrote them. Elsewhere oracles are the paper's numbers and SciPy.
"""

import itertools
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import convolve2d, correlate2d

from keras_colorizer.errors import ConfigError
from keras_colorizer.gan import ColorizationGAN
from keras_colorizer.networks.discriminator import build_discriminator
from keras_colorizer.networks.efficientnet_unet import freeze_encoder
from keras_colorizer.networks.generator import build_generator

PARITY = Path(__file__).parent / "fixtures" / "pix2pix_parity.npz"
PARITY_WIDTHS = (2, 4, 8, 16, 16, 16)  # ngf=2 and six levels.
PARITY_PATCHGAN_WIDTHS = (4, 8, 16, 32)  # ndf=4.
LITE0_PARAMETERS = 2_353_408  # Of its stem and first 14 blocks.
CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)

# Every architecture, at widths that build in no time.
NARROW = {
    "unet_256": {"widths": (2,) * 8},
    "small": {
        "widths": (4, 4, 8, 8, 8),
        "middle_width": 8,
        "decoder_widths": (4, 4, 8),
    },
    "quick": {"widths": (4, 4, 8, 8, 8)},
    "tiny": {},
}


@pytest.fixture(scope="module")
def unet_256():
    keras.utils.set_random_seed(0)
    return build_generator("unet_256")


@pytest.fixture(scope="module")
def patchgan():
    keras.utils.set_random_seed(0)
    return build_discriminator()


@pytest.fixture(params=NARROW)
def narrow(request):
    keras.utils.set_random_seed(0)
    return build_generator(request.param, **NARROW[request.param])


@pytest.fixture
def parity():
    with np.load(PARITY) as file:
        return {name: file[name] for name in file.files}


def multiple_of(generator):
    """Two to the number of halvings, counted on the network itself."""
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    convolutions = layers_of(generator, kinds)
    return 2 ** sum(layer.strides == (2, 2) for layer in convolutions)


def layers_of(network, kind):
    return [layer for layer in network.layers if isinstance(layer, kind)]


def trainable_parameters(network):
    return sum(np.prod(v.shape) for v in network.trainable_variables)


def encoded(rng, *shape):
    return rng.uniform(-1, 1, shape).astype("float32")


def channels_last(array):
    return array.transpose(0, 2, 3, 1)


def carry_weights(arrays, network, prefix):
    """Sets PyTorch's weights, which come in the order of our layers."""
    theirs = (w for name, w in arrays.items() if name.startswith(prefix))
    for layer in network.layers:
        layer.set_weights([as_keras(next(theirs)) for _ in layer.weights])
    assert next(theirs, None) is None


def as_keras(weight):
    # (out, in, h, w) to (h, w, in, out); transposed convolutions have in and
    # out the other way round in both.
    return weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight


def test_generator_infers_what_pix2pix_s_does(parity):
    generator = build_generator("unet_256", widths=PARITY_WIDTHS)
    carry_weights(parity, generator, "generator.")
    lightness = channels_last(parity["lab"][:, :1] / np.float32(128))
    ab = generator(lightness, training=False)
    # Float32 noise through 12 convolutions; measured 6e-7 at full width.
    assert_allclose(ab, channels_last(parity["ab"]), atol=1e-5)


def test_discriminator_infers_what_pix2pix_s_does(parity):
    discriminator = build_discriminator(widths=PARITY_PATCHGAN_WIDTHS)
    carry_weights(parity, discriminator, "discriminator.")
    lab = channels_last(parity["lab"] / np.float32(128))
    logits = discriminator([lab[..., :1], lab[..., 1:]], training=False)
    assert_allclose(logits, channels_last(parity["logits"]), atol=1e-5)


# Counted in PyTorch on UnetGenerator(1, 2, 8), UnetGenerator(1, 2, 7) and
# NLayerDiscriminator(3).


def test_unet_256_has_as_many_parameters_as_pix2pix_s(unet_256):
    assert trainable_parameters(unet_256) == 54_409_858


def test_unet_128_has_as_many_parameters_as_pix2pix_s():
    assert trainable_parameters(build_generator("unet_128")) == 41_824_898


def test_patchgan_has_as_many_parameters_as_pix2pix_s(patchgan):
    assert trainable_parameters(patchgan) == 2_765_633


@pytest.mark.parametrize("preset", ["small", "quick"])
def test_networks_for_phones_have_at_most_four_million_parameters(preset):
    assert build_generator(preset).count_params() <= 4_000_000


def test_encoder_of_small_has_as_many_parameters_as_efficientnet_lite0():
    encoder = [
        layer
        for layer in build_generator("small").layers
        if layer.name.startswith("encoder_")
    ]
    # Counted in PyTorch on efficientnet_lite_pytorch, without statistics; two
    # of the three input channels are not there.
    expected = LITE0_PARAMETERS - 2 * 3 * 3 * 32
    counts = [
        np.prod(weight.shape)
        for layer in encoder
        for weight in layer.weights
        if "moving" not in weight.path
    ]
    assert sum(counts) == expected


def test_training_leaves_a_frozen_encoder_as_it_is(rng):
    generator = build_generator("small", **NARROW["small"])
    freeze_encoder(generator)
    gan = ColorizationGAN(generator, build_discriminator(widths=(2, 2)))
    gan.compile(keras.optimizers.Adam(0.1), keras.optimizers.Adam(0.1))
    before = {layer.name: layer.get_weights() for layer in generator.layers}
    batch = encoded(rng, 4, 32, 32, 1), encoded(rng, 4, 32, 32, 2)
    gan.train_on_batch(*batch)
    for layer in generator.layers:
        changed = [
            not np.array_equal(old, new)
            for old, new in zip(
                before[layer.name], layer.get_weights(), strict=True
            )
        ]
        if layer.name.startswith("encoder_"):
            assert not any(changed), layer.name  # Statistics of norms, too.
        elif layer.weights:
            assert any(changed), layer.name


def test_spectral_patchgan_has_biases_instead_of_batch_norm(patchgan):
    spectral = build_discriminator("patchgan_70_spectral")
    kinds = {type(layer).__name__ for layer in spectral.layers}
    assert "BatchNormalization" not in kinds
    kernels = [v for v in patchgan.trainable_variables if "kernel" in v.path]
    # A bias for every channel in place of scale and shift: 64 + 128 + 256 +
    # 512 + 1 of them.
    expected = sum(np.prod(v.shape) for v in kernels) + 961
    assert trainable_parameters(spectral) == expected


def test_light_patchgan_has_a_quarter_of_the_parameters_and_sees_as_much():
    full = build_discriminator("patchgan_70_spectral")
    light = build_discriminator("patchgan_70_light")
    share = trainable_parameters(light) / trainable_parameters(full)
    assert 0.25 < share < 0.26  # Biases and both ends are more than a quarter.
    shapes = [(1, 256, 256, 1), (1, 256, 256, 2)]
    assert light.compute_output_shape(shapes) == (1, 30, 30, 1)


def test_spectral_norm_keeps_largest_singular_values_at_one(rng):
    keras.utils.set_random_seed(0)
    spectral = build_discriminator("patchgan_70_spectral", widths=(4, 8, 8, 8))
    pair = [encoded(rng, 2, 64, 64, channels) for channels in (1, 2)]
    for _ in range(200):  # One power iteration each.
        spectral(pair, training=True)
    kernels = [v for v in spectral.trainable_variables if "kernel" in v.path]
    assert len(kernels) == 5
    for kernel in kernels:
        matrix = kernel.numpy().reshape(-1, kernel.shape[-1])
        assert_allclose(np.linalg.norm(matrix, 2), 1.0, atol=0.02)


def test_patch_map_is_30_by_30_at_256_pixels(patchgan, rng):
    pair = [encoded(rng, 1, 256, 256, 1), encoded(rng, 1, 256, 256, 2)]
    assert patchgan(pair, training=False).shape == (1, 30, 30, 1)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 96), (72, 40)])
def test_patch_map_is_an_eighth_less_two(patchgan, rng, height, width):
    pair = [encoded(rng, 2, height, width, n) for n in (1, 2)]
    logits = patchgan(pair, training=False)
    assert logits.shape == (2, height // 8 - 2, width // 8 - 2, 1)


def test_a_logit_sees_70_by_70_pixels(patchgan, rng):
    pair = [tf.constant(encoded(rng, 1, 128, 128, n)) for n in (1, 2)]
    with tf.GradientTape() as tape:
        tape.watch(pair)
        logit = patchgan(pair, training=False)[0, 7, 7, 0]
    for gradient in tape.gradient(logit, pair):
        rows, columns = np.nonzero(np.any(gradient[0] != 0, axis=-1))
        assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == 70
        # Leaky ReLU lets every pixel of the patch through.
        assert len(rows) == 70 * 70


def test_pixels_outside_the_patch_do_not_move_its_logit(patchgan, rng):
    lightness, ab = (encoded(rng, 1, 128, 128, n) for n in (1, 2))
    logit = patchgan([lightness, ab], training=False)[0, 7, 7, 0]
    # 8 pixels a logit and 1 + 2 + 4 + 8 + 8 of padding: 7 * 8 - 23 = 33.
    first, last = 33, 33 + 69
    ab[:, :first] = ab[:, last + 1 :] = 1
    ab[:, :, :first] = ab[:, :, last + 1 :] = 1
    moved = patchgan([lightness, ab], training=False)[0, 7, 7, 0]
    assert_allclose(moved, logit, atol=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 2), (3, 1)])
def test_sides_may_be_any_multiples(narrow, rng, rows, columns):
    side = multiple_of(narrow)
    lightness = encoded(rng, 1, rows * side, columns * side, 1)
    ab = narrow(lightness, training=False)
    assert ab.shape == (1, rows * side, columns * side, 2)


def test_generator_maps_lightness_to_ab(narrow):
    assert narrow.input.name == "lightness"
    assert narrow.input.shape == (None, None, None, 1)
    assert narrow.output_names == ["ab"]
    assert narrow.output.shape == (None, None, None, 2)


def test_discriminator_takes_lightness_and_ab(patchgan):
    assert [x.name for x in patchgan.inputs] == ["lightness", "ab"]
    assert [x.shape[-1] for x in patchgan.inputs] == [1, 2]
    assert patchgan.output_names == ["logits"]


def test_ab_stays_within_one_however_large_the_activations(narrow, rng):
    side = multiple_of(narrow)
    # Batch norm would undo larger inputs; its scale goes through.
    for layer in layers_of(narrow, keras.layers.BatchNormalization):
        layer.gamma.assign(layer.gamma * 100)
    last = layers_of(narrow, CONVOLUTIONS)[-1]
    last.kernel.assign(last.kernel * 1000)
    ab = np.asarray(narrow(100 * encoded(rng, 1, side, side, 1)))
    assert ab.dtype == np.float32
    assert np.all(np.abs(ab) <= 1)
    assert np.max(np.abs(ab)) > 0.99


@pytest.mark.parametrize("preset", NARROW)
def test_outputs_are_float32_under_mixed_precision(mixed_precision, preset):
    generator = build_generator(preset, **NARROW[preset])
    discriminator = build_discriminator(widths=(2, 2, 2, 2))
    for network in (generator, discriminator):
        convolution = layers_of(network, CONVOLUTIONS)[0]
        assert convolution.compute_dtype == mixed_precision
    side = max(32, multiple_of(generator))
    lightness = keras.ops.ones((1, side, side, 1), "float32")
    ab = generator(lightness, training=False)
    logits = discriminator([lightness, ab], training=False)
    assert ab.dtype == logits.dtype == "float32"
    assert np.all(np.abs(ab) <= 1)
    assert np.all(np.isfinite(logits))


def test_batch_norm_has_pytorch_s_constants(narrow, patchgan):
    for network in (narrow, patchgan):
        norms = layers_of(network, keras.layers.BatchNormalization)
        own = [n for n in norms if not n.name.startswith("encoder_")]
        # PyTorch's momentum of 0.1 weighs the new value, Keras's the old.
        assert {(n.epsilon, n.momentum) for n in own} == {(1e-5, 0.9)}


def test_norm_is_where_pix2pix_has_it(unet_256, patchgan):
    norms = layers_of(unet_256, keras.layers.BatchNormalization)
    # Not at the outermost and innermost down, nor at the outermost up.
    down = [f"down_{level}_norm" for level in range(2, 8)]
    up = [f"up_{level}_norm" for level in range(8, 1, -1)]
    assert [norm.name for norm in norms] == [*down, *up]
    norms = layers_of(patchgan, keras.layers.BatchNormalization)
    assert [norm.name for norm in norms] == ["norm_2", "norm_3", "norm_4"]


def test_kernels_start_normal_with_deviation_0_02(unet_256, patchgan):
    convolutions = [
        *layers_of(unet_256, CONVOLUTIONS),
        *layers_of(patchgan, CONVOLUTIONS),
    ]
    assert len(convolutions) == 16 + 5
    for convolution in convolutions:
        assert_normal(np.asarray(convolution.kernel), mean=0)


def test_scales_start_normal_around_one(unet_256, patchgan):
    for network in (unet_256, patchgan):
        norms = layers_of(network, keras.layers.BatchNormalization)
        assert_normal(np.concatenate([norm.gamma for norm in norms]), mean=1)


def assert_normal(sample, *, mean, deviation=0.02):
    # Five standard errors: one sample in a million lies outside by chance,
    # and the seed is fixed.
    error = 5 * deviation / np.sqrt(sample.size)
    assert_allclose(sample.mean(), mean, atol=error)
    assert_allclose(sample.std(), deviation, atol=error / np.sqrt(2))
    # Not truncated at two deviations: a normal has 4.6 % beyond.
    beyond = np.mean(np.abs(sample - mean) > 2 * deviation)
    assert beyond > 0.0455 - 5 * np.sqrt(0.0455 / sample.size)


def test_biases_start_at_zero(unet_256, patchgan):
    variables = [*unet_256.variables, *patchgan.variables]
    offsets = [v for v in variables if v.name in ("bias", "beta")]
    assert len(offsets) == (1 + 13) + (2 + 3)
    for offset in offsets:
        assert_array_equal(offset, 0)


def test_bias_is_where_no_norm_follows_as_in_pix2pix(unet_256, patchgan):
    assert biased(unet_256) == ["up_1_conv"]
    assert biased(patchgan) == ["conv_1", "conv_5"]


def biased(network):
    convolutions = layers_of(network, CONVOLUTIONS)
    return [layer.name for layer in convolutions if layer.use_bias]


@pytest.mark.parametrize(
    ("preset", "levels", "outputs"),
    # UnetGenerator drops out in the blocks of `range(num_downs - 5)`.
    [("unet_256", 8, [4, 8, 16]), ("unet_128", 7, [4, 8])],
)
def test_dropout_is_at_the_decoder_blocks_pix2pix_has_it(
    preset, levels, outputs
):
    generator = build_generator(preset, widths=(2,) * levels)
    dropouts = layers_of(generator, keras.layers.Dropout)
    assert [layer.rate for layer in dropouts] == [0.5] * len(outputs)
    dropped = keras.Model(generator.input, [x.output for x in dropouts])
    lightness = np.zeros((1, 2**levels, 2**levels, 1), "float32")
    assert [x.shape[1:3] for x in dropped(lightness)] == [
        (side, side) for side in outputs
    ]


def test_dropout_is_at_work_in_training_only(rng):
    # Without batch norm's noise: only dropout tells two calls apart.
    lightness = encoded(rng, 2, 32, 32, 1)
    generator = build_generator("tiny")
    one, other = (generator(lightness, training=False) for _ in range(2))
    assert_array_equal(one, other)
    one, other = (generator(lightness, training=True) for _ in range(2))
    assert not np.allclose(one, other)
    undropped = build_generator("tiny", dropout=0.0)
    one, other = (undropped(lightness, training=True) for _ in range(2))
    assert_allclose(one, other, atol=1e-6)


def test_inference_takes_every_photo_by_itself(narrow, rng):
    side = multiple_of(narrow)
    lightness = encoded(rng, 8, side, side, 1)
    narrow(lightness, training=True)  # Statistics other than 0 and 1.
    alone = narrow.predict_on_batch(lightness[:1])
    # Kernels for one and for eight photos may add up in another order.
    together = narrow.predict_on_batch(lightness)[:1]
    assert_allclose(alone, together, atol=1e-5)


def test_logits_judge_every_photo_by_itself(patchgan, rng):
    lightness, ab = (encoded(rng, 4, 32, 32, n) for n in (1, 2))
    alone = patchgan([lightness[:1], ab[:1]], training=False)
    together = patchgan([lightness, ab], training=False)[:1]
    assert_allclose(alone, together, atol=1e-5)


def test_widths_override_the_preset_s():
    generator = build_generator("unet_256", widths=(3, 5, 7))
    down = [f"down_{level}_conv" for level in (1, 2, 3)]
    assert [generator.get_layer(n).filters for n in down] == [3, 5, 7]
    up = [f"up_{level}_conv" for level in (3, 2, 1)]
    assert [generator.get_layer(n).filters for n in up] == [5, 3, 2]
    discriminator = build_discriminator(widths=(3, 5))
    convolutions = layers_of(discriminator, keras.layers.Conv2D)
    assert [layer.filters for layer in convolutions] == [3, 5, 1]
    assert [layer.strides[0] for layer in convolutions] == [2, 1, 1]


def test_dropout_blocks_override_the_preset_s():
    generator = build_generator("tiny", dropout_blocks=0)
    assert not layers_of(generator, keras.layers.Dropout)


def test_residual_blocks_override_the_preset_s():
    generator = build_generator("quick", widths=(4, 8), residual_blocks=3)
    names = {layer.name for layer in layers_of(generator, keras.layers.Add)}
    assert names == {
        *("residual_1", "residual_2", "residual_3"),
        *("scene", "join_1"),
    }


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_an_override_that_is_none_is_refused(build):
    with pytest.raises(TypeError, match="depth"):
        build(depth=8)


def test_unknown_presets_are_told_the_choices():
    with pytest.raises(ConfigError, match="`huge`.*unet_256.*small.*tiny"):
        build_generator("huge")
    with pytest.raises(ConfigError, match="`pixel`.*patchgan_70"):
        build_discriminator("pixel")


@pytest.mark.parametrize("layer", ["down_1_conv", "down_2_conv"])
def test_down_convolution_is_scipy_s_correlation(rng, layer):
    convolution = build_generator("tiny").get_layer(layer)
    kernel = np.asarray(convolution.kernel)
    x = encoded(rng, 1, 8, 12, kernel.shape[2])
    padded = np.pad(x[0], ((1, 1), (1, 1), (0, 0)))
    summed = summed_over_inputs(padded, kernel, correlate2d, mode="valid")
    assert_allclose(convolution(x)[0], summed[::2, ::2], atol=1e-5)


def test_up_convolution_is_scipy_s_convolution_of_spread_pixels(rng):
    convolution = build_generator("tiny").get_layer("up_1_conv")
    kernel = np.asarray(convolution.kernel).transpose(0, 1, 3, 2)
    x = encoded(rng, 1, 4, 6, kernel.shape[2])
    spread = np.zeros((8, 12, kernel.shape[2]))
    spread[::2, ::2] = x[0]
    summed = summed_over_inputs(spread, kernel, convolve2d, mode="full")
    assert_allclose(convolution(x)[0], summed[1:9, 1:13], atol=1e-5)


def summed_over_inputs(x, kernel, operation, *, mode):
    """Returns `(h, w, out)` for `x` `(h, w, in)`, channel by channel."""
    inputs, outputs = kernel.shape[2:]
    maps = [
        operation(x[..., i], kernel[..., i, o], mode=mode)
        for o, i in itertools.product(range(outputs), range(inputs))
    ]
    maps = np.reshape(maps, (outputs, inputs, *maps[0].shape))
    return maps.sum(axis=1).transpose(1, 2, 0)


def test_upsampling_shares_each_pixel_with_its_neighbours():
    generator = build_generator("quick", widths=(4, 4), decoder_widths=(4,))
    ramp = np.arange(6, dtype="float32").reshape(1, 1, 6, 1)
    ramp = np.broadcast_to(ramp, (1, 6, 6, 4))
    doubled = generator.get_layer("up_1_pixels")(ramp)
    smooth = generator.get_layer("up_1_smooth")(doubled)
    # Of two new pixels each has two thirds of its own and one of the nearer
    # neighbour: a ramp of step 1 goes on in both directions from i.
    expected = [i + side / 3 for i in range(1, 5) for side in (-1, 1)]
    for channel in range(4):
        assert_allclose(smooth[0, 5, 2:-2, channel], expected, atol=1e-6)


def test_the_scene_reaches_every_place():
    generator = build_generator("quick", widths=(4, 4, 4, 4, 8))
    side = 512  # Wider than what the convolutions alone see.
    dark = np.full((1, side, side, 1), -0.9, "float32")
    other = dark.copy()
    other[:, :, : side // 8] = 0.9
    far = [generator(x, training=False)[0, :, -1] for x in (dark, other)]
    assert not np.array_equal(far[0], far[1])


@pytest.mark.parametrize("preset", ["small", "quick"])
def test_activations_have_a_ceiling(preset):
    for layer in layers_of(build_generator(preset), keras.layers.ReLU):
        assert layer.max_value == 6
