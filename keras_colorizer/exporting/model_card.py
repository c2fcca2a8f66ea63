"""Model card of an export: its origin, its contract, the code that made it."""

import datetime
import importlib.metadata
import subprocess
from pathlib import Path
from typing import Any

import keras_colorizer
from keras_colorizer.config import TrainingConfig
from keras_colorizer.networks.generator_file import SavedGenerator

CHECKOUT = Path(keras_colorizer.__file__).parents[1]
SIGNATURES = {
    "colorize_image_bytes": (
        "image_bytes: string [n], JPEG, PNG, WebP or 24-bit BMP files -> "
        "image_bytes: string [n], PNG files; the SavedModel's default"
    ),
    "colorize": "rgb: uint8 [n, h, w, 3] -> rgb: uint8 [n, h, w, 3]",
    "predict_ab": "lightness: float32 [n, s, s, 1] -> ab: float32 [n, s, s, 2]",
    "predict_ab_with_hints": (
        "lightness: float32 [n, s, s, 1], hints: float32 [n, 32, 5], each x "
        "and y in [0, 1], a*, b* and 1, or all 0 for none -> ab: float32 "
        "[n, s, s, 2]; not in files of full integer arithmetic"
    ),
}
EMBEDDED_DATA = (
    "The color photos that come with scikit-image, free to use: see README.txt "
    "in its folder skimage/data."
)


def model_card(
    run: Path | None, saved: SavedGenerator, *, training_data: str | None
) -> dict[str, Any]:
    """Describes a generator, from its file and, if there is one, its run.

    `training_data` are words on the photos it was trained on and on their
    licence; None for those that the run knows.
    """
    now = datetime.datetime.now(datetime.UTC)
    return {
        "name": "colorizer",
        "version": keras_colorizer.__version__,
        "preset": saved.preset,
        "render_size": saved.render_size,
        "parameters": saved.generator.count_params(),
        "training_data": training_data or _known_data(run),
        "color_space": "sRGB (IEC 61966-2-1); CIE L*a*b*, D65, 2 degrees",
        "contract": (
            "sRGB pixels, of which only the lightness counts; L* and ab in "
            "their own units, of the whole photo squashed to a square of the "
            "render size s. Nothing is normalized before or after."
        ),
        "signatures": SIGNATURES,
        "exported": now.isoformat("T", "seconds"),
        "git_revision": _git_revision(),
        "keras": importlib.metadata.version("keras"),
        "tensorflow": importlib.metadata.version("tensorflow"),
    }


def _known_data(run: Path | None) -> str:
    if run is None or not (run / "config.json").is_file():
        return "Unknown."
    data = TrainingConfig.load(run / "config.json").data
    if data is None:
        return EMBEDDED_DATA
    return f"{Path(data).resolve().name}; its licence was not stated at export."


def _git_revision() -> str | None:
    """Returns the commit of the code, if it is a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    if not (CHECKOUT / ".git").exists():
        return None
    try:
        return subprocess.check_output(command, cwd=CHECKOUT, text=True).strip()
    except (OSError, subprocess.CalledProcessError):
        return None
