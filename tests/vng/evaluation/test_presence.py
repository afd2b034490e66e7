"""Scores of nouns that are there and of nouns that are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vng.evaluation.presence import best_presence, presence_at, presence_auc

SCORES = st.lists(st.floats(0, 1, width=16), min_size=1, max_size=12)


def test_presence_auc() -> None:
    assert presence_auc([0.9], [0.1]) == 1
    assert presence_auc([0.1], [0.9]) == 0
    assert presence_auc([0.5, 0.5], [0.5]) == 0.5
    assert presence_auc([], [0.5]) is None


def test_a_threshold_counts_what_it_takes_for_absent() -> None:
    found = presence_at([0.9, 0.4, 0.2], [0.3, 0.1, 0.6, 0.2], 0.35)
    assert found is not None
    assert found.precision == pytest.approx(3 / 4)
    assert found.recall == pytest.approx(3 / 4)
    assert found.kept == pytest.approx(2 / 3)
    nothing = presence_at([0.9], [0.8], 0.0)
    assert nothing is not None
    assert (nothing.precision, nothing.recall, nothing.kept) == (None, 0.0, 1.0)
    assert presence_at([], [0.1], 0.5) is None
    assert best_presence([0.1], []) is None


@given(SCORES, SCORES)
def test_no_threshold_is_better_than_the_best(present: list[float], absent: list[float]) -> None:
    best = best_presence(present, absent)
    assert best is not None
    for threshold in sorted({0.0, 1.1, *present, *absent, *(x + 1e-4 for x in present)}):
        other = presence_at(present, absent, threshold)
        assert other is not None
        assert other.balanced <= best.balanced + 1e-9 or threshold > max(*present, *absent)


def test_the_best_threshold_lies_between_the_two() -> None:
    best = best_presence([0.8, 0.9, 0.7], [0.3, 0.2])
    assert best is not None
    assert best.threshold == pytest.approx(0.5)
    assert best.as_dict() == {
        "threshold": 0.5,
        "absent_precision": 1.0,
        "absent_recall": 1.0,
        "present_kept": 1.0,
    }


@pytest.mark.parametrize("low", [0.0, 0.3, 0.99999])
def test_scores_that_hardly_differ_are_told_apart(low: float) -> None:
    high = float(np.nextafter(low, 1))
    for score in (high, low + 6e-8):
        best = best_presence([score], [low])
        assert best is not None
        assert best.balanced == 1
