"""Points of an object and the trace of a noun: how far apart."""

import numpy as np
import pytest

from pointvos.vidln.location import KeyframeTrace, LocationStatus, SpanLocation
from vng.convert.trace_distance import frame_key, trace_distance


def located(*strokes, name="000003") -> SpanLocation:
    parts = tuple(np.array(stroke, np.float32) / [80, 60] for stroke in strokes)
    trace = KeyframeTrace(0, name, tuple(part.astype(np.float32) for part in parts))
    return SpanLocation(LocationStatus.LOCATED, (trace,))


def distance(points, location, frame="3") -> float | None:
    return trace_distance({frame: np.array(points, np.float32)}, location, 60, 80)


def test_it_is_in_shares_of_the_diagonal():
    # The point is 30 px from the middle of the line, the ends of the line 50 px from the point.
    found = distance([[40, 40]], located([[0, 10], [80, 10]]))
    assert found == pytest.approx((30 + 50) / 2 / 100)


def test_of_several_points_and_strokes_the_nearest_counts():
    location = located([[10, 10]], [[70, 50]])
    assert distance([[10, 13], [70, 49]], location) == pytest.approx((2 + 2) / 2 / 100)


def test_the_line_between_positions_counts_for_points():
    assert distance([[20, 10], [60, 10]], located([[20, 10], [60, 10]])) == 0


def test_a_trace_that_sweeps_over_everything_is_not_near():
    sweep = located([[x, y] for y in (5, 20, 35, 50) for x in (0, 40, 80)])
    at_it = located([[38, 33], [42, 37]])
    points = [[38, 34], [42, 35], [40, 36]]
    assert distance(points, at_it) < distance(points, sweep)


def test_the_mean_over_shared_key_frames():
    both = SpanLocation(
        LocationStatus.LOCATED,
        (*located([[0, 0]]).by_keyframe, *located([[10, 0]], name="000013").by_keyframe),
    )
    points = {
        "000003": np.array([[3, 4]], np.float32),
        "13": np.array([[10, 15]], np.float32),
        "99": np.array([[80, 60]], np.float32),
    }
    assert trace_distance(points, both, 60, 80) == pytest.approx((5 + 15) / 2 / 100)


@pytest.mark.parametrize(
    ("points", "frame"), [([[3, 4]], "000004"), (np.zeros((0, 2)), "000003")], ids=["other", "none"]
)
def test_without_a_shared_key_frame_there_is_none(points, frame):
    assert distance(points, located([[0, 0]]), frame) is None


def test_names_of_one_frame():
    assert frame_key("000009") == frame_key("00009") == 9
    assert frame_key("img_0000009") == "img_0000009"
