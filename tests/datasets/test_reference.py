"""What initialises the objects of a clip."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pointvos.datasets.augment import WarpedFrame
from pointvos.datasets.reference import ReferenceKind, reference_masks

SIZE = 32


def first_pixels(
    mask: NDArray[np.bool_], count: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    y, x = np.nonzero(mask)
    return np.stack([x, y], axis=1)[:count].astype(np.float32) + np.float32(0.5)


def references(
    kind: ReferenceKind, *, counts: tuple[int, ...] = (2,), radius: int = 0, seed: int = 0
) -> NDArray[np.bool_]:
    index = np.zeros((SIZE, SIZE), np.uint8)
    index[4:10, 4:10], index[20:28, 20:28] = 1, 3
    xy = np.array([[5.5, 5.5], [7.2, 6.9], [8.5, 8.5], [1.5, 1.5], [25.5, 25.5]], np.float32)
    classes = np.array([1, 1, 1, 0, 3])
    frame = WarpedFrame(np.zeros((SIZE, SIZE, 3), np.uint8), index, xy, classes)
    return reference_masks(
        frame, 3, kind, counts=counts, radius=radius, draw_points=first_pixels,
        rng=np.random.default_rng(seed),
    )  # fmt: skip


def test_masks_are_given_as_they_are() -> None:
    masks = references("mask")
    assert masks.dtype == bool
    assert masks.sum(axis=(1, 2)).tolist() == [36, 0, 64]


def test_annotated_points_are_single_pixels_under_them() -> None:
    masks = references("points", counts=(3,))
    assert {tuple(place) for place in np.argwhere(masks[0])} == {(5, 5), (6, 7), (8, 8)}
    assert not masks[1].any()
    assert np.argwhere(masks[2]).tolist() == [[25, 25]]


def test_the_number_of_points_is_drawn_from_the_counts() -> None:
    numbers = {int(references("points", counts=(1, 3), seed=seed)[0].sum()) for seed in range(20)}
    assert numbers == {1, 3}


def test_a_subset_of_the_points_is_drawn_at_random() -> None:
    chosen = {
        tuple(np.argwhere(references("points", counts=(1,), seed=seed)[0])[0]) for seed in range(40)
    }
    assert chosen == {(5, 5), (6, 7), (8, 8)}


def test_points_are_drawn_from_the_mask() -> None:
    masks = references("drawn_points", counts=(4,))
    assert masks.sum(axis=(1, 2)).tolist() == [4, 0, 4]
    assert not (masks[0] & ~references("mask")[0]).any()


@pytest.mark.parametrize(("radius", "pixels"), [(0, 1), (1, 5), (3, 29)])
def test_points_may_be_drawn_as_disks(radius: int, pixels: int) -> None:
    disk = references("points", radius=radius)[2]
    assert disk.sum() == pixels
    assert np.argwhere(disk).mean(axis=0).tolist() == [25, 25]
