"""Unnamed proposals find their object."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.core.errors import InputError
from pointvos.metrics.rules import DAVIS_UNSUPERVISED, EmptyFrames, Matching, Objects
from pointvos.metrics.sequence import score_sequence

BY_ID = replace(DAVIS_UNSUPERVISED, matching=Matching.SAME_ID)


def bars(*labels):
    """A 6x40 index mask of 10 columns a label."""
    return np.repeat(np.array(labels, dtype=np.uint8), 10)[None].repeat(6, axis=0)


def frames(*pairs):
    return [(str(number), *pair) for number, pair in enumerate(pairs)]


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(1, 21)))
def test_the_labels_of_the_proposals_do_not_matter(order):
    clip = [
        (bars(1, 1, 2, 3), bars(1, 0, 2, 3)),
        (bars(1, 2, 3, 3), bars(1, 2, 2, 3)),
    ]
    renaming = np.array([0, *order], dtype=np.uint8)
    shuffled = [(true, renaming[predicted]) for true, predicted in clip]
    expected = score_sequence(BY_ID, frames(*clip)).objects
    found = score_sequence(DAVIS_UNSUPERVISED, frames(*shuffled)).objects
    assert [scores.object_id for scores in found] == [1, 2, 3]
    assert [scores.proposal for scores in found] == order[:3]
    for scores, twin in zip(found, expected, strict=True):
        np.testing.assert_array_equal(scores.j, twin.j)
        np.testing.assert_array_equal(scores.f, twin.f)


def test_one_proposal_for_the_whole_sequence():
    # Proposals change places on the last of three frames: the majority decides.
    pair, swapped = (bars(1, 0, 2, 0), bars(1, 0, 2, 0)), (bars(1, 0, 2, 0), bars(2, 0, 1, 0))
    found = score_sequence(DAVIS_UNSUPERVISED, frames(pair, pair, swapped)).objects
    assert [scores.j.tolist() for scores in found] == [[1, 1, 0], [1, 1, 0]]


def test_objects_without_a_proposal_score_as_not_predicted():
    found = score_sequence(
        DAVIS_UNSUPERVISED, frames((bars(1, 2, 3, 0), bars(0, 5, 0, 0)), (bars(1, 2, 0, 0),) * 2)
    ).objects
    assert {scores.object_id: scores.j.tolist() for scores in found} == {
        # Proposals 1, 2 and 5 exist; object 3 is gone on the second frame, as its proposal is.
        1: [0, 1],
        2: [0, 1],
        3: [0, 1],
    }


def test_void_is_left_out_of_the_proposals():
    (scores,) = score_sequence(
        DAVIS_UNSUPERVISED, frames((bars(1, 255, 0, 0), bars(4, 4, 0, 0)))
    ).objects
    assert (scores.j.tolist(), scores.f.tolist()) == ([1], [1])


def test_more_than_twenty_proposals():
    with pytest.raises(InputError, match=r"dog/0: expected at most 20 proposals.*found label 21"):
        score_sequence(DAVIS_UNSUPERVISED, frames((bars(1, 0, 0, 0), bars(21, 0, 0, 0))), "dog")


def test_more_than_twenty_objects():
    true = np.arange(1, 26, dtype=np.uint8).repeat(8)[None].repeat(4, axis=0)
    predicted = np.where(true <= 20, true, 0).astype(np.uint8)
    found = score_sequence(DAVIS_UNSUPERVISED, frames((true, predicted))).objects
    assert [scores.j_mean for scores in found] == [1] * 20 + [0] * 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objects": Objects.FIRST_APPEARANCE}, "found 'first_appearance'"),
        ({"objects": Objects.FOREGROUND}, "found 'foreground'"),
        ({"empty_frames": EmptyFrames.UNSCORED}, "found 'unscored'"),
    ],
)
def test_rules_that_contradict_each_other(change, message):
    with pytest.raises(InputError, match=message):
        replace(DAVIS_UNSUPERVISED, **change)
