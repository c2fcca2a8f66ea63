"""Photos to train on, and photos set aside for validation."""

from dataclasses import dataclass

from keras_colorizer.data.photo_reader import PhotoReader
from keras_colorizer.data.survey import Survey
from keras_colorizer.errors import DataError


@dataclass(frozen=True)
class PhotoSplit:
    """Surveyed photos in two parts.

    Attributes:
        survey: What was found.
        training: Photos to train on.
        validation: Photos to judge with, the survey's first.
        steps_per_epoch: How many whole batches the former fill.
    """

    survey: Survey
    training: PhotoReader
    validation: PhotoReader
    steps_per_epoch: int


def split_photos(
    survey: Survey, *, batch_size: int, validation_fraction: float
) -> PhotoSplit:
    """Sets some of the photos aside for validation.

    Those set aside are the first by file hash: the same files are always split
    the same way, whatever they are called and in whatever order they are found.

    Args:
        survey: The photos, of which the pixels move into the readers.
        batch_size: The least number of photos to train on.
        validation_fraction: Share of the photos to set aside, at least one;
            with 0 none is, and those to train on are those to judge with.

    Raises:
        DataError: If there are too few to train on.
    """
    total = len(survey.photos)
    held_out = max(validation_fraction > 0, round(total * validation_fraction))
    aside, rest = survey.photos[:held_out], survey.photos[held_out:]
    if not rest:
        raise DataError(_none_left(survey))
    if len(rest) < batch_size:
        raise DataError(
            f"{len(rest)} photos are left to train on, fewer than a batch of "
            f"{batch_size}: add photos or lower the batch size (--batch-size)."
        )
    training = PhotoReader(rest, square=survey.square)
    validation = training
    if aside:
        validation = PhotoReader(aside, square=survey.square)
    return PhotoSplit(survey, training, validation, len(rest) // batch_size)


def _none_left(survey: Survey) -> str:
    left_out = (
        f"{len(survey.unreadable)} unreadable, {len(survey.colorless)} "
        f"without color, {len(survey.duplicates)} duplicates"
    )
    if survey.photos:
        return (
            f"There is only one photo to use, `{survey.photos[0].source.name}` "
            f"({left_out}): at least two are needed, one to train on and one "
            "to judge with."
        )
    if survey.colorless:
        return (
            f"No photo has colors to learn from ({left_out}), "
            f"`{survey.colorless[0]}` first of all: add color photos, or train "
            "on these all the same with --keep-colorless."
        )
    name, reason = next(iter(survey.unreadable.items()))
    return f"No photo can be read ({left_out}), `{name}` first of all: {reason}"
