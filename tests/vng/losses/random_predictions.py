"""Random predictions and targets of several nouns."""

from typing import NamedTuple

import torch
from torch import Tensor

from vng.losses.targets import Targets

HEIGHT, WIDTH = 32, 48


class Predictions(NamedTuple):
    """Of one layer."""

    logits_BNTQ: Tensor
    boxes_BNTQ4: Tensor
    masks_BNTQHW: Tensor


def random_predictions(
    batch: int = 2, nouns: int = 3, frames: int = 2, queries: int = 5, seed: int = 0
) -> Predictions:
    """Leaves that ask for gradients."""
    rng = torch.Generator().manual_seed(seed)
    slots = batch, nouns, frames, queries
    predictions = Predictions(
        torch.randn(*slots, generator=rng),
        0.1 + 0.8 * torch.rand(*slots, 4, generator=rng),
        torch.randn(*slots, HEIGHT // 4, WIDTH // 4, generator=rng),
    )
    return Predictions(*(x.requires_grad_() for x in predictions))


def random_targets(batch: int = 2, nouns: int = 3, frames: int = 2, seed: int = 1) -> Targets:
    """A rectangle per noun and frame, all known."""
    rng = torch.Generator().manual_seed(seed)
    masks = torch.zeros(batch, nouns, frames, HEIGHT, WIDTH, dtype=torch.bool)
    for mask in masks.flatten(0, 2):
        top, left = (int(torch.randint(0, 16, (1,), generator=rng)) for _ in range(2))
        mask[top : top + 12, left : left + 20] = True
    known = torch.ones(batch, nouns, frames, dtype=torch.bool)
    return Targets.of_masks(masks, known, torch.tensor([[HEIGHT, WIDTH]] * batch))


def perfect_predictions(targets: Targets, query: int, queries: int = 5) -> Predictions:
    """One query of each noun is right and sure, the others say nothing anywhere."""
    batch, nouns, frames = targets.known_BNT.shape
    logits = torch.full((batch, nouns, frames, queries), -12.0)
    boxes = torch.full((batch, nouns, frames, queries, 4), 0.9)
    masks = torch.full((batch, nouns, frames, queries, HEIGHT // 4, WIDTH // 4), -12.0)
    thin = targets.masks_BNTHW[..., 2::4, 2::4]
    logits[..., query] = torch.where(targets.present_BNT, 12.0, -12.0)
    boxes[..., query, :] = targets.boxes_BNT4
    masks[..., query, :, :] = torch.where(thin, 12.0, -12.0)
    return Predictions(logits, boxes, masks)
