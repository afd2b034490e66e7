"""Points along a trace."""

import numpy as np
import pytest

from pointvos.pseudomask.traces import points_along


def test_the_middles_of_pieces_of_equal_length() -> None:
    corner = np.array([[0, 0], [6, 0], [6, 2]], np.float32)

    assert points_along(corner, 4).tolist() == [[1, 0], [3, 0], [5, 0], [6, 1]]
    assert points_along(corner, 1).tolist() == [[4, 0]]


def test_a_mouse_that_rests_adds_no_weight() -> None:
    moving = np.array([[0, 0], [8, 0]], np.float32)
    resting = np.concatenate([moving[:1], np.full((50, 2), (2, 0), np.float32), moving[1:]])

    np.testing.assert_allclose(points_along(resting, 3), points_along(moving, 3))


def test_a_trace_that_stays_where_it_is() -> None:
    assert points_along(np.full((3, 2), 5, np.float32), 2).tolist() == [[5, 5], [5, 5]]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_all_points_lie_on_the_path(count: int) -> None:
    rng = np.random.default_rng(count)
    path = rng.uniform(0, 50, (20, 2)).astype(np.float32)

    for x, y in points_along(path, count):
        start, end = path[:-1], path[1:]
        along = ((np.array([x, y]) - start) * (end - start)).sum(1)
        along = np.clip(along / ((end - start) ** 2).sum(1), 0, 1)[:, None]
        assert np.hypot(*(start + along * (end - start) - (x, y)).T).min() < 1e-3
