"""The baselines on videos whose answer is known."""

import numpy as np
import pytest

from pointvos.benchmark.baselines import HullBaseline, NearestColourBaseline, hull_of
from pointvos.benchmark.nearest_feature import LastFrame, NearestFeatureBaseline
from pointvos.core.points import PointLabel, Points
from tests.benchmark.coloured_squares import COLOURS, GREEN_COMES_LATE, RED, RED_AND_BLUE
from tests.tiny_datasets import HEIGHT, WIDTH

FOREGROUND, BACKGROUND = PointLabel.FOREGROUND, PointLabel.BACKGROUND


def foreground(*pixels):
    return Points.from_pixels(pixels, [FOREGROUND] * len(pixels))


def picture(mask):
    palette = np.zeros((256, 3), np.uint8)
    for object_id, colour in COLOURS.items():
        palette[object_id] = colour
    return palette[mask]


def iou(found, mask, object_id):
    ours, truth = found == object_id, mask == object_id
    return (ours & truth).sum() / (ours | truth).sum()


@pytest.mark.parametrize(
    ("pixels", "drawn"),
    [
        ([(3, 4)], 1),
        ([(3, 4), (9, 4)], 7),
        ([(9, 4), (3, 4), (5, 4)], 7),
        ([(2, 2), (6, 2), (6, 6), (2, 6), (4, 4)], 25),
    ],
    ids=["a pixel", "a line", "points on a line", "a square"],
)
def test_hull(pixels, drawn):
    hull = hull_of(foreground(*pixels), HEIGHT, WIDTH)
    assert hull.dtype == np.bool_
    assert hull.sum() == drawn
    assert all(hull[y, x] for x, y in pixels)


def test_hull_is_of_foreground_points_inside_the_frame():
    labels = [FOREGROUND, FOREGROUND, BACKGROUND]
    points = Points.from_pixels([(3, 4), (900, 4), (30, 30)], labels)
    assert np.argwhere(hull_of(points, HEIGHT, WIDTH)).tolist() == [[4, 3]]


def test_hull_baseline_carries_the_hull_unchanged():
    tracker = HullBaseline()
    frames = [picture(mask) for mask in RED_AND_BLUE]
    assert not tracker.step(frames[0]).any()
    first = tracker.step(frames[1], {2: foreground((5, 5), (9, 5), (9, 9), (5, 9))})
    assert set(np.unique(first)) == {0, 2}
    second = tracker.step(frames[2], {1: foreground((9, 9), (12, 9))})
    assert second[5, 5] == 2
    assert second[9, 9] == 1  # the later object is drawn over the earlier one
    np.testing.assert_array_equal(tracker.step(frames[3]), second)


def test_hull_baseline_carries_a_mask():
    tracker = HullBaseline()
    tracker.step(picture(RED[0]), {1: RED[0] == 1})
    np.testing.assert_array_equal(tracker.step(picture(RED[1])), RED[0])


def test_where_hulls_overlap_the_lower_id_has_the_pixel():
    square = foreground((5, 5), (9, 5), (9, 9), (5, 9))
    found = HullBaseline().step(picture(RED[0]), {3: square, 2: square, 4: foreground((5, 5))})
    assert set(np.unique(found)) == {0, 2}


def test_nearest_colour_follows_what_looks_like_the_points():
    tracker = NearestColourBaseline()
    assert not tracker.step(picture(RED_AND_BLUE[0])).any()
    given = {
        1: foreground((9, 8)),
        2: foreground((40, 33), (38, 31)),
    }
    for index, mask in enumerate(RED_AND_BLUE[1:]):
        found = tracker.step(picture(mask), given if index == 0 else None)
        assert found.dtype == np.uint8
        assert iou(found, mask, 1) > 0.95
        assert iou(found, mask, 2) > 0.95


def test_nearest_colour_takes_up_late_objects():
    tracker = NearestColourBaseline()
    tracker.step(picture(GREEN_COMES_LATE[0]), {1: GREEN_COMES_LATE[0] == 1})
    found = tracker.step(picture(GREEN_COMES_LATE[1]))
    np.testing.assert_array_equal(found, GREEN_COMES_LATE[1])
    tracker.step(picture(GREEN_COMES_LATE[2]), {5: foreground((37, 33))})
    found = tracker.step(picture(GREEN_COMES_LATE[3]))
    np.testing.assert_array_equal(found, GREEN_COMES_LATE[3])


def half_textured(height=96, width=128):
    """Vertical stripes on the left half, smooth noise on the right."""
    rng = np.random.default_rng(0)
    noise = np.kron(rng.integers(80, 180, (12, 16, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    noise[:, : width // 2] = ((np.arange(width // 2) // 4 % 2) * 255)[None, :, None]
    return noise


@pytest.mark.parametrize("as_mask", [False, True])
def test_nearest_feature_finds_the_texture_of_the_object_elsewhere(as_mask):
    frame = half_textured()
    mask = np.zeros(frame.shape[:2], np.bool_)
    mask[16:80, 8:56] = True
    given = mask if as_mask else foreground((30, 48), (20, 30), (40, 70), (30, 20))
    tracker = NearestFeatureBaseline(LastFrame())
    assert not tracker.step(frame).any()
    tracker.step(frame, {3: given})
    found = tracker.step(np.ascontiguousarray(frame[:, ::-1]))
    assert set(np.unique(found)) <= {0, 3}
    assert (found[:, 80:] == 3).mean() > 0.3
    assert (found[:, :48] == 3).mean() < 0.1


def test_last_frame_describes_each_frame_once(monkeypatch):
    described = []

    def count(frame):
        described.append(frame)
        return real(frame)

    import pointvos.benchmark.nearest_feature as module

    real = module.describe
    monkeypatch.setattr(module, "describe", count)
    last_frame = LastFrame()
    trackers = [NearestFeatureBaseline(last_frame) for _ in range(3)]
    for _ in range(2):
        frame = half_textured()
        for tracker in trackers:
            tracker.step(frame, {1: foreground((30, 48))})
    assert len(described) == 2
