"""Networks inside a colorizer, whatever runs them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from keras_colorizer.errors import ArtifactError, ConfigError, extras_named

if TYPE_CHECKING:
    import keras

AB_LIMIT = 110.0  # Of a* and b*.
URL_SCHEMES = ("http://", "https://")


@runtime_checkable
class Network(Protocol):
    """Predicts the ab of squares of lightness.

    Attributes:
        render_size: Side of the squares in pixels.
    """

    render_size: int

    def predict_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Maps `(n, s, s, 1)` float32 L* to `(n, s, s, 2)` float32 ab."""
        ...


@runtime_checkable
class HintedNetwork(Network, Protocol):
    """Predicts ab that hints correct, too.

    Attributes:
        takes_hints: False for files without the signature.
    """

    takes_hints: bool

    def predict_ab_with_hints(
        self, lightness: np.ndarray, hints: np.ndarray
    ) -> np.ndarray:
        """Maps it and `(n, 32, 5)` hints, see `hint_array`, to ab."""
        ...


class BoldNetwork:
    """A network whose colors are multiplied, but for those of hints.

    Args:
        network: Any.
        factor: On ab; colors keep within -110 and 110.
    """

    def __init__(self, network: Network, factor: float):
        self.render_size = network.render_size
        self.takes_hints: bool = getattr(network, "takes_hints", False)
        self._network: Any = network
        self._factor = np.float32(factor)

    def predict_ab(self, lightness: np.ndarray) -> np.ndarray:
        """Maps `(n, s, s, 1)` float32 L* to `(n, s, s, 2)` float32 ab."""
        return self._bolder(self._network.predict_ab(lightness))

    def predict_ab_with_hints(
        self, lightness: np.ndarray, hints: np.ndarray
    ) -> np.ndarray:
        """Maps it and `(n, 32, 5)` hints, see `hint_array`, to ab."""
        shares = np.array([1, 1, self._factor, self._factor, 1], "float32")
        run = self._network.predict_ab_with_hints
        return self._bolder(run(lightness, hints / shares))

    def _bolder(self, ab: np.ndarray) -> np.ndarray:
        return np.clip(self._factor * ab, -AB_LIMIT, AB_LIMIT)


def as_network(
    network: "Network | keras.Model", *, render_size: int | None = None
) -> Network:
    """Returns a network as it is, and a Keras generator as a network.

    Args:
        network: Either of them.
        render_size: For a generator, see `KerasNetwork.of_generator`.

    Raises:
        ArtifactError: If it is a Keras model, but no generator.
        ConfigError: If it is neither.
    """
    if isinstance(network, Network):
        return network
    # Who has a Keras model has imported Keras.
    keras = sys.modules.get("keras")
    if keras and isinstance(network, keras.Model):
        from keras_colorizer.inference.keras_network import KerasNetwork

        return KerasNetwork.of_generator(network, render_size=render_size)
    raise ConfigError(
        "`network` must be a Keras generator from lightness to ab; files, run "
        "folders and URLs are for `Colorizer.load`. "
        f"Received: {type(network).__name__}"
    )


def load_network(path_or_url: str | Path) -> Network:
    """Loads a network with the runtime that it is for.

    Only that runtime is imported: a `.tflite` file needs no TensorFlow.

    Args:
        path_or_url: A run folder, a `.keras` or `.tflite` file, the folder of
            a SavedModel or of its versions, or the URL of a served model.

    Raises:
        ArtifactError: If it is none of these, or damaged.
        MissingExtraError: If the runtime is not installed.
        ServingError: If no colorizer answers at the URL.
    """
    with extras_named():
        if str(path_or_url).startswith(URL_SCHEMES):
            from keras_colorizer.inference.served_network import ServedNetwork

            return ServedNetwork.connect(str(path_or_url))
        return _load_file(Path(path_or_url))


def _load_file(path: Path) -> Network:
    if not path.exists():
        raise ArtifactError(f"There is no `{path}`.")
    if path.suffix == ".tflite":
        from keras_colorizer.inference.tflite_network import TFLiteNetwork

        return TFLiteNetwork.load(path)
    if path.suffix == ".keras":
        from keras_colorizer.inference.keras_network import KerasNetwork

        return KerasNetwork.load(path)
    if (path / "config.json").exists():
        return _load_file(generator_of_run(path))
    folder = saved_model_folder(path)
    from keras_colorizer.inference.saved_model_network import SavedModelNetwork

    return SavedModelNetwork.load(folder)


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
        ".tflite file, the folder of a SavedModel, or the URL of a served one."
    )


def saved_versions(folder: Path) -> list[int]:
    """Returns the numbers that subfolders have as names, in order."""
    if not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    return sorted(int(name) for name in names if name.isdecimal())
