"""The photos of a study: to play with, and to judge by."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from l1_study.results import Scores
from l1_study.settings import StudyConfig

from keras_colorizer import encoding
from keras_colorizer.data.pipeline import PhotoReader, validation_batches
from keras_colorizer.metrics import SCORE_NAMES, colorfulness, score
from keras_colorizer.training.photo_split import split_photos

JUDGED_AT_ONCE = 16


@dataclass(frozen=True)
class StudyPhotos:
    """What all runs share.

    Attributes:
        training: Those trained on.
        judged: Encoded batches of photos that are never trained on, whole,
            squashed to the square.
        digests: Of each judged photo.
        fingerprint: Of all photos.
    """

    training: PhotoReader
    judged: list[tuple[tf.Tensor, tf.Tensor]]
    digests: list[str]
    fingerprint: str


def study_photos(config: StudyConfig, *, quiet: bool) -> StudyPhotos:
    """Surveys and splits the photos as training does.

    Args:
        config: The settings.
        quiet: Show no progress bar.

    Raises:
        DataError: If there are too few.
    """
    split = split_photos(config.training(config.runs[0]), quiet=quiet)
    digests = "".join(photo.digest for photo in split.survey.photos)
    last = len(split.validation) - 1
    places = np.linspace(0, last, min(config.judged, last + 1)).round()
    judged = [split.validation[int(place)] for place in places]
    reader = PhotoReader(judged, square=config.square)
    return StudyPhotos(
        training=PhotoReader(split.training, square=config.square),
        judged=list(validation_batches(reader, batch_size=JUDGED_AT_ONCE)),
        digests=[photo.digest for photo in judged],
        fingerprint=hashlib.blake2b(
            digests.encode(), digest_size=8
        ).hexdigest(),
    )


def judge(photos: StudyPhotos, predict: Callable) -> Scores:
    """Scores each judged photo, as validation does.

    Args:
        photos: The photos.
        predict: Maps encoded lightness to encoded ab.
    """
    scores: list = []
    for lightness, real_ab in photos.judged:
        fakes = encoding.decode_rgb(lightness, predict(lightness)).numpy()
        reals = encoding.decode_rgb(lightness, real_ab).numpy()
        scores += map(score, reals, fakes)
    return {name: [getattr(s, name) for s in scores] for name in SCORE_NAMES}


def true_colorfulness(photos: StudyPhotos) -> list[float]:
    """Returns the colorfulness of each judged photo, as it truly is."""
    decoded = (encoding.decode_rgb(*batch).numpy() for batch in photos.judged)
    return [colorfulness(rgb) for batch in decoded for rgb in batch]
