"""Pasted distractors: points follow pixels, slots stay apart."""

import numpy as np

from pointvos.datasets.augment import WarpedFrame
from pointvos.datasets.paste import half_planes, keep_slots, object_region, paste_clip
from pointvos.datasets.samples import UNKNOWN

SIZE = 16


def frame(color: int, index: np.ndarray, points: dict[tuple[float, float], int]) -> WarpedFrame:
    return WarpedFrame(
        rgb=np.full((SIZE, SIZE, 3), color, np.uint8),
        index=index.astype(np.uint8),
        xy=np.array(list(points), np.float32).reshape(-1, 2),
        classes=np.array(list(points.values()), np.int64),
    )


def index_with(**squares: tuple[int, int, int]) -> np.ndarray:
    index = np.zeros((SIZE, SIZE), np.uint8)
    for name, (left, top, side) in squares.items():
        index[top : top + side, left : left + side] = int(name[1:])
    return index


def classes_at(warped: WarpedFrame) -> dict[tuple[float, float], int]:
    pairs = zip(warped.xy, warped.classes, strict=True)
    return {(float(x), float(y)): int(kind) for (x, y), kind in pairs}


def test_objects_cover_the_clip_below_and_take_their_points_along() -> None:
    base = frame(10, index_with(s1=(0, 0, 8)), {(2.5, 2.5): 1, (6.5, 6.5): 1, (14.5, 2.5): 0})
    over = frame(
        200,
        index_with(s1=(4, 4, 6), s2=(12, 12, 3)),
        {(5.5, 5.5): 1, (13.5, 13.5): 2, (1.5, 1.5): 0},
    )
    (pasted,) = paste_clip([base], [over], [object_region(over)], first_slot=2)
    assert set(np.unique(pasted.index[4:10, 4:10])) == {2}
    assert set(np.unique(pasted.index[12:15, 12:15])) == {3}
    assert set(np.unique(pasted.index[:4, :8])) == {1}
    assert set(np.unique(pasted.rgb[4:10, 4:10])) == {200}
    assert set(np.unique(pasted.rgb[:4])) == {10}
    assert classes_at(pasted) == {
        (2.5, 2.5): 1,  # of the clip below, still seen
        (14.5, 2.5): 0,
        (5.5, 5.5): 2,  # of the objects above
        (13.5, 13.5): 3,
    }


def test_the_clips_given_are_left_as_they_were() -> None:
    base, over = frame(10, index_with(s1=(0, 0, 8)), {}), frame(9, index_with(s1=(4, 4, 6)), {})
    paste_clip([base], [over], [object_region(over)], first_slot=2)
    np.testing.assert_array_equal(base.index, index_with(s1=(0, 0, 8)))
    np.testing.assert_array_equal(over.index, index_with(s1=(4, 4, 6)))


def test_unknown_pixels_are_no_object() -> None:
    over = frame(0, index_with(s255=(0, 0, 8), s1=(10, 10, 2)), {})
    region = object_region(over)
    assert region.sum() == 4
    (pasted,) = paste_clip([frame(1, index_with(), {})], [over], [np.ones_like(region)], 5)
    assert set(np.unique(pasted.index)) == {0, 5, UNKNOWN}


def test_half_planes_cover_about_half_and_move_a_little() -> None:
    rng = np.random.default_rng(0)
    shares, steps = [], []
    for _ in range(200):
        planes = half_planes(3, 64, rng)
        shares.append(planes[0].mean())
        steps.append((planes[0] != planes[1]).mean())
        assert all(plane.shape == (64, 64) for plane in planes)
    assert 0.2 < min(shares) < 0.45
    assert 0.55 < max(shares) < 0.8
    assert 0 < max(steps) < 0.15


def test_points_follow_the_half_that_shows_them() -> None:
    left = np.zeros((SIZE, SIZE), bool)
    left[:, : SIZE // 2] = True
    unknown = np.full((SIZE, SIZE), UNKNOWN)
    base = frame(1, unknown, {(2.5, 2.5): 1, (12.5, 2.5): 1, (12.5, 12.5): 0})
    over = frame(2, unknown, {(3.5, 3.5): 1, (13.5, 3.5): 1, (3.5, 12.5): 0})
    (pasted,) = paste_clip([base], [over], [left], first_slot=2)
    assert classes_at(pasted) == {(12.5, 2.5): 1, (12.5, 12.5): 0, (3.5, 3.5): 2, (3.5, 12.5): 0}
    assert set(np.unique(pasted.index)) == {UNKNOWN}


def test_kept_slots_are_renumbered_in_their_order_and_others_are_background() -> None:
    index = index_with(s1=(0, 0, 4), s2=(4, 4, 4), s3=(8, 8, 4), s255=(12, 12, 4))
    points = {(1.5, 1.5): 1, (5.5, 5.5): 2, (9.5, 9.5): 3, (15.5, 0.5): 0}
    (kept,) = keep_slots([frame(0, index, points)], [3, 1])
    expected = index_with(s2=(0, 0, 4), s1=(8, 8, 4), s255=(12, 12, 4))
    np.testing.assert_array_equal(kept.index, expected)
    assert classes_at(kept) == {(1.5, 1.5): 2, (5.5, 5.5): 0, (9.5, 9.5): 1, (15.5, 0.5): 0}
