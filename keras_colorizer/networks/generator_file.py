"""A trained generator as one `.keras` file that knows its render size."""

import json
import zipfile
from pathlib import Path
from typing import NamedTuple

import keras

from keras_colorizer.errors import ArtifactError, first_line
from keras_colorizer.files import whole_file

# Registers its layers with Keras, so that a saved generator can be read.
from keras_colorizer.networks import subpixel_unet  # noqa: F401

MEMBER = "colorizer.json"  # A `.keras` file is a zip; Keras ignores others.
DEFAULT_RENDER_SIZE = 256  # pix2pix's, for files that Keras alone has saved.


class SavedGenerator(NamedTuple):
    """A generator and what its file says of it.

    Attributes:
        generator: Maps lightness to ab.
        render_size: Side in pixels of the square it sees of a photo.
        preset: What it was built from; None in files that Keras alone saved.
    """

    generator: keras.Model
    render_size: int
    preset: str | None


def save_generator(
    generator: keras.Model, path: Path, *, preset: str, render_size: int
) -> None:
    """Writes the generator, whole or not at all.

    Args:
        generator: Maps lightness to ab.
        path: A `.keras` file.
        preset: Name of what the generator was built from.
        render_size: Side in pixels of the square it sees of a photo.
    """
    with whole_file(path) as temporary:
        generator.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            about = {"preset": preset, "render_size": render_size}
            archive.writestr(MEMBER, json.dumps(about))


def load_generator(path: Path) -> SavedGenerator:
    """Reads a generator.

    Args:
        path: A `.keras` file, of `save_generator` or of Keras.

    Returns:
        The generator, which computes in float32 whatever precision it was
        trained in, and what is known of it.

    Raises:
        ArtifactError: If the file is missing, damaged, or no generator.
    """
    if not path.is_file():
        raise ArtifactError(f"There is no `{path}`.")
    try:
        generator = keras.saving.load_model(path, compile=False)
        with zipfile.ZipFile(path) as archive:
            held = MEMBER in archive.namelist()
            about = json.loads(archive.read(MEMBER)) if held else {}
    except Exception as error:  # noqa: BLE001, any way a file can be damaged
        reason = first_line(error)
        raise ArtifactError(
            f"`{path}` cannot be read as a Keras model ({reason}): train it "
            "anew or take another copy."
        ) from None
    if generator.output_shape[-1:] != (2,) or len(generator.inputs) != 1:
        raise ArtifactError(f"`{path}` is a Keras model, but no generator.")
    for layer in generator.layers:
        layer.dtype_policy = "float32"
    render_size = about.get("render_size", DEFAULT_RENDER_SIZE)
    return SavedGenerator(generator, render_size, about.get("preset"))
