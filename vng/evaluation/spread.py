"""How sure a score is: sets have few videos, and other videos would have given other scores.

Intervals are percentiles of a bootstrap over videos (Efron & Tibshirani, 1993): sets of as many
videos are drawn with replacement, each video with all its expressions, for those of one video stand
and fall together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vng.evaluation.expression_scores import VngScores

DRAWS = 2_000
SHARE = 0.95  # of the draws that lie in the interval


@dataclass(frozen=True)
class Interval:
    """Where a score or a difference of scores lies in 95 of 100 draws, as fractions."""

    low: float
    high: float


def interval_of(scores: VngScores) -> Interval | None:
    """The interval of J&F; None for a set of one video."""
    return _interval(_by_video(scores))


def interval_of_difference(scores: VngScores, other: VngScores) -> Interval | None:
    """The interval of J&F of one method less that of another, on the same draws of videos.

    Where it holds 0, the videos do not say which of the two is better.

    Raises:
        ValueError: they are not of the same expressions.
    """
    places = [[(e.video, e.expression) for e in s.expressions] for s in (scores, other)]
    if places[0] != places[1]:
        raise ValueError("expected scores of the same expressions, found others")
    (sums, counts), (others, _) = _by_video(scores), _by_video(other)
    return _interval((sums - others, counts))


def _by_video(scores: VngScores) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum of J&F and number of expressions of each video."""
    names = [one.video for one in scores.expressions]
    videos, index = np.unique(names, return_inverse=True)
    sums = np.zeros(len(videos))
    np.add.at(sums, index, [one.j_and_f for one in scores.expressions])
    return sums, np.bincount(index)


def _interval(by_video: tuple[NDArray[np.float64], NDArray[np.int64]]) -> Interval | None:
    sums, counts = by_video
    if len(sums) < 2:
        return None
    rng = np.random.default_rng(0)
    means = np.empty(DRAWS)
    for draw in range(DRAWS):
        chosen = rng.integers(len(sums), size=len(sums))
        means[draw] = sums[chosen].sum() / counts[chosen].sum()
    outside = (1 - SHARE) / 2
    low, high = np.quantile(means, [outside, 1 - outside])
    return Interval(float(low), float(high))
