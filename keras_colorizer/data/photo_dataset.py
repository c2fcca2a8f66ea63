"""Photos of a folder as a `tf.data.Dataset` for `fit`."""

from pathlib import Path
from typing import Literal

import tensorflow as tf

from keras_colorizer.data.pipeline import training_batches, validation_batches
from keras_colorizer.data.survey import survey_photos
from keras_colorizer.errors import ConfigError


def photo_dataset(
    folder: str | Path | None,
    *,
    image_size: int,
    batch_size: int,
    validation_split: float | None = None,
    subset: Literal["training", "validation"] | None = None,
    seed: int = 0,
    first_step: int = 0,
    balance: float = 0.0,
    old_photos: float = 0.0,
    keep_colorless: bool = False,
    cache: Literal["auto", "on", "off"] = "auto",
) -> tf.data.Dataset:
    """Returns batches of lightness and ab, which `ColorizationGAN.fit` takes.

    Called as `keras.utils.image_dataset_from_directory` is. Photos are cut
    and flipped anew in every epoch; which photo, box and flip make up batch n
    depends on the seed and n alone. Each iteration over the data set, as every
    epoch of `fit` is one, takes the numbers that follow the last one's.

    Photos to validate with come whole, once, and in the same order always.

    Args:
        folder: Searched recursively; or a glob, `tfds:NAME`, or None for the
            nine photos that come with scikit-image.
        image_size: Side in pixels of the squares.
        batch_size: Squares per batch.
        validation_split: Share of the photos to set aside, in (0, 1), chosen
            by file hash.
        subset: With `validation_split`, the photos to return.
        seed: Of the order and the augmentation.
        first_step: Number of the first batch: to go on after `steps` steps
            exactly as an uninterrupted training would, pass that number.
        balance: 0 draws all photos equally often, 1 all subfolders.
        old_photos: Share of the squares, in [0, 1], of which the lightness is
            made to look like an old photo's.
        keep_colorless: Keep grey and sepia photos, too.
        cache: Keep the decoded photos in memory: `on`, `off`, or `auto`, as
            many as half of what is free holds.

    Returns:
        `lightness`, `(batch, image_size, image_size, 1)`, and `ab`, `(batch,
        image_size, image_size, 2)`, float32 in [-1, 1]; as many whole batches
        as the photos to train on fill.

    Raises:
        ConfigError: If `batch_size` is below 1, or `subset` and
            `validation_split` do not go together.
        DataError: If nothing is found, or fewer photos than a batch.

    Example:
        ```python
        photos = photo_dataset("photos/", image_size=128, batch_size=16)
        gan.fit(photos, epochs=20)
        ```
    """
    _check(batch_size, validation_split, subset)
    survey = survey_photos(
        None if folder is None else str(folder),
        square=image_size,
        batch_size=batch_size,
        validation_fraction=validation_split or 0.0,
        keep_colorless=keep_colorless,
        cache=cache,
    )
    if subset == "validation":
        return validation_batches(survey, batch_size=batch_size)
    steps = survey.steps_per_epoch
    batches = training_batches(
        survey,
        _rounds(first_step, steps),
        seed=seed,
        balance=balance,
        old_photos=old_photos,
    )
    return batches.apply(tf.data.experimental.assert_cardinality(steps))


def _check(batch_size: int, share: float | None, subset: str | None) -> None:
    if batch_size < 1:
        raise ConfigError(
            f"`batch_size` must be at least 1. Received: {batch_size}"
        )
    is_split = subset in ("training", "validation") and 0 < (share or 0) < 1
    if not is_split and (share, subset) != (None, None):
        raise ConfigError(
            "`validation_split`, in (0, 1), and `subset`, training or "
            "validation, go together. "
            f"Received: validation_split={share} and subset={subset}"
        )


def _rounds(first: int, count: int) -> tf.data.Dataset:
    """Returns `count` numbers, and in each iteration those that follow."""
    with tf.device("CPU"):
        start = tf.Variable(first - count, dtype=tf.int64, trainable=False)

    def next_round(_: tf.Tensor) -> tf.data.Dataset:
        begin = start.assign_add(count)
        return tf.data.Dataset.range(begin, begin + count)

    return tf.data.Dataset.from_tensors(0).flat_map(next_round)
