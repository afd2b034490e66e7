"""Masks at one bit a pixel."""

import numpy as np
import pytest

from vng.inference.packed_masks import PackedMasks


@pytest.mark.parametrize("shape", [(1, 1), (5, 8), (3, 4, 17), (0, 4, 9)])
def test_nothing_changes(shape: tuple[int, ...]) -> None:
    masks = np.random.default_rng(0).random(shape) < 0.5
    packed = PackedMasks.of(masks)
    assert packed.rows.nbytes <= masks[..., ::8].size
    assert packed.unpacked().dtype == bool
    assert np.array_equal(packed.unpacked(), masks)
