"""What an artifact says of itself: a model card in JSON."""

import datetime
import importlib.metadata
import json
import subprocess
from pathlib import Path
from typing import Any

import keras_colorizer
from keras_colorizer.config import TrainingConfig
from keras_colorizer.networks.generator_file import SavedGenerator

ENTRY = "model_card.json"  # Name of the card in the metadata of a `.tflite`.
SIGNATURES = {
    "colorize_image_bytes": (
        "image_bytes: string [n], JPEG, PNG, WebP or BMP files -> image_bytes: "
        "string [n], PNG files of the same sizes. The default of a SavedModel."
    ),
    "colorize": (
        "rgb: uint8 [n, h, w, 3], sRGB, of which only the lightness is used -> "
        "rgb: uint8 of the same shape. n is 1 in a .tflite file."
    ),
    "predict_ab": (
        "lightness: float32 [n, s, s, 1], L* in [0, 100] of the whole photo "
        "squashed to a square of the render size s -> ab: float32 [n, s, s, 2],"
        " L*a*b* units. n is 1 in a .tflite file."
    ),
}
EMBEDDED_DATA = (
    "The color photos that come with scikit-image, free to use: see README.txt "
    "in its folder skimage/data."
)


def model_card(
    run: Path | None, saved: SavedGenerator, *, training_data: str | None
) -> dict[str, Any]:
    """Collects what is known of a trained generator.

    Args:
        run: Its run folder, if there is one.
        saved: The generator and what its file says.
        training_data: Words on the photos it was trained on and on their
            licence; None to say what the run knows.
    """
    return {
        "name": "colorizer",
        "version": keras_colorizer.__version__,
        "preset": saved.preset,
        "render_size": saved.render_size,
        "parameters": saved.generator.count_params(),
        "training_data": training_data or _known_data(run),
        "color_space": "sRGB (IEC 61966-2-1); CIE L*a*b*, D65, 2 degrees",
        "contract": (
            "Pixels in sRGB, L* and ab in their own units: there is nothing to "
            "normalize before or after."
        ),
        "signatures": SIGNATURES,
        "exported": datetime.datetime.now(datetime.UTC).isoformat(
            "T", "seconds"
        ),
        "git_revision": _git_revision(),
        "keras": importlib.metadata.version("keras"),
        "tensorflow": importlib.metadata.version("tensorflow"),
    }


def card_text(card: dict[str, Any]) -> str:
    """Returns the JSON of a card."""
    return json.dumps(card, indent=2) + "\n"


def _known_data(run):
    if run is None or not (run / "config.json").is_file():
        return "Unknown."
    data = TrainingConfig.load(run / "config.json").data
    if data is None:
        return EMBEDDED_DATA
    return f"{Path(data).resolve().name}; its licence was not stated at export."


def _git_revision() -> str | None:
    """The commit of the code, if it lies in a checkout."""
    try:
        # The checkout around an installed package is somebody else's.
        _git("ls-files", "--error-unmatch", __file__)
        return _git("describe", "--always", "--dirty", "--abbrev=40")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments):
    folder = Path(__file__).parent
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
