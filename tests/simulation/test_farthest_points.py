"""Farthest-point sampling from the centre of the mask."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from pointvos.simulation.farthest_points import farthest_points


def blob(seed=0):
    mask = np.zeros((90, 120), bool)
    mask[20:70, 10:60] = True
    mask[40:50, 60:110] = True
    return mask


def test_the_first_point_is_the_centre():
    mask = np.zeros((80, 80), bool)
    rows, columns = np.mgrid[:80, :80]
    mask[(rows - 40) ** 2 + (columns - 33) ** 2 <= 20**2] = True
    assert farthest_points(mask, 1).tolist() == [[33, 40]]


def test_the_border_of_the_image_bounds_the_mask():
    assert farthest_points(np.ones((41, 61), bool), 1)[0, 1] == 20


@pytest.mark.parametrize("count", [2, 5, 10])
def test_each_point_is_the_farthest_from_those_before(count):
    mask = blob()
    points = farthest_points(mask, count)
    rows, columns = np.nonzero(mask)
    pixels = np.stack([columns, rows], 1)
    for index in range(1, count):
        distance = cdist(pixels, points[:index]).min(1)
        chosen = cdist(points[index : index + 1], points[:index]).min()
        assert chosen == pytest.approx(distance.max())


def test_fewer_points_are_the_first_of_more():
    assert np.array_equal(farthest_points(blob(), 10)[:4], farthest_points(blob(), 4))


def test_points_keep_the_distance_and_leave_no_room():
    mask = blob()
    points = farthest_points(mask, 100, min_distance=20)
    rows, columns = np.nonzero(mask)
    assert 5 < len(points) < 100
    assert pdist(points).min() >= 20
    assert cdist(np.stack([columns, rows], 1), points).min(1).max() < 20


def test_a_pixel_is_chosen_once():
    assert sorted(farthest_points(np.ones((2, 2), bool), 10).tolist()) == [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
    ]


def test_an_empty_mask_gives_no_points():
    assert farthest_points(np.zeros((5, 5), bool), 3).shape == (0, 2)
    assert farthest_points(np.ones((5, 5), bool), 0).shape == (0, 2)
