"""The pretrained model as a SavedModel, for a server that is given none."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_colorizer.exporting import MAX_PIXELS
from keras_colorizer.exporting.saved_model import write_saved_model
from keras_colorizer.inference.keras_network import KerasNetwork
from keras_colorizer.pretrained import DEFAULT, KERAS, pretrained_file


@contextmanager
def exported_pretrained() -> Iterator[Path]:
    """Yields the base path of version 1, which is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="keras_colorizer_") as folder:
        network = KerasNetwork.load(pretrained_file(DEFAULT, KERAS))
        base_path = Path(folder)
        write_saved_model(network, base_path / "1", max_pixels=MAX_PIXELS)
        yield base_path
