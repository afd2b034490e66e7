"""The frames from which a noun is carried, its masks there, and nouns that compete for pixels."""

import numpy as np
import pytest

from pointvos.pseudomask.backend import MaskResult
from vng.inference.anchors import (
    Anchor,
    Candidate,
    choose_anchors,
    groups_without_overlap,
    innermost_point,
    part_bounds,
    sharpened,
)


def box(top: int, left: int, height: int = 10, width: int = 10) -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def candidates(*worths: float, every: int = 1) -> dict[int, Candidate]:
    """Boxes that move; those of no worth were not found."""
    nothing = np.zeros((40, 60), bool)
    found = [
        (box(0, t), box(1, t)) if worth else (nothing, nothing) for t, worth in enumerate(worths)
    ]
    return {
        t * every: Candidate.of(rough, sharp, worth)
        for t, ((rough, sharp), worth) in enumerate(zip(found, worths, strict=True))
    }


def places(given: dict[int, Candidate], *, length: int, count: int) -> list[int]:
    bounds = part_bounds(length, count=count, moved=set())
    return [one.place for one in choose_anchors(given, bounds)]


def test_the_best_frame_of_each_part() -> None:
    given = candidates(0.2, 0.9, 0.3, 0.5, 0.4, 0.8)
    assert places(given, length=6, count=1) == [1]
    found = choose_anchors(given, [0, 3, 6])
    assert [one.place for one in found] == [1, 5]
    assert all(np.array_equal(one.mask, given[one.place].sharp) for one in found)


def test_parts_are_of_time_however_many_looks_there_are() -> None:
    given = candidates(0.2, 0.9, 0.3, 0.5, 0.4, 0.8, every=5)
    assert places(given, length=30, count=2) == [5, 25]
    # Every frame of the first part was looked at, one of the second.
    given = candidates(0.1, 0.2, 0.3, 0.4) | {9: candidates(0.05)[0]}
    assert places(given, length=10, count=2) == [3, 9]


def test_parts_are_cut_at_jumps() -> None:
    assert part_bounds(12, count=2, moved=set()) == [0, 6, 12]
    assert part_bounds(12, count=2, moved={3, 4, 9}) == [0, 3, 5, 6, 9, 10, 12]
    assert part_bounds(12, count=1, moved=set(range(12))) == [0, 12]
    assert part_bounds(1, count=5, moved={0}) == [0, 1]


def test_a_part_without_a_mask_has_no_anchor() -> None:
    assert places(candidates(0.3, 0, 0, 0), length=4, count=2) == [0]
    assert places(candidates(0), length=1, count=3) == []
    # Found, though nothing agrees: better than none.
    assert places({0: Candidate.of(box(0, 0), box(0, 0), 0.0)}, length=1, count=1) == [0]


def test_a_part_without_a_mask_that_is_good_enough_has_no_anchor() -> None:
    given = candidates(0.2, 0.9, 0.3, 0.5, 0.4, 0.8)
    for least_worth, expected in ((0.8, [1, 5]), (0.81, [1]), (0.91, [])):
        found = choose_anchors(given, [0, 3, 6], least_worth=least_worth)
        assert [one.place for one in found] == expected


def test_more_parts_than_frames() -> None:
    assert places(candidates(0.5, 0.6), length=2, count=5) == [0, 1]


def test_the_innermost_point() -> None:
    mask = box(4, 8, 11, 31)
    mask[9, 50] = True  # a speck
    ((x, y),) = innermost_point(mask).foreground.xy
    assert (y, 13 <= x <= 33) == (pytest.approx(9, abs=1), True)
    ((x, y),) = innermost_point(np.ones((21, 21), bool)).foreground.xy  # fills the frame
    assert (x, y) == (pytest.approx(10.5, abs=1), pytest.approx(10.5, abs=1))
    ((x, y),) = innermost_point(box(3, 5, 1, 1)).foreground.xy
    assert (int(x), int(y)) == (5, 3)


class Answers:
    """A backend that says what it was told to, and remembers what it was asked."""

    def __init__(self, mask: np.ndarray) -> None:
        self.mask = mask
        self.asked: list = []

    def masks(self, image, prompts, *, background=None):
        self.asked += prompts
        return [MaskResult(self.mask, 0.9)]


def test_a_mask_is_sharpened_unless_it_becomes_another() -> None:
    frame, mask = np.zeros((40, 60, 3), np.uint8), box(5, 5)
    near, far = Answers(box(5, 6)), Answers(box(20, 30))
    found = sharpened(near, frame, mask, score=0.6, least_agreement=0.5, reach=0.1)
    assert np.array_equal(found.masks.unpacked(), [mask, near.mask])
    assert found.worth == pytest.approx(0.6 * 90 / 110)
    for least in (0.5, 0.0):
        found = sharpened(far, frame, mask, score=0.6, least_agreement=least, reach=0.1)
        assert np.array_equal(found.masks.unpacked(), [mask, mask])
        assert found.worth == 0
    (prompt,) = near.asked
    assert np.array_equal(prompt.previous, mask)
    ((x, y),) = prompt.points.foreground.xy
    assert mask[int(y), int(x)]


def test_what_sharpening_adds_far_away_is_left_out() -> None:
    frame, mask = np.zeros((40, 60, 3), np.uint8), box(5, 5)
    elsewhere = Answers(box(5, 5, 10, 30) | box(30, 40, 2, 2))
    for reach, width in ((0.0, 10), (0.3, 13), (10.0, 30)):
        found = sharpened(elsewhere, frame, mask, score=1.0, least_agreement=0.2, reach=reach)
        near = box(5, 5, 10, width)
        assert np.array_equal(found.sharp, near | box(30, 40, 2, 2) if reach > 1 else near)
        assert found.worth == pytest.approx(100 / 304)  # it did not agree, for all that


def test_nouns_that_share_pixels_do_not_compete() -> None:
    anchors = {
        0: [Anchor(0, box(0, 0, 20, 20))],
        1: [Anchor(0, box(0, 0, 8, 8))],  # on the first
        2: [Anchor(10, box(25, 30))],
        3: [Anchor(0, box(19, 0, 10, 10))],  # touches the first in a tenth of itself
    }
    assert groups_without_overlap(anchors) == [[0, 2, 3], [1]]
    assert groups_without_overlap({}) == []
