"""One owner a pixel: each step of the rule, and what holds whatever the masks are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.pseudomask.overlaps import resolve_overlaps

HEIGHT, WIDTH = 12, 16
NO_POINTS = np.zeros((0, 2), np.float32)


def box(left: int, top: int, right: int, bottom: int) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


def at(*pixels: tuple[int, int]) -> NDArray[np.float32]:
    return geometry.pixel_centres(np.array(pixels, np.int64).reshape(-1, 2))


LEFT, RIGHT = box(0, 0, 10, 8), box(6, 0, 16, 8)  # both claim columns 6 to 9


def test_the_only_object_with_a_point_in_the_region_gets_it_whatever_the_scores():
    left, right = resolve_overlaps([LEFT, RIGHT], [0.9, 0.1], [at((1, 1)), at((7, 3))])
    assert (right == RIGHT).all()
    assert (left == box(0, 0, 6, 8)).all()


def test_where_both_have_points_each_pixel_goes_to_the_nearest():
    left, right = resolve_overlaps([LEFT, RIGHT], [0.9, 0.1], [at((6, 3)), at((9, 3))])
    assert (left == box(0, 0, 8, 8)).all()
    assert (right == box(8, 0, 16, 8)).all()


def test_without_points_there_the_higher_score_is_in_front():
    points = [at((1, 1)), at((14, 1))]
    left, right = resolve_overlaps([LEFT, RIGHT], [0.4, 0.6], points)
    assert (right == RIGHT).all()
    assert (left == box(0, 0, 6, 8)).all()


def test_of_equal_scores_the_smaller_mask_is_in_front_and_then_the_first():
    small = box(4, 2, 8, 5)
    large, front = resolve_overlaps([LEFT, small], [0.5, 0.5], [NO_POINTS, NO_POINTS])
    assert (front == small).all()
    assert (large == LEFT & ~small).all()
    first, second = resolve_overlaps([LEFT, RIGHT[:, ::-1]], [0.5, 0.5], [NO_POINTS, NO_POINTS])
    assert (first == LEFT).all()
    assert not second.any()


def test_regions_are_decided_each_for_itself():
    other = box(0, 0, 2, 8) | box(8, 0, 10, 8)  # two regions inside LEFT
    left, right = resolve_overlaps([LEFT, other], [0.9, 0.1], [at((5, 5)), at((1, 1))])
    assert (right == box(0, 0, 2, 8)).all()  # its point; the other region goes by score
    assert (left == box(2, 0, 10, 8)).all()


def test_of_three_objects_a_point_counts_where_its_object_claims():
    third = box(6, 0, 8, 8)
    masks = [LEFT, RIGHT, third]
    # The point of the third lies where it claims nothing: there it decides nothing.
    points = [at((1, 1)), at((14, 1)), at((9, 1))]
    left, right, front = resolve_overlaps(masks, [0.2, 0.3, 0.1], points)
    assert (right == RIGHT).all()
    assert not front.any()
    assert (left == box(0, 0, 6, 8)).all()


def test_a_mask_in_several_parts_and_points_outside_the_picture():
    (alone,) = resolve_overlaps([LEFT], [0.5], [NO_POINTS])
    assert (alone == LEFT).all()
    outside = np.array([[-1, 3], [99, 3]], np.float32)
    left, right = resolve_overlaps([LEFT, RIGHT], [0.6, 0.4], [outside, NO_POINTS])
    assert (left == LEFT).all()
    assert not (left & right).any()


def test_nothing_is_changed_in_place_or_shared():
    masks = [LEFT.copy(), box(12, 0, 14, 2)]
    found = resolve_overlaps(masks, [0.5, 0.5], [NO_POINTS, NO_POINTS])
    found[0][:] = False
    assert (masks[0] == LEFT).all()
    assert resolve_overlaps([], [], []) == []


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="as many masks as scores"):
        resolve_overlaps([LEFT, RIGHT], [0.5], [NO_POINTS, NO_POINTS])


@st.composite
def frames(draw):
    count = draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    masks = list(rng.random((count, HEIGHT, WIDTH)) < draw(st.floats(0.1, 0.9)))
    scores = rng.integers(0, 3, count) / 2
    points = [
        at(*zip(rng.integers(0, WIDTH, n), rng.integers(0, HEIGHT, n), strict=True))
        for n in rng.integers(0, 6, count)
    ]
    return masks, scores.tolist(), points


@given(frames())
def test_what_always_holds(frame):
    masks, scores, points = frame
    found = resolve_overlaps(masks, scores, points)
    stack = np.stack(found)
    assert (stack.sum(axis=0) <= 1).all()
    assert (stack.any(axis=0) == np.stack(masks).any(axis=0)).all()
    assert all((new <= old).all() for new, old in zip(found, masks, strict=True))
    # No object loses a point, but to another object with a point on the very same pixel.
    owners = np.zeros((HEIGHT, WIDTH), int)
    for mask, xy in zip(masks, points, strict=True):
        owners += geometry.rasterise(xy, HEIGHT, WIDTH) & mask
    for old, new, xy in zip(masks, found, points, strict=True):
        own = geometry.rasterise(xy, HEIGHT, WIDTH) & old & (owners == 1)
        assert (new >= own).all()
