"""Words of place that are true of one object among several."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vng.data.places import Extent, extent, true_places


def box(left: float, top: float, right: float, bottom: float) -> Extent:
    area = round(10_000 * (right - left) * (bottom - top))
    return Extent(((left + right) / 2, (top + bottom) / 2), (left, top), (right, bottom), area)


def test_extent_of_a_mask() -> None:
    mask = np.zeros((10, 20), bool)
    mask[2:4, 5:15] = True
    found = extent(mask)
    assert found.centre == pytest.approx((0.5, 0.3))
    assert found.low == (0.25, 0.2)
    assert found.high == (0.75, 0.4)
    assert found.area == 20
    with pytest.raises(ValueError, match="expected a mask with an object, found an empty one"):
        extent(np.zeros((3, 3), bool))


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([box(0, 0.4, 0.2, 0.6)], [[]]),  # alone, there is nothing to tell it from
        ([box(0.1, 0.4, 0.3, 0.6), box(0.6, 0.4, 0.8, 0.6)], [["left"], ["right"]]),
        ([box(0.6, 0.4, 0.8, 0.6), box(0.1, 0.4, 0.3, 0.6)], [["right"], ["left"]]),
        ([box(0.4, 0.1, 0.6, 0.3), box(0.4, 0.6, 0.6, 0.8)], [["top"], ["bottom"]]),
        ([box(0.4, 0.4, 0.6, 0.6), box(0.45, 0.45, 0.65, 0.65)], [[], []]),  # too near
        # Farther left by its centre, but the box of the other starts before it.
        ([box(0.1, 0.1, 0.3, 0.3), box(0.0, 0.1, 0.9, 0.3)], [["small"], ["large"]]),
        (
            [box(0.0, 0.4, 0.2, 0.6), box(0.4, 0.4, 0.6, 0.6), box(0.8, 0.4, 1.0, 0.6)],
            [["left"], ["middle"], ["right"]],
        ),
        (  # two on the left, so that neither is the leftmost and none in the middle
            [box(0.0, 0.4, 0.2, 0.6), box(0.05, 0.4, 0.25, 0.6), box(0.8, 0.4, 1.0, 0.6)],
            [[], [], ["right"]],
        ),
    ],
)
def test_places(objects: list[Extent], expected: list[list[str]]) -> None:
    assert true_places(objects) == expected


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 8)] * 2, *[st.integers(1, 4)] * 2), min_size=2, max_size=6)
)
def test_a_place_is_true_of_one_object_alone(boxes: list[tuple[int, int, int, int]]) -> None:
    objects = [
        box(x / 12, y / 12, (x + width) / 12, (y + height) / 12) for x, y, width, height in boxes
    ]
    found = true_places(objects)
    named = [place for places in found for place in places]
    assert len(named) == len(set(named))
    for one, places in zip(objects, found, strict=True):
        others = [other for other in objects if other is not one]
        if "left" in places:
            assert all(one.centre[0] < other.centre[0] for other in others)
        if "bottom" in places:
            assert all(one.high[1] >= other.high[1] for other in others)
        if "large" in places:
            assert all(one.area > other.area for other in others)
