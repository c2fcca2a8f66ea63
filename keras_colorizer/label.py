"""The label of a generator in its `.keras` file.

A `.keras` file is a zip archive; Keras ignores members that it does not know.
"""

import json
import zipfile
from pathlib import Path
from typing import BinaryIO, NamedTuple

from keras_colorizer.errors import ArtifactError, first_line

MEMBER = "colorizer.json"
DEFAULT_RENDER_SIZE = 256  # pix2pix's, for files that Keras alone has saved.


class Label(NamedTuple):
    """Preset and render size of a generator.

    Attributes:
        preset: The generator's; None in files that Keras alone saved.
        render_size: Side in pixels of the square it sees of a photo.
    """

    preset: str | None
    render_size: int


def read_label(path: Path) -> Label:
    """Reads the label of a `.keras` file.

    Raises:
        ArtifactError: If the file is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            held = MEMBER in archive.namelist()
            about = json.loads(archive.read(MEMBER)) if held else {}
        render_size = int(about.get("render_size", DEFAULT_RENDER_SIZE))
        return Label(about.get("preset"), render_size)
    except FileNotFoundError:
        raise ArtifactError(f"There is no `{path}`.") from None
    except Exception as error:  # noqa: BLE001, any way a file can be damaged
        raise damaged_file(path, error) from None


def write_label(file: BinaryIO, label: Label) -> None:
    """Adds the label to a `.keras` file that has none."""
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(MEMBER, json.dumps(label._asdict()))


def damaged_file(path: Path, error: Exception) -> ArtifactError:
    """Returns the error of a `.keras` file that cannot be read."""
    return ArtifactError(
        f"`{path}` cannot be read as a Keras model ({first_line(error)}): "
        "train it anew or take another copy."
    )
