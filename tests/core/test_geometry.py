"""The coordinate convention: maps of positions, and that images follow the same map."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvos.core.geometry import (
    compose,
    horizontal_flip,
    inside,
    pixel_centres,
    pixels_at,
    rasterise,
    scaling,
    transform,
    translation,
    warp,
)

pixel_lists = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 4000)), max_size=20)
factors = st.floats(0.2, 5.0)
offsets = st.floats(-200.0, 200.0)


@given(pixel_lists)
def test_pixels_come_back_from_their_centres(pixels):
    array = np.array(pixels, dtype=np.int64).reshape(-1, 2)
    assert np.array_equal(pixels_at(pixel_centres(array)), array)


@given(factors, factors, offsets, offsets)
def test_a_map_and_its_inverse_cancel(x_factor, y_factor, x, y):
    there = compose(scaling(x_factor, y_factor), translation(x, y))
    back = compose(translation(-x, -y), scaling(1 / x_factor, 1 / y_factor))
    xy = np.array([[0.5, 0.5], [100.25, 7.75]], dtype=np.float32)
    assert np.allclose(transform(transform(xy, there), back), xy, atol=1e-2)


def test_compose_applies_the_first_map_first():
    xy = np.array([[1.0, 1.0]], dtype=np.float32)
    both = compose(scaling(2, 2), translation(10, 0))
    assert transform(xy, both).tolist() == [[12.0, 2.0]]


@pytest.mark.parametrize(
    ("xy", "expected"),
    [
        ((0.0, 0.0), True),
        ((63.99, 47.99), True),
        ((64.0, 10.0), False),  # the right border belongs to the next pixel
        ((10.0, 48.0), False),
        ((-0.01, 10.0), False),
        ((np.nan, 10.0), False),
    ],
)
def test_inside_is_half_open(xy, expected):
    assert inside(np.array([xy], dtype=np.float32), 48, 64).tolist() == [expected]


@pytest.mark.parametrize(
    "matrix",
    [
        scaling(0.5, 0.5),
        scaling(2.0, 3.0),
        scaling(1.37, 0.81),
        horizontal_flip(97.0),
        translation(6.0, -9.0),
        compose(
            translation(-40, -30), np.array([[0.9, -0.3, 0], [0.3, 0.9, 0]]), translation(50, 40)
        ),
    ],
    ids=["half", "double", "odd", "flip", "shift", "rotate"],
)
def test_a_warped_image_and_a_warped_point_agree(matrix):
    """The centre of mass of a bright square lands where its centre, as a point, is sent.

    Without the shift by half a pixel, scaling by s would be off by (s - 1) / 2 pixels.
    """
    height, width = 71, 97
    image = np.zeros((height, width), np.uint8)
    image[28:37, 38:51] = 255
    centre = np.array([[(38 + 51) / 2, (28 + 37) / 2]], dtype=np.float32)
    warped = warp(image, matrix, 3 * height, 3 * width).astype(np.float64)
    rows, columns = np.mgrid[: 3 * height, : 3 * width] + 0.5
    found = [(columns * warped).sum() / warped.sum(), (rows * warped).sum() / warped.sum()]
    assert np.allclose(found, transform(centre, matrix)[0], atol=0.06)


def test_the_identity_leaves_an_image_alone():
    image = np.random.default_rng(0).integers(0, 256, (12, 17, 3), dtype=np.uint8)
    assert np.array_equal(warp(image, scaling(1, 1), 12, 17), image)


def test_nearest_warp_invents_no_object_ids_and_fill_marks_the_outside():
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 7
    warped = warp(
        mask, compose(scaling(1.7, 1.3), translation(8, 3)), 40, 50, nearest=True, fill=255
    )
    assert set(np.unique(warped).tolist()) == {0, 7, 255}


def test_rasterised_points_are_single_pixels_and_those_outside_leave_no_trace():
    xy = np.array([[3.9, 2.1], [3.0, 2.9], [-0.5, 2.0], [8.0, 1.0]], dtype=np.float32)
    mask = rasterise(xy, height=6, width=8)
    assert mask.dtype == bool
    assert np.argwhere(mask).tolist() == [[2, 3]]


def test_a_radius_draws_disks_that_the_border_cuts():
    mask = rasterise(np.array([[0.5, 0.5], [20.5, 20.5]], dtype=np.float32), 40, 40, radius=3)
    rows, columns = np.nonzero(mask)
    distance = np.minimum(np.hypot(rows, columns), np.hypot(rows - 20, columns - 20))
    assert distance.max() <= 3.5
    assert mask[20, 20]
    assert mask[17, 20]
    assert mask[0, 0]
