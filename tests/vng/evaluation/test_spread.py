"""Intervals of J&F: as wide as the videos differ, and paired where methods are compared."""

import numpy as np
import pytest

from vng.evaluation.expression_scores import ExpressionScores, VngScores
from vng.evaluation.spread import Interval, interval_of, interval_of_difference


def scores_of(values: np.ndarray) -> VngScores:
    """J = F = `values` [videos, expressions]."""
    return VngScores(
        tuple(
            ExpressionScores(f"video {video}", number, "dog", number, ("0",), (value,), (value,))
            for video, of_video in enumerate(values.tolist())
            for number, value in enumerate(of_video)
        )
    )


def test_one_video_says_nothing_of_others() -> None:
    assert interval_of(scores_of(np.full((1, 5), 0.5))) is None


def test_equal_videos_have_no_spread() -> None:
    values = np.tile([[0.2, 0.6, 0.7]], (6, 1))
    found = interval_of(scores_of(values))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))


def test_many_videos_have_the_interval_of_a_mean() -> None:
    rng = np.random.default_rng(1)
    of_video = rng.normal(0.5, 0.1, 400)
    found = interval_of(scores_of(of_video[:, None]))
    assert found is not None
    error = 1.96 * of_video.std() / 20
    assert found.low == pytest.approx(of_video.mean() - error, abs=0.1 * error)
    assert found.high == pytest.approx(of_video.mean() + error, abs=0.1 * error)
    # Expressions of one video are not as many witnesses.
    repeated = interval_of(scores_of(np.repeat(of_video[:, None], 8, axis=1)))
    assert repeated is not None
    assert (repeated.low, repeated.high) == pytest.approx((found.low, found.high))


def test_expressions_weigh_the_same_and_videos_are_drawn_whole() -> None:
    small, large = scores_of(np.zeros((1, 1))), scores_of(np.ones((2, 99)))
    second = tuple(one for one in large.expressions if one.video == "video 1")
    found = interval_of(VngScores((*small.expressions, *second)))
    assert found == Interval(0, 1)  # draws have mean 0, 0.99 and 1


def test_a_difference_is_that_of_pairs() -> None:
    rng = np.random.default_rng(2)
    hard = rng.random((12, 1)) * np.ones((12, 3))
    one, other = scores_of(0.5 * hard + 0.05), scores_of(0.5 * hard)
    found = interval_of_difference(one, other)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.05, 0.05))
    wide = interval_of(one)
    assert wide is not None
    assert wide.high - wide.low > 0.1
    with pytest.raises(ValueError, match="the same expressions"):
        interval_of_difference(one, scores_of(hard[:5]))
