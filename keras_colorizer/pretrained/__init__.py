"""The pretrained models that come with the package, a folder each."""

from pathlib import Path

from keras_colorizer.errors import ArtifactError

FOLDER = Path(__file__).parent
DEFAULT = "small"  # What commands use when no model is named.
TFLITE = "colorizer_float16.tflite"
KERAS = "generator.keras"


def pretrained_files(file: str) -> dict[str, Path]:
    """Returns where a file lies of each model that has one, by name.

    Args:
        file: `TFLITE` to color photos with, `KERAS` to go on training.
    """
    return {p.parent.name: p for p in sorted(FOLDER.glob(f"*/{file}"))}


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
