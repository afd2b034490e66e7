"""From a span to its trace segments, and what may be wrong on the way."""

from typing import Any

import numpy as np
import pytest

from pointvos.vidln.largest_keyframe import largest_keyframe, trace_area
from pointvos.vidln.location import LocationStatus, SpanLocation, locate_span
from pointvos.vidln.narrative_json import parse_narrative
from pointvos.vidln.time_window import TimeWindow
from tests.vidln.narratives import CAPTION, actor, narrative, point, words

DOG, RED, BALL = (2, 5), (15, 18), (19, 23)


def located(span: tuple[int, int], **changed: Any) -> SpanLocation:
    parsed = parse_narrative(narrative(actor(**changed)), source="a")
    return locate_span(parsed, parsed.actor_narratives[0], *span)


def strokes(location: SpanLocation) -> dict[int, list[list[list[float]]]]:
    return {
        trace.keyframe: [np.round(stroke.astype(float), 4).tolist() for stroke in trace.strokes]
        for trace in location.by_keyframe
    }


def test_a_noun_has_the_positions_of_its_time_by_key_frame() -> None:
    found = located(DOG)
    assert found.status is LocationStatus.LOCATED
    assert found.window == TimeWindow(500, 1000)
    assert [(one.keyframe, one.name) for one in found.by_keyframe] == [(0, "000003"), (2, "000023")]
    # 450 ms is before the word, 1000 ms is the next word's.
    assert strokes(found) == {0: [[[0.2, 0.1], [0.2, 0.3]]], 2: [[[0.3, 0.3], [0.7, 0.6]]]}
    assert all(s.dtype == np.float32 for one in found.by_keyframe for s in one.strokes)
    assert found.unknown_keyframe_positions == 0


def test_the_last_word_has_all_that_follows() -> None:
    found = located(BALL)
    assert found.window == TimeWindow(2000, float("inf"))
    assert strokes(found) == {1: [[[0.5, 0.5], [0.6, 0.5]]]}


def test_strokes_are_cut_where_time_or_key_frame_changes() -> None:
    part = [
        point(0.1, 0, 600, 0),
        point(0.2, 0, 600, 0),
        point(0.3, 0, 700, 1),
        point(0.4, 0, 800, 0),
        point(0.5, 0, 1200, 0),  # outside
        point(0.6, 0, 900, 0),  # a clock that ran back
        point(0.7, 0, 950, 0),
    ]
    found = located(DOG, traces=[part, [], [point(0.8, 0, 999, 0)]])
    assert strokes(found) == {
        0: [[[0.1, 0], [0.2, 0]], [[0.4, 0]], [[0.6, 0], [0.7, 0]], [[0.8, 0]]],
        1: [[[0.3, 0]]],
    }


def test_the_order_of_the_words_in_the_file_does_not_matter() -> None:
    assert strokes(located(DOG, time_alignment=words()[::-1])) == strokes(located(DOG))


def test_key_frames_count_all_names_not_the_selected_ones() -> None:
    found = located(DOG, keyframe_selection_indices=[2], traces=[[point(0.5, 0.5, 600, 2)]])
    assert [(one.keyframe, one.name) for one in found.by_keyframe] == [(2, "000023")]


def shifted_by(characters: int) -> list[dict[str, Any]]:
    moved = words()
    for word in moved:
        word["referenced_word_start_idx"] += characters
        word["referenced_word_end_idx"] += characters
    return moved


at_once = words(spoken=dict.fromkeys(["A", "dog", "chases"], 500))
STATUSES: dict[str, tuple[tuple[int, int], dict[str, Any], LocationStatus]] = {
    "before the caption": ((-1, 3), {}, LocationStatus.SPAN_OUTSIDE_CAPTION),
    "behind the caption": ((19, 25), {}, LocationStatus.SPAN_OUTSIDE_CAPTION),
    "empty span": ((5, 5), {}, LocationStatus.SPAN_OUTSIDE_CAPTION),
    "backwards": ((5, 2), {}, LocationStatus.SPAN_OUTSIDE_CAPTION),
    "huge": ((0, 2**53), {}, LocationStatus.SPAN_OUTSIDE_CAPTION),
    "no caption": (DOG, {"caption": None}, LocationStatus.SPAN_OUTSIDE_CAPTION),
    "null alignment": (DOG, {"time_alignment": None}, LocationStatus.NO_ALIGNMENT),
    "empty alignment": (DOG, {"time_alignment": []}, LocationStatus.NO_ALIGNMENT),
    "no clock": (DOG, {"recording_start_time_ms_since_epoch": None}, LocationStatus.NO_ALIGNMENT),
    "shifted by two": (DOG, {"time_alignment": shifted_by(2)}, LocationStatus.SHIFTED_ALIGNMENT),
    "shifted back": (DOG, {"time_alignment": shifted_by(-1)}, LocationStatus.SHIFTED_ALIGNMENT),
    "shifted away": (DOG, {"time_alignment": shifted_by(99)}, LocationStatus.NO_WORD),
    "one word missing": (DOG, {"time_alignment": words()[2:]}, LocationStatus.NO_WORD),
    "a blank": ((5, 6), {}, LocationStatus.NO_WORD),
    "words at once": (DOG, {"time_alignment": at_once}, LocationStatus.EMPTY_WINDOW),
    "null traces": (DOG, {"traces": None}, LocationStatus.NO_TRACE),
    "no traces": (DOG, {"traces": []}, LocationStatus.NO_TRACE),
    "empty parts": (DOG, {"traces": [[], []]}, LocationStatus.NO_TRACE),
    "other times": (RED, {}, LocationStatus.NO_TRACE_IN_WINDOW),
    "other clock": (
        DOG,
        {"recording_start_time_ms_since_epoch": 0},
        LocationStatus.NO_TRACE_IN_WINDOW,
    ),
    "key-frame behind": (
        DOG,
        {"traces": [[point(0, 0, 600, 3), point(0, 0, 601, 99)]]},
        LocationStatus.UNKNOWN_KEYFRAME,
    ),
    "key-frame negative": (
        DOG,
        {"traces": [[point(0, 0, 600, -1)]]},
        LocationStatus.UNKNOWN_KEYFRAME,
    ),
}


@pytest.mark.parametrize(("span", "changed", "status"), STATUSES.values(), ids=STATUSES)
def test_what_is_wrong_becomes_a_status(
    span: tuple[int, int], changed: dict[str, Any], status: LocationStatus
) -> None:
    found = located(span, **changed)
    assert found.status is status
    assert found.by_keyframe == ()
    assert largest_keyframe(found) is None


def test_every_status_is_tested() -> None:
    assert {status for _, _, status in STATUSES.values()} == {*LocationStatus} - {
        LocationStatus.LOCATED
    }


def test_positions_on_unknown_key_frames_are_counted_beside_good_ones() -> None:
    found = located(
        DOG, traces=[[point(0.5, 0, 600, 1), point(0, 0, 700, 3)], [point(0, 0, 800, -2)]]
    )
    assert found.status is LocationStatus.LOCATED
    assert list(strokes(found)) == [1]
    assert found.unknown_keyframe_positions == 2


def test_narratives_without_key_frames_have_no_trace() -> None:
    parsed = parse_narrative(narrative(keyframe_names=[]), source="a")
    found = locate_span(parsed, parsed.actor_narratives[0], *DOG)
    assert found.status is LocationStatus.UNKNOWN_KEYFRAME
    assert found.unknown_keyframe_positions == 4


@pytest.mark.parametrize("before", ["👩‍👩‍👧‍👦 ", "🐕 ", "e\u0301 ", "ﬁ 한 "])
def test_offsets_are_characters_of_python(before: str) -> None:
    caption, shift = before + CAPTION, len(before)
    span = (DOG[0] + shift, DOG[1] + shift)
    found = located(span, caption=caption, time_alignment=shifted_by(shift))
    assert strokes(found) == strokes(located(DOG))
    # Offsets that counted bytes would be noticed.
    in_bytes = shifted_by(len(before.encode()))
    noticed = {LocationStatus.SHIFTED_ALIGNMENT, LocationStatus.NO_WORD}
    assert located(span, caption=caption, time_alignment=in_bytes).status in noticed


# ---------------------------------------------------------------- the largest


def trace_on(keyframe: int, *positions: tuple[float, float]) -> list[dict[str, Any]]:
    return [point(x, y, 600 + i, keyframe) for i, (x, y) in enumerate(positions)]


LARGEST = {
    "the larger box": ([trace_on(0, (0, 0), (0.2, 0.2)), trace_on(2, (0.5, 0.5), (0.9, 0.7))], 2),
    "not the longer line": (
        [trace_on(0, *[(0.1 * (i % 2), 0.1) for i in range(90)]), trace_on(1, (0, 0), (0.2, 0.2))],
        1,
    ),
    "a box for every stroke": (
        [
            trace_on(0, (0, 0), (0.3, 0.3)),
            trace_on(1, (0, 0), (0.1, 0.1)),
            trace_on(1, (0.8, 0.8), (0.9, 0.9)),
        ],
        0,
    ),
    "all strokes together": (
        [
            trace_on(0, (0, 0), (0.3, 0.3)),
            trace_on(1, (0, 0), (0.25, 0.25)),
            trace_on(1, (0.5, 0.5), (0.75, 0.75)),
        ],
        1,
    ),
    "a straight line over a point": ([trace_on(0, (0.5, 0.5)), trace_on(1, (0, 0.5), (1, 0.5))], 1),
    "any area over a straight line": (
        [trace_on(0, (0, 0.5), (1, 0.5)), trace_on(1, (0, 0), (0.01, 0.01))],
        1,
    ),
    "the earliest of equal ones": (
        [trace_on(2, (0, 0), (0.25, 0.5)), trace_on(1, (0.5, 0.5), (0.75, 1))],
        1,
    ),
    "inside of the frame only": (
        [trace_on(0, (-40, -40), (0.1, 0.1)), trace_on(1, (0.3, 0.3), (0.5, 0.5))],
        1,
    ),
}


@pytest.mark.parametrize(("traces", "keyframe"), LARGEST.values(), ids=LARGEST)
def test_the_largest_segment_is_chosen(traces: list[Any], keyframe: int) -> None:
    chosen = largest_keyframe(located(DOG, traces=traces))
    assert chosen is not None
    assert chosen.keyframe == keyframe


def test_an_area_is_a_share_of_the_frame() -> None:
    traces = [trace_on(0, (0.25, 0.5), (0.5, 1), (0.25, 2)), trace_on(0, (0, 0), (0.5, 0.25))]
    (trace,) = located(DOG, traces=traces).by_keyframe
    assert trace_area(trace) == 0.25 * 0.5 + 0.5 * 0.25
