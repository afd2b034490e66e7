"""What predictions are compared with: thinned masks, presence, tiny objects."""

import pytest
import torch

from vng.losses.targets import Targets, thinned_masks


def one_mask(height: int, width: int) -> torch.Tensor:
    return torch.zeros(1, 1, 1, height, width, dtype=torch.bool)


def test_the_third_pixel_of_four_stands_for_them() -> None:
    masks = one_mask(8, 12)
    masks[..., 2, 6] = masks[..., 3, 3] = masks[..., 0, 8] = True
    assert thinned_masks(masks, 2, 3)[0, 0, 0].tolist() == [[0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("row", range(8))
@pytest.mark.parametrize("column", [0, 5, 11])
def test_an_object_of_one_pixel_stays(row: int, column: int) -> None:
    masks = one_mask(8, 12)
    masks[..., row, column] = True
    thinned = thinned_masks(masks, 2, 3)[0, 0, 0]
    assert thinned.sum() == 1
    assert thinned[row // 4, column // 4] == 1


def test_sides_that_are_no_multiples_of_four_are_padded() -> None:
    masks = one_mask(10, 13)
    masks[..., :, :] = True
    thinned = thinned_masks(masks, 3, 4)[0, 0, 0]
    assert thinned.tolist() == [[1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("size", [(2, 4), (4, 4), (3, 5)])
def test_other_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"expected masks .* found 10x13"):
        thinned_masks(one_mask(10, 13), *size)


def test_an_object_is_present_where_it_is_known_to_be() -> None:
    masks = torch.zeros(1, 2, 2, 8, 8, dtype=torch.bool)
    masks[0, :, 0, 3, 3] = True
    known = torch.tensor([[[True, True], [False, True]]])
    targets = Targets.of_masks(masks, known, torch.tensor([[8, 8]]))
    assert targets.present_BNT.tolist() == [[[True, False], [False, False]]]
    assert targets.boxes_BNT4[0, 0].tolist() == [[3 / 8, 3 / 8, 0, 0], [0, 0, 0, 0]]
