"""The network inside a Colorizer, whatever runs it."""

from pathlib import Path
from typing import Protocol

import numpy as np

from keras_colorizer.errors import ArtifactError


class Network(Protocol):
    """Predicts the ab of squares of lightness.

    Attributes:
        render_size: Side of the squares in pixels.
    """

    render_size: int

    def predict_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Maps `(n, s, s, 1)` float32 L* to `(n, s, s, 2)` float32 ab."""
        ...


def load_network(path: Path) -> Network:
    """Reads a network with the runtime that its file is for.

    Only that runtime is imported: a `.tflite` file needs no TensorFlow.

    Args:
        path: A run folder, a `.keras` or `.tflite` file, or the folder of a
            SavedModel or of its versions.

    Raises:
        ArtifactError: If it is none of these, or damaged.
    """
    if not path.exists():
        raise ArtifactError(f"There is no `{path}`.")
    if path.suffix == ".tflite":
        from keras_colorizer.inference.tflite_network import TFLiteNetwork

        return TFLiteNetwork.load(path)
    if path.suffix == ".keras":
        from keras_colorizer.inference.keras_network import KerasNetwork

        return KerasNetwork.load(path)
    if (path / "config.json").exists():
        return load_network(generator_of_run(path))
    from keras_colorizer.inference.saved_model_network import SavedModelNetwork

    return SavedModelNetwork.load(saved_model_folder(path))


def generator_of_run(run_dir: Path) -> Path:
    """Returns the `.keras` file of a run.

    Raises:
        ArtifactError: If the run has saved none.
    """
    generator = run_dir / "generator.keras"
    if not generator.exists():
        raise ArtifactError(
            f"The run in `{run_dir}` has saved no generator yet: let it finish "
            "an epoch."
        )
    return generator


def saved_model_folder(path: Path) -> Path:
    """Returns the folder itself if it is a SavedModel, or its latest version.

    Raises:
        ArtifactError: If there is no SavedModel.
    """
    versions = [path / f"{number}" for number in saved_versions(path)]
    for folder in [path, *reversed(versions)]:
        if (folder / "saved_model.pb").is_file():
            return folder
    raise ArtifactError(
        f"`{path}` is no model: name the folder of a training run, a .keras or "
        ".tflite file, or the folder of a SavedModel."
    )


def saved_versions(folder: Path) -> list[int]:
    """Returns the numbers that subfolders have as names, in order."""
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    return sorted(int(name) for name in names if name.isdecimal())
