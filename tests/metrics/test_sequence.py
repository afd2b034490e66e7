"""Sequences under every switch of the rules."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.core.errors import InputError
from pointvos.metrics.rules import (
    DAVIS_2016,
    DAVIS_SEMI_SUPERVISED,
    DAVIS_UNSUPERVISED,
    DAVIS_WITH_ID_GAPS,
    PV_OOPS,
    VNG,
    YOUTUBE_VOS,
    EmptyFrames,
    Missing,
    Objects,
    Skip,
    UnknownLabels,
    Void,
)
from pointvos.metrics.sequence import SequenceScorer, score_sequence

ALL_FRAMES = replace(DAVIS_SEMI_SUPERVISED, skip=Skip.NONE)


def index(*bars):
    """A 6x40 index mask with (label, left, right) bars; later bars lie on top."""
    mask = np.zeros((6, 40), dtype=np.uint8)
    for label, left, right in bars:
        mask[:, left:right] = label
    return mask


def frames(*pairs):
    return [(f"{number:05d}", *pair) for number, pair in enumerate(pairs)]


def scores_of(result):
    """{object id: J per frame} of a sequence."""
    return {scores.object_id: scores.j.tolist() for scores in result.objects}


HALF = (index((1, 0, 10)), index((1, 0, 5)))
WHOLE = (index((1, 0, 10)), index((1, 0, 10)))
NONE = (index((1, 0, 10)), index())


@pytest.mark.parametrize(
    ("skip", "expected"),
    [
        (Skip.NONE, [1.0, 0.5, 0.5, 0.0]),
        (Skip.FIRST, [0.5, 0.5, 0.0]),
        (Skip.FIRST_AND_LAST, [0.5, 0.5]),
    ],
)
def test_skipped_frames(skip, expected):
    rules = replace(DAVIS_SEMI_SUPERVISED, skip=skip)
    result = score_sequence(rules, frames(WHOLE, HALF, HALF, NONE), "dog")
    assert scores_of(result) == {1: expected}
    (scores,) = result.objects
    assert (
        scores.frame_names
        == ("00000", "00001", "00002", "00003")[1 if skip != "none" else 0 :][: len(expected)]
    )
    assert scores.j_and_f == pytest.approx((scores.j.mean() + scores.f.mean()) / 2)


def test_skipping_counts_annotated_frames_only():
    sparse = frames((None, index()), WHOLE, (None, None), HALF, (None, index()), NONE, (None, None))
    result = score_sequence(DAVIS_SEMI_SUPERVISED, sparse)
    assert scores_of(result) == {1: [0.5]}
    assert result.objects[0].frame_names == ("00003",)


@pytest.mark.parametrize(
    ("void", "expected"),
    [
        # Truth: 10 columns of 1, then 6 of 255. Prediction: 16 columns of 1.
        (Void.BACKGROUND, {1: [0.625]}),
        (Void.EXCLUDE, {1: [1.0]}),
        (Void.OBJECT, {1: [0.625], 255: [0.0]}),
    ],
)
def test_void(void, expected):
    rules = replace(ALL_FRAMES, void=void, objects=Objects.FIRST_FRAME)
    pair = index((1, 0, 10), (255, 10, 16)), index((1, 0, 16))
    assert scores_of(score_sequence(rules, frames(pair))) == expected


def test_davis_2016_takes_255_for_foreground():
    pair = index((255, 0, 10)), index((255, 0, 5))
    assert scores_of(score_sequence(DAVIS_2016, frames(pair, pair, pair))) == {1: [0.5]}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        # As the official scorer: the unused id 2 is an object, and an easy one.
        (DAVIS_SEMI_SUPERVISED, {1: [0.5], 2: [1.0], 3: [0.2]}),
        (DAVIS_WITH_ID_GAPS, {1: [0.5], 3: [0.2]}),
    ],
)
def test_gaps_between_ids(rules, expected):
    pair = index((1, 0, 10), (3, 20, 30)), index((1, 0, 5), (3, 20, 22))
    assert scores_of(score_sequence(rules, frames(pair, pair, pair))) == expected


def test_foreground_merges_all_labels():
    for rules in (VNG, PV_OOPS):
        pair = index((1, 0, 5), (7, 5, 10)), index((3, 0, 4), (255, 4, 5))
        assert scores_of(score_sequence(rules, frames(pair))) == {1: [0.5]}


def test_foreground_takes_bool_masks():
    true, predicted = (mask > 0 for mask in HALF)
    assert scores_of(score_sequence(VNG, frames((true, predicted)))) == {1: [0.5]}


def test_vng_scores_frames_with_an_empty_mask_but_not_those_without_one():
    empty = index()
    result = score_sequence(VNG, frames(HALF, (None, empty), (empty, empty), (empty, HALF[1])))
    assert scores_of(result) == {1: [0.5, 1.0, 0.0]}


def test_objects_count_after_the_frame_that_introduces_them():
    one, both = index((1, 0, 10)), index((1, 0, 10), (4, 20, 30))
    result = score_sequence(
        YOUTUBE_VOS,
        frames(
            (one, index()),  # introduces 1
            (one, index((1, 0, 5), (4, 20, 21))),  # 4 predicted too early: no error
            (both, index((1, 0, 10))),  # introduces 4
            (one, index((1, 0, 10))),  # 4 has left: rightly not predicted
            (both, index((1, 0, 10), (4, 20, 25))),
            (index((9, 30, 31)), index((1, 0, 10))),  # introduces 9, too late to be scored
        ),
    )
    assert scores_of(result) == {1: [0.5, 1.0, 1.0, 1.0, 0.0], 4: [1.0, 0.5, 1.0]}
    assert result.objects[1].frame_names == ("00003", "00004", "00005")
    assert result.unscored_ids == (9,)


def test_objects_are_listed_by_id_not_by_appearance():
    one, both = index((5, 0, 10)), index((5, 0, 10), (2, 20, 30))
    result = score_sequence(YOUTUBE_VOS, frames((one, one), (both, both), (both, both)))
    assert [scores.object_id for scores in result.objects] == [2, 5]


def test_first_appearance_and_a_skipped_last_frame():
    rules = replace(YOUTUBE_VOS, skip=Skip.FIRST_AND_LAST)
    late = index((2, 0, 10))
    result = score_sequence(rules, frames(WHOLE, HALF, (late, late), (late, late)))
    assert scores_of(result) == {1: [0.5, 1.0]}
    assert result.unscored_ids == (2,)


@pytest.mark.parametrize(
    ("empty_frames", "expected"),
    [(EmptyFrames.PERFECT, [0.5, 1.0]), (EmptyFrames.UNSCORED, [0.5])],
)
def test_frames_without_the_object(empty_frames, expected):
    rules = replace(VNG, empty_frames=empty_frames)
    assert scores_of(score_sequence(rules, frames(HALF, (index(), index())))) == {1: expected}


def test_labels_that_are_not_predicted_score_zero():
    true = index((1, 0, 10), (2, 20, 30))
    assert scores_of(score_sequence(ALL_FRAMES, frames((true, index((1, 0, 10)))))) == {
        1: [1.0],
        2: [0.0],
    }


def test_labels_beyond_the_objects_are_an_error_that_names_the_frame():
    extra = index((1, 0, 10)), index((1, 0, 5), (2, 20, 30))
    message = r"dog/00001: expected predicted labels among the objects \[1\], found 2"
    with pytest.raises(InputError, match=message):
        score_sequence(ALL_FRAMES, frames(WHOLE, extra), "dog")
    ignoring = replace(ALL_FRAMES, unknown_labels=UnknownLabels.IGNORE)
    assert scores_of(score_sequence(ignoring, frames(WHOLE, extra))) == {1: [1.0, 0.5]}
    # Frames that are not scored are not looked at, as in the official scorer.
    assert scores_of(score_sequence(DAVIS_SEMI_SUPERVISED, frames(extra, HALF, extra))) == {
        1: [0.5]
    }


def test_a_predicted_label_that_never_becomes_an_object():
    stray = index((1, 0, 10)), index((1, 0, 5), (2, 20, 30))
    with pytest.raises(InputError, match=r"dog/00001: .* found 2"):
        score_sequence(YOUTUBE_VOS, frames(WHOLE, stray, WHOLE), "dog")


@pytest.mark.parametrize("rules", [DAVIS_SEMI_SUPERVISED, DAVIS_UNSUPERVISED, VNG, YOUTUBE_VOS])
def test_a_missing_prediction_is_an_error_that_names_the_frame(rules):
    gone = HALF[0], None
    with pytest.raises(InputError, match="dog/00001: expected a predicted mask"):
        score_sequence(rules, frames(HALF, gone, HALF), "dog")


def test_a_missing_prediction_can_count_as_empty():
    rules = replace(VNG, missing=Missing.EMPTY)
    result = score_sequence(rules, frames((HALF[0], None), (index(), None), (None, None)))
    assert scores_of(result) == {1: [0.0, 1.0]}


def test_skipped_frames_need_no_prediction():
    gone = HALF[0], None
    assert scores_of(score_sequence(DAVIS_SEMI_SUPERVISED, frames(gone, HALF, gone))) == {1: [0.5]}


@pytest.mark.parametrize(
    ("rules", "pairs", "message"),
    [
        pytest.param(
            VNG,
            [(HALF[0], HALF[1][:, :20])],
            "dog/00000: expected .* 40x6, found 20x6; resize",
            id="sizes differ",
        ),
        pytest.param(
            VNG,
            [(HALF[0], HALF[1].astype(np.int64))],
            r"dog/00000: prediction: .* found int64 of shape \(6, 40\)",
            id="not labels",
        ),
        pytest.param(
            VNG, [(np.zeros((6, 40, 3), np.uint8), HALF[1])], "ground truth", id="colour image"
        ),
        pytest.param(
            ALL_FRAMES, [(index(), index())], "dog/00000: .* show the objects", id="no object"
        ),
        pytest.param(DAVIS_SEMI_SUPERVISED, [HALF, HALF], "found 2 annotated", id="too short"),
        pytest.param(VNG, [(None, HALF[1])], "found 0 annotated", id="nothing annotated"),
        pytest.param(DAVIS_UNSUPERVISED, [], "found 0 annotated", id="no frames"),
    ],
)
def test_what_cannot_be_scored(rules, pairs, message):
    with pytest.raises(InputError, match=message):
        score_sequence(rules, frames(*pairs), "dog")


def test_a_frame_twice():
    scorer = SequenceScorer(VNG, "dog")
    scorer.add("00000", *HALF)
    with pytest.raises(InputError, match="dog/00000: expected every frame once"):
        scorer.add("00000", *HALF)


def test_the_caller_may_reuse_its_buffers():
    true, predicted = index(), index()
    scorer = SequenceScorer(DAVIS_SEMI_SUPERVISED)
    for name, pair in enumerate((WHOLE, HALF, NONE)):
        true[:], predicted[:] = pair
        scorer.add(str(name), true, predicted)
    assert scores_of(scorer.result()) == {1: [0.5]}


def test_no_mask_outlives_its_frame():
    scorer = SequenceScorer(DAVIS_SEMI_SUPERVISED)
    masks = []
    for name in range(5):
        pair = HALF[0].copy(), HALF[1].copy()
        masks += [weakref.ref(mask) for mask in pair]
        scorer.add(str(name), *pair)
        del pair
    gc.collect()
    assert [mask() for mask in masks] == [None] * 10


def test_results_so_far_can_be_read_while_going_on():
    scorer = SequenceScorer(VNG)
    scorer.add("0", *HALF)
    assert scores_of(scorer.result()) == {1: [0.5]}
    scorer.add("1", *WHOLE)
    assert scores_of(scorer.result()) == {1: [0.5, 1.0]}


labels = st.integers(0, 3)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), order=st.permutations([1, 2, 3]))
def test_renaming_the_ids_changes_no_score(seed, order):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 4, size=(3, 2, 4, 6), dtype=np.uint8)
    small[0, 0].flat[:3] = [1, 2, 3]  # the first frame introduces all of them
    clip = small.repeat(5, axis=2).repeat(5, axis=3)
    renamed = np.array([0, *order], dtype=np.uint8)[clip]
    before = score_sequence(ALL_FRAMES, frames(*clip)).objects
    after = {
        scores.object_id: scores for scores in score_sequence(ALL_FRAMES, frames(*renamed)).objects
    }
    for scores in before:
        twin = after[order[scores.object_id - 1]]
        np.testing.assert_array_equal(scores.j, twin.j)
        np.testing.assert_array_equal(scores.f, twin.f)
