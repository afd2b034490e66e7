"""Whether a score tells nouns that are there from nouns that are not."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Presence:
    """Nouns that are there and nouns that are not, told apart by one score.

    Attributes:
        threshold: a noun with a lower score is taken to be absent.
        precision: share of the nouns taken to be absent that are; None where none is.
        recall: share of the absent nouns that are taken to be so.
        kept: share of the nouns that are there that are not taken to be absent.
    """

    threshold: float
    precision: float | None
    recall: float
    kept: float

    @property
    def balanced(self) -> float:
        """The mean of both shares of right answers."""
        return (self.recall + self.kept) / 2

    def as_dict(self) -> dict[str, Any]:
        """For results.json."""
        return {
            "threshold": round(self.threshold, 4),
            "absent_precision": self.precision,
            "absent_recall": self.recall,
            "present_kept": self.kept,
        }


def presence_at(
    present: Sequence[float], absent: Sequence[float], threshold: float
) -> Presence | None:
    """What a threshold does.

    Args:
        present: scores of nouns that are there.
        absent: scores of nouns that are not.
        threshold: of the score.

    Returns:
        None where there are no nouns of either.

    >>> presence_at([0.9, 0.3], [0.4, 0.1, 0.6, 0.7], 0.5)
    Presence(threshold=0.5, precision=0.6666666666666666, recall=0.5, kept=0.5)
    """
    if not present or not absent:
        return None
    right = sum(score < threshold for score in absent)
    wrong = sum(score < threshold for score in present)
    precision = right / (right + wrong) if right + wrong else None
    return Presence(threshold, precision, right / len(absent), 1 - wrong / len(present))


def best_presence(present: Sequence[float], absent: Sequence[float]) -> Presence | None:
    """The threshold with the most right answers among nouns of both kinds, which weigh alike.

    It lies in the middle between two scores; of several as good the lowest is taken, which keeps
    more of the nouns that are there.

    >>> best_presence([0.9, 0.8, 0.3], [0.4, 0.1]).threshold
    0.6
    """
    scores = np.unique([*present, *absent])
    between = [0.0, *(_between(low, high) for low, high in itertools.pairwise(scores.tolist()))]
    found = [presence_at(present, absent, threshold) for threshold in between]
    known = [one for one in found if one is not None]
    return max(known, key=lambda one: one.balanced) if known else None


def _between(low: float, high: float) -> float:
    """A short number above `low` and not above `high`, near the middle."""
    middle = (low + high) / 2
    short = round(middle, 6)
    if low < short < high:
        return short
    return middle if middle > low else high


def presence_auc(present: Sequence[float], absent: Sequence[float]) -> float | None:
    """The chance that a noun that is there scores higher than one that is not; equal is half.

    Args:
        present: scores of nouns that are there.
        absent: scores of nouns that are not.

    Returns:
        A fraction; None where either is empty.

    >>> presence_auc([0.9, 0.4], [0.4, 0.1])
    0.875
    """
    if not present or not absent:
        return None
    ordered = np.sort(np.asarray(absent, np.float64))
    below = np.searchsorted(ordered, present, side="left")
    not_above = np.searchsorted(ordered, present, side="right")
    return float((below + not_above).mean() / (2 * len(ordered)))
