"""Masks of smaller pictures: half covered is covered, and nothing vanishes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvos.visualize.smaller_mask import smaller_mask


def test_a_pixel_that_is_covered_by_half_is_of_the_mask():
    mask = np.zeros((4, 8), bool)
    mask[:2, :2] = True  # a whole pixel of the smaller mask
    mask[:2, 4] = True  # a half
    mask[2, 0] = True  # a quarter

    assert smaller_mask(mask, 2, 4).tolist() == [
        [True, False, True, False],
        [False, False, False, False],
    ]


def test_a_mask_that_covers_no_pixel_by_half_stays_where_it_covers_most():
    mask = np.zeros((12, 12), bool)
    mask[5, 7:9] = True

    small = smaller_mask(mask, 3, 3)

    assert small.sum() in (1, 2)
    assert small[1].any()


def test_a_straight_edge_stays_straight():
    mask = np.zeros((480, 854), bool)
    mask[300:] = True

    small = smaller_mask(mask, 360, 640)

    assert (small.sum(axis=0) == small.sum(axis=0)[0]).all()


@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_never_empty_where_the_mask_is_not(height, width, tall, wide, density, seed):
    mask = np.random.default_rng(seed).random((height, width)) < density
    size = max(1, round(height * tall)), max(1, round(width * wide))

    small = smaller_mask(mask, *size)

    assert small.shape == size
    assert small.dtype == np.bool_
    assert small.any() == mask.any()
    assert small.all() or not mask.all()


@pytest.mark.parametrize("value", [True, False])
def test_the_same_size_is_a_copy(value):
    mask = np.full((5, 6), value)
    small = smaller_mask(mask, 5, 6)
    assert (small == mask).all()
    assert small is not mask
