"""A trained generator as one `.keras` file that knows its render size."""

from pathlib import Path
from typing import NamedTuple

import keras

from keras_colorizer.errors import ArtifactError
from keras_colorizer.files import in_memory, whole_file
from keras_colorizer.label import (
    Label,
    damaged_file,
    read_label,
    write_label,
)

# They register their layers with Keras, so that a saved generator can be read.
from keras_colorizer.networks import (  # noqa: F401
    hint_propagation,
    readout,
    smooth_decoder,
)
from keras_colorizer.networks.precision import with_precision


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
    generator: keras.Model, path: Path, *, preset: str | None, render_size: int
) -> None:
    """Writes the generator, whole or not at all.

    Args:
        generator: Maps lightness to ab.
        path: A `.keras` file.
        preset: Name of what the generator was built from.
        render_size: Side in pixels of the square it sees of a photo.
    """
    content = in_memory(generator.save, ".keras")
    write_label(content, Label(preset, render_size))
    with whole_file(path) as temporary:
        temporary.write_bytes(content.getbuffer())


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
    label = read_label(path)
    try:
        generator = keras.saving.load_model(path, compile=False)
    except Exception as error:  # noqa: BLE001, any way a file can be damaged
        raise damaged_file(path, error) from None
    if generator.output_shape[-1:] != (2,) or len(generator.inputs) != 1:
        raise ArtifactError(f"`{path}` is a Keras model, but no generator.")
    in_float32 = with_precision(generator, "float32")
    return SavedGenerator(in_float32, label.render_size, label.preset)
