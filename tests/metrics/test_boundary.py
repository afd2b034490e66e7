"""Boundary pixels and the disk around them, against a plain numpy / scipy spelling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from pointvos.core.errors import InputError
from pointvos.metrics.boundary import boundary_map, boundary_radius, pack_bits, spread_bits

masks = st.tuples(st.integers(1, 24), st.integers(1, 24)).flatmap(
    lambda shape: arrays(np.bool_, shape)
)


def spelled_out_boundary(mask):
    """The definition of DAVIS, neighbour by neighbour."""
    height, width = mask.shape
    boundary = np.zeros_like(mask)
    for y in range(height):
        for x in range(width):
            below, right = y + 1 < height, x + 1 < width
            if below and right:
                neighbours = [mask[y, x + 1], mask[y + 1, x], mask[y + 1, x + 1]]
            elif right:
                neighbours = [mask[y, x + 1]]
            elif below:
                neighbours = [mask[y + 1, x]]
            else:
                neighbours = []
            boundary[y, x] = any(neighbour != mask[y, x] for neighbour in neighbours)
    return boundary


def disk(radius):
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return x**2 + y**2 <= radius**2


def spread(mask, radius):
    """`spread_bits` from mask to mask."""
    height, width = mask.shape
    stride = width + radius
    bits = spread_bits(pack_bits(mask, stride), stride, radius)
    pixels = [[bits >> (y * stride + x) & 1 for x in range(width)] for y in range(height)]
    return np.array(pixels, dtype=np.bool_).reshape(height, width)


@given(masks)
def test_boundary_is_the_definition_of_davis(mask):
    np.testing.assert_array_equal(boundary_map(mask), spelled_out_boundary(mask))


def test_boundary_of_a_transposed_mask_needs_no_copy():
    mask = np.zeros((20, 30), dtype=np.bool_, order="F")
    mask[5:9, 7:20] = True
    np.testing.assert_array_equal(boundary_map(mask), spelled_out_boundary(mask))


@given(masks, st.integers(0, 12))
def test_spread_is_dilation_by_a_disk(mask, radius):
    np.testing.assert_array_equal(
        spread(mask, radius), ndimage.binary_dilation(mask, structure=disk(radius))
    )


@pytest.mark.parametrize("radius", [1, 2, 8, 18])
def test_a_single_pixel_spreads_to_the_disk_itself(radius):
    mask = np.zeros((2 * radius + 1, 2 * radius + 1), dtype=np.bool_)
    mask[radius, radius] = True
    np.testing.assert_array_equal(spread(mask, radius), disk(radius))


@pytest.mark.parametrize(
    ("height", "width", "bound_th", "radius"),
    [
        (480, 854, 0.008, 8),  # 7.84 rounded up
        (1080, 1920, 0.008, 18),
        (50, 70, 0.008, 1),
        (30, 40, 0.02, 1),  # exactly 1
        (480, 854, 0, 0),
        (480, 854, 1, 1),  # from 1 on: pixels
        (480, 854, 5.0, 5),
    ],
)
def test_radius(height, width, bound_th, radius):
    assert boundary_radius(height, width, bound_th) == radius


@pytest.mark.parametrize("bound_th", [-0.1, 1.5])
def test_radius_refuses_what_is_neither_fraction_nor_pixels(bound_th):
    with pytest.raises(InputError, match=f"found {bound_th}"):
        boundary_radius(480, 854, bound_th)
