"""Averages over objects, expressions, videos, and seen and unseen categories."""

from __future__ import annotations

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.metrics.object_scores import ObjectScores, SequenceScores
from pointvos.metrics.rules import AveragingUnit
from pointvos.metrics.summary import summarise, youtube_vos_scores


def sequence(name, *objects, unscored=()):
    """A sequence of objects with the given (J, F) on each of two frames."""
    return SequenceScores(
        name=name,
        objects=tuple(
            ObjectScores(name, object_id, ("0", "1"), np.full(2, j), np.full(2, f), object_id)
            for object_id, (j, f) in enumerate(objects, start=1)
        ),
        unscored_ids=unscored,
    )


DOG = sequence("dog", (0.9, 0.7))
CATS = sequence("cats", (0.6, 0.4), (0.3, 0.1))


@pytest.mark.parametrize(
    ("averaging", "j", "f", "recall"),
    [
        (AveragingUnit.OBJECT, 0.6, 0.4, 2 / 3),
        (AveragingUnit.VIDEO, (0.9 + 0.45) / 2, (0.7 + 0.25) / 2, 0.75),
    ],
)
def test_averaging_units(averaging, j, f, recall):
    scores = summarise([DOG, CATS], averaging)
    assert scores.j.mean == pytest.approx(j)
    assert scores.f.mean == pytest.approx(f)
    assert scores.j.recall == pytest.approx(recall)
    assert scores.j_and_f == pytest.approx((j + f) / 2)
    assert [row.sequence for row in scores.objects] == ["dog", "cats", "cats"]


def test_expressions_weigh_alike():
    scores = summarise([DOG, sequence("dog/1", (0.1, 0.1))], AveragingUnit.EXPRESSION)
    assert scores.j.mean == pytest.approx(0.5)


def test_objects_without_scored_frames_do_not_count():
    assert summarise([DOG, sequence("late", unscored=(3,))]).j.mean == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("sequences", "averaging", "message"),
    [
        ([], AveragingUnit.OBJECT, "at least one scored object, found 0"),
        ([sequence("late", unscored=(3,))], AveragingUnit.VIDEO, "at least one scored object"),
        ([DOG, CATS, DOG], AveragingUnit.OBJECT, "scores of dog: expected every sequence once"),
        ([DOG, CATS], AveragingUnit.EXPRESSION, "scores of cats: .* one object .* found 2"),
    ],
)
def test_what_cannot_be_averaged(sequences, averaging, message):
    with pytest.raises(InputError, match=message):
        summarise(sequences, averaging)


def test_youtube_vos_keeps_seen_and_unseen_apart():
    seen = {("dog", 1), ("cats", 2)}
    scores = youtube_vos_scores([DOG, CATS], lambda name, object_id: (name, object_id) in seen)
    assert (scores.j_seen, scores.f_seen) == pytest.approx((0.6, 0.4))
    assert (scores.j_unseen, scores.f_unseen) == pytest.approx((0.6, 0.4))
    assert scores.overall == pytest.approx(0.5)


def test_youtube_vos_without_unseen_categories_has_no_overall_score():
    scores = youtube_vos_scores([DOG, CATS], lambda _name, _object_id: True)
    assert scores.j_seen == pytest.approx(0.6)
    assert (scores.j_unseen, scores.f_unseen, scores.overall) == (None, None, None)
