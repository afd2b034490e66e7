"""From the scores of sequences to the numbers of a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pointvos.core.errors import InputError
from pointvos.metrics.frame_statistics import FrameStatistics
from pointvos.metrics.object_scores import ObjectScores, SequenceScores
from pointvos.metrics.rules import AveragingUnit


class UnitStatistics(NamedTuple):
    """Statistics of one averaging unit, or their mean over the units."""

    j: FrameStatistics
    f: FrameStatistics


@dataclass(frozen=True, eq=False)
class BenchmarkScores:
    """The scores of a benchmark, as fractions.

    Attributes:
        j: mean over the units of their mean, recall and decay of J.
        f: the same of F.
        averaging: what a unit is.
        sequences: what the numbers come from.
    """

    j: FrameStatistics
    f: FrameStatistics
    averaging: AveragingUnit
    sequences: tuple[SequenceScores, ...]

    @property
    def j_and_f(self) -> float:
        """Mean of the J and the F mean: the headline number."""
        return (self.j.mean + self.f.mean) / 2

    @property
    def objects(self) -> tuple[ObjectScores, ...]:
        """All scored objects, in the order of the sequences."""
        return tuple(scores for sequence in self.sequences for scores in sequence.objects)


def summarise(
    sequences: Iterable[SequenceScores], averaging: AveragingUnit = AveragingUnit.OBJECT
) -> BenchmarkScores:
    """Average the scores of sequences.

    Args:
        sequences: at least one.
        averaging: see `AveragingUnit`; pass `rules.averaging`.

    Raises:
        InputError: there is nothing to average; a sequence occurs twice; the unit is the
            expression and a sequence has more than one object.
    """
    kept = tuple(sequences)
    names = [sequence.name for sequence in kept]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"scores of {twice}: expected every sequence once, found it more often")
    if not any(sequence.objects for sequence in kept):
        raise InputError(
            f"scores of a benchmark: expected at least one scored object, found {len(kept)} "
            f"sequences without any"
        )
    if averaging is AveragingUnit.EXPRESSION:
        for sequence in kept:
            if len(sequence.objects) != 1:
                raise InputError(
                    f"scores of {sequence.name}: expected one object an expression, found "
                    f"{len(sequence.objects)}; score it by 'foreground'"
                )
    per_sequence = [
        [UnitStatistics(scores.j_statistics, scores.f_statistics) for scores in sequence.objects]
        for sequence in kept
        if sequence.objects
    ]
    if averaging is AveragingUnit.VIDEO:
        units = [_mean(objects) for objects in per_sequence]
    else:
        units = [unit for objects in per_sequence for unit in objects]
    j, f = _mean(units)
    return BenchmarkScores(j=j, f=f, averaging=averaging, sequences=kept)


@dataclass(frozen=True)
class YouTubeVosScores:
    """Scores of YouTube-VOS, as fractions; None where a data set has no object of that kind."""

    j_seen: float | None
    f_seen: float | None
    j_unseen: float | None
    f_unseen: float | None

    @property
    def overall(self) -> float | None:
        """G, the mean of the four; None unless all four exist."""
        parts = [self.j_seen, self.f_seen, self.j_unseen, self.f_unseen]
        known = [part for part in parts if part is not None]
        return sum(known) / len(parts) if len(known) == len(parts) else None


def youtube_vos_scores(
    sequences: Iterable[SequenceScores], is_seen: Callable[[str, int], bool]
) -> YouTubeVosScores:
    """Average J and F over the objects of seen and of unseen categories, each kind apart.

    Args:
        sequences: scored by the rules `YOUTUBE_VOS`.
        is_seen: says of (sequence name, object id) whether the category occurs in training.
    """
    means: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for sequence in sequences:
        for scores in sequence.objects:
            seen = is_seen(sequence.name, scores.object_id)
            means[seen].append((scores.j_mean, scores.f_mean))
    j_seen, f_seen = _means(means[True])
    j_unseen, f_unseen = _means(means[False])
    return YouTubeVosScores(j_seen, f_seen, j_unseen, f_unseen)


def _mean(units: list[UnitStatistics]) -> UnitStatistics:
    """Mean over units, statistic by statistic."""
    j, f = np.mean(units, axis=0).tolist()
    return UnitStatistics(FrameStatistics(*j), FrameStatistics(*f))


def _means(pairs: list[tuple[float, float]]) -> tuple[float | None, float | None]:
    if not pairs:
        return None, None
    j, f = np.mean(pairs, axis=0).tolist()
    return j, f
