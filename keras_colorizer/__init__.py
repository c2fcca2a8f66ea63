"""Image colorization: a U-Net trained against a PatchGAN.

Public names load when they are first used: importing the package is instant.
"""

import importlib
from typing import Any

from keras_colorizer.errors import extras_named
from keras_colorizer.registration import register_with_keras

__version__ = "0.2.0"

_HOME = {
    "ColorizationGAN": "gan",
    "Colorizer": "inference.colorizer",
    "EvaluationReport": "evaluation.report",
    "Hint": "hints",
    "RunResult": "training.run",
    "TrainingConfig": "config",
    "build_discriminator": "networks.discriminator",
    "build_generator": "networks.generator",
    "decode_lab": "encoding",
    "discriminator_loss": "losses",
    "encode_lab": "encoding",
    "evaluate": "evaluation.evaluate",
    "export_saved_model": "exporting.export",
    "export_tflite": "exporting.export",
    "generator_loss": "losses",
    "lab_to_rgb": "color",
    "photo_dataset": "data.photo_dataset",
    "read_hints": "hints",
    "rgb_to_lab": "color",
    "train": "training.run",
    "write_hints": "hints",
    **dict.fromkeys(
        [
            "ArtifactError",
            "ColorizerError",
            "ColorizerWarning",
            "ConfigError",
            "DataError",
            "FilmError",
            "HintError",
            "MissingExtraError",
            "PhotoError",
            "PhotoTooLargeError",
            "ServingError",
            "TrainingError",
            "UnreadablePhotoError",
            "UnwritablePhotoError",
        ],
        "errors",
    ),
}

__all__ = sorted([*_HOME, "__version__"])

register_with_keras()


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with extras_named():
        module = importlib.import_module(f"{__name__}.{_HOME[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return __all__
