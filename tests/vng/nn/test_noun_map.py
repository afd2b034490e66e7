"""The noun map: its definition, padding that does not matter, and that it learns."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vng.nn.levels import Level, pyramid_levels
from vng.nn.noun_map import PRIOR_LOGIT, NounMap

CHANNELS = 16


def levels_of(sizes: list[tuple[int, int]], height: int, width: int) -> tuple[Level, ...]:
    strides = (8, 16, 32, 64)
    return pyramid_levels(torch.tensor(sizes), height, width, strides=strides, channels=CHANNELS)


def memory_of(levels: tuple[Level, ...], frames: int) -> Tensor:
    pixels = sum(height * width for height, width in (level.shape for level in levels))
    return torch.randn(frames, pixels, CHANNELS, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def noun_map() -> NounMap:
    torch.manual_seed(0)
    return NounMap(CHANNELS)


@torch.inference_mode()
@pytest.mark.parametrize(("height", "width"), [(64, 96), (50, 75), (20, 24), (8, 8)])
def test_pixels_are_as_alike_as_three_scales_say(
    noun_map: NounMap, height: int, width: int
) -> None:
    levels = levels_of([(height, width)] * 2, height, width)
    memory_FSC, noun_FNC = memory_of(levels, 2), torch.randn(2, 3, CHANNELS)
    map_FNHW, evidence_FNC = noun_map(noun_FNC, memory_FSC, levels)
    first = 0
    sums = []
    for level, project in zip(levels, noun_map.nouns, strict=False):
        height, width = level.shape
        part_FLC = memory_FSC[:, first : first + height * width]
        first += height * width
        alike = torch.einsum("fnc,flc->fnl", project(noun_FNC), part_FLC) / CHANNELS**0.5
        sums.append(alike.unflatten(-1, (height, width)))

    def doubled(x: Tensor, shape: tuple[int, int]) -> Tensor:
        side = (2 * x.shape[-2], 2 * x.shape[-1])
        return F.interpolate(x, size=side, mode="bilinear")[..., : shape[0], : shape[1]]

    expected = sums[0] + doubled(sums[1] + doubled(sums[2], levels[1].shape), levels[0].shape)
    expected = expected + PRIOR_LOGIT
    shape = (2 * levels[0].shape[0], 2 * levels[0].shape[1])
    torch.testing.assert_close(map_FNHW, doubled(expected, shape), atol=1e-5, rtol=1e-5)

    finest_FLC = memory_FSC[:, : expected[0, 0].numel()] + levels[0].position_BSC
    looks_FNC = torch.softmax(expected.flatten(2), dim=-1) @ finest_FLC
    best_FN1 = expected.flatten(2).max(dim=-1, keepdim=True).values
    torch.testing.assert_close(
        evidence_FNC, noun_map.evidence(torch.cat([looks_FNC, best_FN1], -1)), atol=1e-5, rtol=1e-5
    )


@torch.inference_mode()
def test_evidence_is_not_looked_for_in_the_padding(noun_map: NounMap) -> None:
    levels = levels_of([(64, 96), (40, 56)], 64, 96)
    memory_FSC, noun_FNC = memory_of(levels, 2), torch.randn(2, 3, CHANNELS)
    assert levels[0].padding_BS is not None
    expected = noun_map(noun_FNC, memory_FSC, levels)[1]
    height, width = levels[0].shape
    loud = torch.full_like(memory_FSC[:, : height * width], 50.0)
    finest = memory_FSC[:, : height * width]
    changed = torch.where(levels[0].padding_BS[..., None], loud, finest)
    found = noun_map(noun_FNC, torch.cat([changed, memory_FSC[:, height * width :]], 1), levels)[1]
    assert found.equal(expected)
    assert found.isfinite().all()


def test_it_learns_which_pixels_are_the_noun(noun_map: NounMap) -> None:
    """Two nouns and three kinds of pixels, of which the third is none of them."""
    levels = levels_of([(64, 64)], 64, 64)
    rng = torch.Generator().manual_seed(1)
    kinds = torch.randn(3, CHANNELS, generator=rng)
    noun_FNC = torch.randn(1, 2, CHANNELS, generator=rng)
    kind_HW = torch.full((8, 8), 2)
    kind_HW[1:4, 1:4], kind_HW[5:7, 2:8] = 0, 1
    memory_FSC = memory_of(levels, 1)
    memory_FSC[:, :64] = kinds[kind_HW].flatten(0, 1)
    target = torch.stack([kind_HW == 0, kind_HW == 1])[None].float()
    target = target.repeat_interleave(2, -1).repeat_interleave(2, -2)
    optimizer = torch.optim.Adam(noun_map.parameters(), 0.02)
    for _ in range(60):
        logits = noun_map(noun_FNC, memory_FSC, levels)[0]
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(logits, target).backward()
        optimizer.step()
    found = logits > 0
    overlap = (found & target.bool()).sum((-2, -1)) / (found | target.bool()).sum((-2, -1))
    assert overlap.min() > 0.7
