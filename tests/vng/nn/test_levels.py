"""Positions and geometry of levels: where padding lies, and that it moves nothing else."""

import math

import pytest
import torch

from vng.nn.encoder import joined_padding, reference_points
from vng.nn.levels import inside, pyramid_levels
from vng.nn.positions import map_encoding, word_encoding

STRIDES = (4, 8, 16, 32, 64)


def test_the_slowest_wave_turns_once_along_a_side() -> None:
    position = map_encoding(torch.ones(1, 4, 8, dtype=torch.bool), 8).reshape(4, 8, 8)
    y = (torch.arange(4) + 0.5) / 4 * 2 * math.pi
    x = (torch.arange(8) + 0.5) / 8 * 2 * math.pi
    torch.testing.assert_close(position[:, 3, 0], y.sin(), atol=1e-5, rtol=0)
    torch.testing.assert_close(position[:, 3, 1], y.cos(), atol=1e-5, rtol=0)
    torch.testing.assert_close(position[2, :, 4], x.sin(), atol=1e-5, rtol=0)
    torch.testing.assert_close(position[2, :, 6], (x / 100).sin(), atol=1e-5, rtol=0)


def test_words_are_placed_from_first_to_last() -> None:
    valid = torch.tensor([[True, True, False], [True, True, True]])
    position = word_encoding(valid, 4)
    whole_turn = torch.tensor([[0.5, 1.0], [1 / 3, 2 / 3]]) * 2 * math.pi
    torch.testing.assert_close(position[:, :2, 0], whole_turn.sin(), atol=1e-5, rtol=0)
    torch.testing.assert_close(position[:, :2, 1], whole_turn.cos(), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(64, 128), (50, 75), (1, 1)])
def test_sides_are_rounded_up_and_nothing_is_padded(height: int, width: int) -> None:
    sizes = torch.tensor([[height, width]])
    levels = pyramid_levels(sizes, height, width, strides=STRIDES, channels=8)
    for level, stride in zip(levels, STRIDES, strict=True):
        assert level.shape == (math.ceil(height / stride), math.ceil(width / stride))
        assert level.padding_BS is None
        assert level.valid_B2.tolist() == [[1, 1]]
    assert joined_padding(levels) is None


def test_padding_moves_no_position() -> None:
    """Sides that are multiples of all strides, so that levels are cut where the image is."""
    alone = pyramid_levels(torch.tensor([[64, 128]]), 64, 128, strides=STRIDES, channels=8)
    sizes = torch.tensor([[64, 128], [192, 192]])
    padded = pyramid_levels(sizes, 192, 192, strides=STRIDES, channels=8)
    for one, other in zip(padded, alone, strict=True):
        (height, width), (rows, columns) = one.shape, other.shape
        assert one.padding_BS is not None
        image = ~one.padding_BS[0].reshape(height, width)
        assert image[:rows, :columns].all()
        assert image.sum() == rows * columns
        assert not one.padding_BS[1].any()
        torch.testing.assert_close(one.valid_B2, torch.tensor([[2 / 3, 1 / 3], [1, 1]]))
        position = one.position_BSC[0].reshape(height, width, -1)[:rows, :columns]
        expected = other.position_BSC[0].reshape(rows, columns, -1)
        torch.testing.assert_close(position, expected, atol=1e-4, rtol=0)


def test_reference_points_are_the_same_places_of_the_image_on_all_levels() -> None:
    levels = pyramid_levels(torch.tensor([[50, 75]]), 64, 96, strides=STRIDES[1:], channels=8)
    points = reference_points(levels)
    assert points.shape == (1, sum(h * w for h, w in (x.shape for x in levels)), 4, 2)
    valid = torch.stack([level.valid_B2 for level in levels], dim=1)
    of_image = points / valid[:, None]
    torch.testing.assert_close(of_image, of_image[:, :, :1].expand_as(points))
    # The first pixel of the finest level lies half a pixel from the corner.
    torch.testing.assert_close(points[0, 0, 0], torch.tensor([0.5 / 12, 0.5 / 8]))


def test_inside_is_the_upper_left_part() -> None:
    mask = inside(torch.tensor([[1, 3], [2, 2]]), 2, 3)
    assert mask.int().tolist() == [[[1, 1, 1], [0, 0, 0]], [[1, 1, 0], [1, 1, 0]]]
