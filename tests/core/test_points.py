"""Points check themselves and keep xy and labels together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvos.core.geometry import horizontal_flip
from pointvos.core.points import PointLabel, Points

rows = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 2)), max_size=15)


def points_of(listed):
    return Points.from_pixels([row[:2] for row in listed], [row[2] for row in listed])


@given(rows)
def test_pixels_and_labels_round_trip(listed):
    points = points_of(listed)
    assert points.pixels().tolist() == [list(row[:2]) for row in listed]
    assert points.labels.tolist() == [row[2] for row in listed]
    assert (points.xy.dtype, points.labels.dtype) == (np.float32, np.int8)


@given(rows)
def test_the_labels_partition_the_points(listed):
    points = points_of(listed)
    parts = [points.of(label) for label in PointLabel]
    assert sum(map(len, parts)) == len(points)
    assert all((part.labels == label).all() for part, label in zip(parts, PointLabel, strict=True))


@given(rows, rows)
def test_concatenation_keeps_order(first, second):
    joined = Points.concatenate([points_of(first), points_of(second)])
    assert joined.pixels().tolist() == [list(row[:2]) for row in first + second]


def test_foreground_and_background():
    points = Points.from_pixels([[1, 2], [3, 4], [5, 6]], [1, 0, 2])
    assert points.foreground.pixels().tolist() == [[1, 2]]
    assert points.background.pixels().tolist() == [[3, 4]]


def test_a_pixel_pair_means_the_centre_of_the_pixel():
    assert Points.from_pixels([[3, 7]], [1]).xy.tolist() == [[3.5, 7.5]]


def test_moved_points_keep_their_labels():
    points = Points.from_pixels([[0, 5], [9, 5]], [1, 0]).moved(horizontal_flip(10))
    assert points.pixels().tolist() == [[9, 5], [0, 5]]
    assert points.labels.tolist() == [1, 0]


def test_inside_tells_which_points_a_crop_kept():
    points = Points.from_pixels([[0, 0], [9, 4], [10, 4], [9, 5]], [1, 1, 1, 1])
    assert points.inside(height=5, width=10).tolist() == [True, True, False, False]


def test_no_points_are_points():
    assert len(Points.empty()) == 0
    assert len(Points.concatenate([])) == 0
    assert Points.empty().xy.shape == (0, 2)


@pytest.mark.parametrize(
    ("xy", "labels", "message"),
    [
        ([[1.0, 2.0, 3.0]], [1], r"xy \[P, 2\]"),
        ([[1.0, 2.0]], [1, 0], r"xy \[P, 2\]"),
        ([[np.nan, 2.0]], [1], "finite"),
        ([[np.inf, 2.0]], [1], "finite"),
        ([[1.0, 2.0]], [3], "labels 0, 1, 2"),
        ([[1.0, 2.0]], [-1], "labels 0, 1, 2"),
    ],
)
def test_arrays_that_are_no_points_are_refused(xy, labels, message):
    with pytest.raises(ValueError, match=message):
        Points(np.array(xy), np.array(labels))
