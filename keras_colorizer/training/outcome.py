"""The outcome of a run: scores in words, and an old photo in color."""

import dataclasses
from pathlib import Path

import numpy as np
import skimage
from PIL import Image
from rich.console import Console

from keras_colorizer.callbacks.validation import Validation, contact_sheet
from keras_colorizer.config import TrainingConfig
from keras_colorizer.data.survey import Survey
from keras_colorizer.files import whole_file
from keras_colorizer.inference.colorizer import Colorizer
from keras_colorizer.networks.generator_file import load_generator
from keras_colorizer.training.run_folder import RunFolder

SCORED = 64  # Photos of a kind, at most.
FEW = 1000  # Photos.
OF_FEW = (
    "So few photos can be learnt by heart: in time their own colors come back, "
    "but another photo gets those of what happens to look alike. The colors "
    "of skies, leaves and skin take thousands of photos. With few, start from "
    "the network that comes with the package: --init small --freeze-encoder."
)
TITLES = ("an old photo", "colored by this run", "by small, which ships")


def print_outcome(
    console: Console, config: TrainingConfig, folder: RunFolder, survey: Survey
) -> None:
    """Prints how near to the true colors the saved generator comes."""
    generator = load_generator(folder.generator).generator
    kinds = {"trained on": survey.training, "held out": survey.validation}
    for kind, photos in kinds.items():
        scored = dataclasses.replace(survey, photos=photos[:SCORED], held_out=0)
        validation = Validation(scored, console)
        console.print(
            f"{len(scored.photos)} of {len(photos):,} photos {kind}: CIEDE2000 "
            f"{validation.scores(generator).ciede2000:.2f}, left grey "
            f"{validation.constants['grey_ciede2000']:.2f}",
            highlight=False,
        )
    if config.init is None and len(survey.training) < FEW:
        console.print(OF_FEW, highlight=False)


def color_old_photo(run_dir: Path) -> Path:
    """Colors scikit-image's photographer with a run and with `small`.

    Returns:
        The picture of both, in the run folder.
    """
    old = Path(skimage.__file__).parent / "data/camera.png"
    colorizers = Colorizer.load(run_dir), Colorizer.from_preset("small")
    photos = [Image.open(old).convert("RGB")]
    photos += [colorizer.colorize(old) for colorizer in colorizers]
    sheet = contact_sheet(
        np.stack([np.asarray(p) for p in photos])[None], TITLES
    )
    picture = RunFolder(run_dir).old_photo
    with whole_file(picture) as temporary:
        sheet.save(temporary)
    return picture
