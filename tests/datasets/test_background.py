"""Clips whose points lie on the background."""

import numpy as np

from pointvos.datasets.augment import WarpedFrame
from pointvos.datasets.background import CLEARANCE, on_background
from pointvos.datasets.samples import UNKNOWN

SIZE = 96


def frame_with(index: np.ndarray, points: dict[tuple[float, float], int]) -> WarpedFrame:
    return WarpedFrame(
        rgb=np.zeros((SIZE, SIZE, 3), np.uint8),
        index=index.astype(np.uint8),
        xy=np.array(list(points), np.float32).reshape(-1, 2),
        classes=np.array(list(points.values()), np.int64),
    )


def with_squares() -> np.ndarray:
    index = np.zeros((SIZE, SIZE), np.uint8)
    index[10:40, 10:40], index[60:80, 50:90], index[:4] = 1, 2, UNKNOWN
    return index


def test_a_disk_clear_of_the_objects_is_the_object() -> None:
    index = with_squares()
    for seed in range(20):
        swapped = on_background([frame_with(index, {})] * 2, np.random.default_rng(seed))
        assert swapped is not None
        first, second = (frame.index for frame in swapped)
        patch = np.argwhere(first == 1)
        taken = np.argwhere(index > 0)
        apart = np.linalg.norm(patch[:, None] - taken[None], axis=2).min()
        assert len(patch)
        assert apart > CLEARANCE - 1
        np.testing.assert_array_equal(first == 0, (index == 1) | (index == 2))
        np.testing.assert_array_equal(second == 0, (index == 1) | (index == 2))
        assert set(np.unique(second)) == {0, UNKNOWN}


def test_one_background_point_is_the_object_where_there_are_points_alone() -> None:
    unknown = np.full((SIZE, SIZE), UNKNOWN)
    clip = [
        frame_with(unknown, {(5.5, 5.5): 1, (30.5, 5.5): 0, (40.5, 5.5): 0, (9.5, 9.5): 2}),
        frame_with(unknown, {(6.5, 5.5): 1, (31.5, 5.5): 0}),
    ]
    chosen = set()
    for seed in range(20):
        swapped = on_background(clip, np.random.default_rng(seed))
        assert swapped is not None
        first = {
            (float(x), float(y)): int(c)
            for (x, y), c in zip(swapped[0].xy, swapped[0].classes, strict=True)
        }
        one = [place for place, kind in first.items() if kind == 1]
        assert len(one) == 1
        chosen.update(one)
        assert {place: kind for place, kind in first.items() if kind != 1} == {
            (5.5, 5.5): 0,
            (9.5, 9.5): 0,
        }
        assert swapped[1].xy.tolist() == [[6.5, 5.5]]
        assert swapped[1].classes.tolist() == [0]
        assert (swapped[0].index == UNKNOWN).all()
    assert chosen == {(30.5, 5.5), (40.5, 5.5)}


def test_no_room_gives_none_and_the_clip_is_left_as_it_was() -> None:
    full = np.ones((SIZE, SIZE))
    rng = np.random.default_rng(0)
    assert on_background([frame_with(full, {})], rng) is None
    assert on_background([frame_with(np.full((SIZE, SIZE), UNKNOWN), {(5.5, 5.5): 1})], rng) is None
    index = with_squares()
    clip = [frame_with(index, {})]
    on_background(clip, rng)
    np.testing.assert_array_equal(clip[0].index, with_squares())
