"""Folders of pictures, for tools that compare folders, such as clean-fid."""

import re
from collections.abc import Iterable
from pathlib import Path, PurePath

import numpy as np

from keras_colorizer.photos import Photo, write_photo

TRUE = "true"


class ImageFolder:
    """Writes PNG files into a subfolder for each model and one for the truth.

    Args:
        folder: That holds the subfolders.
        models: Their names; what a folder cannot be called becomes "_".
    """

    def __init__(self, folder: Path, models: Iterable[str]):
        self._folder = folder
        self._subfolders = _subfolders(models)
        self._owners: dict[Path, Path] = {}

    def write_true(self, relative: Path, rgb: np.ndarray) -> None:
        """Writes a true photo.

        Args:
            relative: Its path below the folder of photos.
            rgb: `(h, w, 3)` uint8 sRGB.

        Raises:
            UnwritablePhotoError: If it cannot be written.
        """
        self._write(TRUE, relative, rgb)

    def write(self, model: str, relative: Path, rgb: np.ndarray) -> None:
        """Writes a colorized photo under the same name as the true one.

        Args:
            model: The name of the model.
            relative: The photo's path below the folder of photos.
            rgb: `(h, w, 3)` uint8 sRGB.

        Raises:
            UnwritablePhotoError: If it cannot be written.
        """
        self._write(self._subfolders[model], relative, rgb)

    def _write(self, subfolder, relative, rgb):
        target = self._folder / subfolder / self._png(relative)
        write_photo(Photo(rgb), target)

    def _png(self, relative):
        png = relative.with_suffix(".png")
        if self._owners.setdefault(png, relative) == relative:
            return png
        # "a.png" is that of "a.jpg" already.
        return relative.with_name(f"{relative.name}.png")


def _subfolders(models) -> dict[str, str]:
    subfolders: dict[str, str] = {}
    for model in models:
        name = plain = re.sub(r"[^\w.-]+", "_", model).strip("._") or "model"
        number = 2
        while name in {TRUE, *subfolders.values()}:
            name, number = f"{plain}_{number}", number + 1
        subfolders[model] = name
    return subfolders


def row_names(models: Iterable[Path]) -> dict[str, Path]:
    """Names models as briefly as tells them apart.

    Args:
        models: Paths of models; one that is there twice counts once.

    Returns:
        The paths, by the last part of the path or, where several have the
        same, by the path as it was given.
    """
    paths = list(dict.fromkeys(models))
    brief = [PurePath(path).name for path in paths]
    return {
        name if name and brief.count(name) == 1 else str(path): path
        for name, path in zip(brief, paths, strict=True)
    }
