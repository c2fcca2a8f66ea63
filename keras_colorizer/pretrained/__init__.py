"""The pretrained models that come with the package, a folder each."""

from pathlib import Path

from keras_colorizer.errors import ArtifactError

FOLDER = Path(__file__).parent
DEFAULT = "small"  # What commands use when no model is named.
TFLITE = "colorizer_float16.tflite"
KERAS = "generator.keras"
# Factors on the colors of a calm network that make it about 85 % as colorful
# as photos are; see MODEL_CARD.md.
VIVID = {"small_vivid": ("small", 1.406)}


def pretrained_files(file: str) -> dict[str, Path]:
    """Returns where a file lies of each model that has one, by name.

    Args:
        file: `TFLITE` to color photos with, `KERAS` to go on training.
    """
    return {p.parent.name: p for p in sorted(FOLDER.glob(f"*/{file}"))}


def look(name: str) -> tuple[str, float]:
    """Returns the network of a look, and the factor on its colors.

    Args:
        name: A pretrained network, which is calm, or `small_vivid`.
    """
    return VIVID.get(name, (name, 1.0))


def pretrained_file(name: str, file: str) -> Path:
    """Returns where a file of a pretrained model lies.

    Args:
        name: Of the model, such as `small`.
        file: `TFLITE` to color photos with, `KERAS` to go on training.

    Raises:
        ArtifactError: If the package holds no such model.
    """
    files = pretrained_files(file)
    if name not in files:
        raise ArtifactError(
            f"No pretrained `{name}` comes with this version (there is: "
            f"{', '.join(files) or 'none'}): train one with python train.py "
            "and name its run folder."
        )
    return files[name]
