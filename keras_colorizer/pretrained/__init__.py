"""The pretrained models that come with the package, a folder each."""

from pathlib import Path

from keras_colorizer.errors import ArtifactError

FOLDER = Path(__file__).parent
DEFAULT = "small"  # What commands use when no model is named.
TFLITE = "colorizer_float16.tflite"
KERAS = "generator.keras"


def pretrained_file(name: str, file: str) -> Path:
    """Returns where a file of a pretrained model lies.

    Args:
        name: Of the model, such as `small`.
        file: `TFLITE` to color photos with, `KERAS` to go on training.

    Raises:
        ArtifactError: If the package holds no such model.
    """
    path = FOLDER / name / file
    if not path.is_file():
        held = ", ".join(
            sorted(p.parent.name for p in FOLDER.glob(f"*/{file}"))
        )
        raise ArtifactError(
            f"No pretrained `{name}` comes with this version (there is: "
            f"{held or 'none'}): train one with python train.py and name its "
            "run folder."
        )
    return path
