"""The photos of a run: found, surveyed and split."""

from collections.abc import Sequence
from dataclasses import dataclass

from keras_colorizer.config import TrainingConfig
from keras_colorizer.data.sources import list_photos
from keras_colorizer.data.survey import Survey, SurveyedPhoto, survey_photos
from keras_colorizer.errors import DataError


@dataclass(frozen=True)
class PhotoSplit:
    """What a run trains and validates with.

    Attributes:
        survey: What was found.
        training: Photos to train on.
        validation: Photos to judge with.
    """

    survey: Survey
    training: Sequence[SurveyedPhoto]
    validation: Sequence[SurveyedPhoto]


def split_photos(config: TrainingConfig, *, quiet: bool) -> PhotoSplit:
    """Finds and surveys the photos, and sets some aside for validation.

    Those set aside are the first by file hash: the same files are always split
    the same way, whatever they are called and in whatever order they are found.

    Args:
        config: Says where the photos are and how many to set aside.
        quiet: Show no progress bar.

    Raises:
        DataError: If there are too few to train on.
    """
    survey = _survey(config, quiet)
    total = len(survey.photos)
    _check_enough(config, survey, total)
    held_out = max(1, round(total * config.validation_fraction))
    split = PhotoSplit(
        survey, survey.photos[held_out:], survey.photos[:held_out]
    )
    if len(split.training) < config.batch_size:
        raise DataError(
            f"{len(split.training)} photos are left to train on, fewer than a "
            f"batch of {config.batch_size}: add photos or lower --batch-size."
        )
    return split


def _survey(config, quiet) -> Survey:
    return survey_photos(
        list_photos(config.data),
        square=config.square,
        keep_colorless=config.keep_colorless,
        cache=config.cache,
        quiet=quiet,
    )


def _check_enough(config, survey, total):
    where = f"`{config.data}`" if config.data else "scikit-image"
    left_out = (
        f"{len(survey.unreadable)} unreadable, {len(survey.colorless)} "
        f"without color, {len(survey.duplicates)} duplicates"
    )
    if total == 0 and survey.colorless:
        raise DataError(
            f"No photo in {where} has colors to learn from ({left_out}): add "
            "color photos, or train on these all the same with "
            "--keep-colorless."
        )
    if total == 0:
        name, reason = next(iter(survey.unreadable.items()))
        raise DataError(
            f"No photo in {where} can be read ({left_out}), `{name}` first of "
            f"all: {reason}"
        )
    if total == 1:
        raise DataError(
            f"There is only one photo to use in {where} ({left_out}): at "
            "least two are needed, one to train on and one to judge with."
        )
