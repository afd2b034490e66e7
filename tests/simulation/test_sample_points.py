"""Random points: inside, apart, as many as fit, and uniformly distributed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from pointvos.simulation.sample_points import sample_points


def rng(seed=0):
    return np.random.default_rng(seed)


def room_left(mask, points, min_distance):
    """How many pixels of the mask could still be added."""
    rows, columns = np.nonzero(mask)
    squared = ((np.stack([columns, rows], 1)[:, None] - points[None]) ** 2).sum(-1)
    return int((squared.min(1) >= max(min_distance**2, 1)).sum())


@st.composite
def masks(draw):
    """Blobs, bars and specks of up to 60 x 60 pixels."""
    height, width = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    noise = rng(draw(st.integers(0, 10**6))).random((height, width))
    mask = noise < draw(st.sampled_from([0.01, 0.3, 1.0]))
    mask[:, draw(st.integers(1, width)) :] = False
    return mask


@settings(max_examples=80, deadline=None)
@given(masks(), st.integers(1, 12), st.sampled_from([0.0, 1.0, 5.0, 20.0]), st.integers(0, 9))
def test_points_are_inside_apart_and_leave_no_room(mask, count, min_distance, seed):
    points = sample_points(mask, count, min_distance=min_distance, rng=rng(seed))
    assert points.dtype == np.int64
    assert points.shape[1] == 2
    assert mask[points[:, 1], points[:, 0]].all()
    assert len(points) <= count
    if len(points) > 1:
        assert pdist(points).min() >= max(min_distance, 1.0)
    if mask.any() and len(points) < count:
        assert room_left(mask, points, min_distance) == 0


def test_exactly_the_distance_is_far_enough():
    """ "At least 20 pixels apart" (paper, section 3.1): both ends of 21 pixels in a row."""
    mask = np.zeros((3, 40), bool)
    mask[1, 10] = mask[1, 30] = True
    assert len(sample_points(mask, 10, rng=rng())) == 2
    mask[1, 30], mask[1, 29] = False, True
    assert len(sample_points(mask, 10, rng=rng())) == 1


def largest_packing(mask, min_distance):
    """The true maximum, by trying every subset (a handful of pixels)."""
    rows, columns = np.nonzero(mask)
    pixels = np.stack([columns, rows], 1)
    near = ((pixels[:, None] - pixels[None]) ** 2).sum(-1) < min_distance**2

    def grow(allowed):
        if not len(allowed):
            return 0
        first, rest = allowed[0], allowed[1:]
        return max(1 + grow(rest[~near[first, rest]]), grow(rest))

    return grow(np.arange(len(pixels)))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_a_handful_of_pixels_is_used_to_the_full(seed):
    mask = np.zeros((60, 60), bool)
    mask.flat[rng(seed).choice(mask.size, 12, replace=False)] = True
    found = sample_points(mask, 12, rng=rng(seed))
    assert len(found) == largest_packing(mask, 20.0)


@pytest.mark.parametrize(
    ("height", "width", "most"),
    [(1, 81, 5), (1, 80, 4), (1, 190, 10), (3, 21, 2), (21, 21, 4), (41, 41, 9), (1, 1, 1)],
)
@pytest.mark.parametrize("seed", range(3))
def test_small_shapes_are_packed(height, width, most, seed):
    """The most that fit (known packings), or at most one fewer; one random pass finds far fewer."""
    points = sample_points(np.ones((height, width), bool), 10, rng=rng(seed))
    assert most - 1 <= len(points) <= most


def test_a_bar_is_swept_to_its_exact_capacity():
    for seed in range(5):
        points = sample_points(np.ones((1, 81), bool), 10, rng=rng(seed))
        assert sorted(points[:, 0].tolist()) == [0, 20, 40, 60, 80]


def test_packed_points_are_in_random_order_too():
    first = {sample_points(np.ones((1, 81), bool), 10, rng=rng(s))[0, 0] for s in range(20)}
    assert len(first) >= 4


def test_the_draw_depends_on_the_generator_only():
    mask = np.ones((100, 120), bool)
    first = sample_points(mask, rng=rng(3))
    assert np.array_equal(first, sample_points(mask, rng=rng(3)))
    assert not np.array_equal(first, sample_points(mask, rng=rng(4)))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_fewer_points_are_the_first_of_more(count):
    mask = np.ones((200, 200), bool)
    few = sample_points(mask, count, rng=rng(7))
    assert np.array_equal(few, sample_points(mask, 10, rng=rng(7))[:count])


def test_single_points_are_uniform():
    """Every quarter of the mask gets its share: 4 x 500 draws, five standard deviations."""
    mask = np.ones((64, 64), bool)
    drawn = np.concatenate([sample_points(mask, 1, rng=rng(seed)) for seed in range(2000)])
    counts = np.bincount((drawn[:, 0] >= 32) * 2 + (drawn[:, 1] >= 32), minlength=4)
    assert abs(counts - 500).max() < 5 * np.sqrt(2000 * 0.25 * 0.75)


@pytest.mark.parametrize("count", [0, -1])
def test_no_points_where_none_are_asked_for(count):
    assert sample_points(np.ones((5, 5), bool), count, rng=rng()).shape == (0, 2)


def test_an_empty_mask_gives_no_points():
    assert sample_points(np.zeros((5, 5), bool), 10, rng=rng()).shape == (0, 2)
