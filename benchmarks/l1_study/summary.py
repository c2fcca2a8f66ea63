"""Means over photos and seeds, with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from l1_study.results import Played, ResultFolder, Scores, Start
from l1_study.settings import Run, StudyConfig

from keras_colorizer.evaluation.bootstrap import (
    FEWEST_PHOTOS,
    Estimate,
    estimate,
    resampled_means,
)
from keras_colorizer.metrics import SCORE_NAMES

Estimates = dict[str, Estimate]


@dataclass(frozen=True)
class Row:
    """All seeds of one weight against one discriminator.

    Attributes:
        discriminator: Its preset.
        l1_weight: The weight.
        runs: Those finished, by seed.
        scores: Of each photo, the mean over the seeds.
    """

    discriminator: str
    l1_weight: float
    runs: dict[int, Played]

    @property
    def scores(self) -> Scores:
        seeds = [played.scores for played in self.runs.values()]
        return {
            name: np.mean([scores[name] for scores in seeds], axis=0).tolist()
            for name in SCORE_NAMES
        }


def finished_rows(config: StudyConfig, folder: ResultFolder) -> list[Row]:
    """Returns the rows of which at least one seed is finished."""

    def row(run: Run):
        return run.discriminator, -run.l1_weight

    return [
        Row(runs[0].discriminator, runs[0].l1_weight, played)
        for _, group in groupby(sorted(config.runs, key=row), key=row)
        if (runs := list(group)) and (played := _played(folder, runs))
    ]


def _played(folder, runs):
    found = {run.seed: folder.played(run) for run in runs}
    return {seed: played for seed, played in found.items() if played}


def estimates(scores: Scores, start: Start) -> Estimates:
    """Returns the mean of each score over photos, in its interval.

    Args:
        scores: Of the judged photos.
        start: Knows how colorful they truly are.

    Returns:
        By the names of the scores; and `colorfulness_share`, mean colorfulness
        over that of the true photos.
    """
    columns = [*(scores[name] for name in SCORE_NAMES)]
    values = np.stack([*columns, start.true_colorfulness], axis=1)
    return _estimated(values, _with_share)


def differences(scores: Scores, other: Scores) -> Estimates:
    """Returns the mean of each score minus another's on the same photos.

    Args:
        scores: Of the judged photos.
        other: What is taken off.
    """
    columns = [np.subtract(scores[name], other[name]) for name in SCORE_NAMES]
    return _estimated(
        np.stack(columns, axis=1),
        lambda means: dict(zip(SCORE_NAMES, means, strict=True)),
    )


def mean_share(runs: Sequence[Played]) -> float:
    """Returns the adversarial share of the gradient, over all measures."""
    return float(np.mean([g.share for run in runs for g in run.gradients]))


def mean_cosine(runs: Sequence[Played]) -> float:
    """Returns the cosine between the two gradients, over all measures."""
    return float(np.mean([g.cosine for run in runs for g in run.gradients]))


def _with_share(means):
    """Of the scores and the true colorfulness, of the photos or each draw."""
    *scores, true = means
    named = dict(zip(SCORE_NAMES, scores, strict=True))
    return {**named, "colorfulness_share": named["colorfulness"] / true}


def _estimated(values, statistics) -> Estimates:
    measured = statistics(values.mean(axis=0))
    if len(values) < FEWEST_PHOTOS:
        return {name: Estimate(float(v)) for name, v in measured.items()}
    resampled = statistics(resampled_means(values).T)
    return {name: estimate(v, resampled[name]) for name, v in measured.items()}
