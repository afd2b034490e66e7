"""Losses of the masks of several objects that compete: cross-entropy and dice, dense or at points.

Shape legend: B batch, O objects, K = O + 1 background and objects, H W height and width of the
logits, P points.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.core.sampling import sample_at_points
from pointvos.losses.dice import dice_loss

NO_UNCERTAINTY = -1e9  # of points where nothing is known: below that of all others


class MaskLoss(NamedTuple):
    """Means over the objects present.

    Attributes:
        cross_entropy: scalar, binary cross-entropy of each object.
        dice: scalar, one minus the soft dice overlap of each object.
    """

    cross_entropy: Tensor
    dice: Tensor


def object_margins(logits_BKHW: Tensor) -> Tensor:
    """Logits of each object against all else: sigmoid of them is softmax over the channels.

    Args:
        logits_BKHW: float [B, K, H, W], background first.

    Returns:
        float32 [B, O, H, W].
    """
    logits_BKHW = logits_BKHW.float()
    slots = range(logits_BKHW.shape[1])
    margins = [
        logits_BKHW[:, own] - logits_BKHW[:, [k for k in slots if k != own]].logsumexp(dim=1)
        for own in slots[1:]
    ]
    return torch.stack(margins, dim=1)


def dense_mask_loss(
    margins_BOHW: Tensor, target_BOHW: Tensor, known_BHW: Tensor, present_BO: Tensor
) -> MaskLoss:
    """The loss at every pixel of the logits.

    Args:
        margins_BOHW: float [B, O, h, w], from `object_margins`.
        target_BOHW: bool [B, O, H, W]; H and W multiples of h and w. A pixel of the logits has the
            share of the object in the pixels that it covers.
        known_BHW: bool [B, H, W]; what is not known counts nowhere.
        present_BO: bool [B, O], which slots hold an object.
    """
    height, width = margins_BOHW.shape[-2:]
    size = height, width
    known_B1hw = F.adaptive_avg_pool2d(known_BHW[:, None].float(), size)
    covered_BOhw = F.adaptive_avg_pool2d((target_BOHW & known_BHW[:, None]).float(), size)
    share_BOhw = covered_BOhw / known_B1hw.clamp_min(1e-6)
    weight_BOhw = known_B1hw.expand_as(share_BOhw)
    parts = margins_BOHW.flatten(2), share_BOhw.flatten(2), weight_BOhw.flatten(2)
    return _mask_loss(*parts, present_BO)


def sampled_mask_loss(
    margins_BOHW: Tensor,
    target_BOHW: Tensor,
    known_BHW: Tensor,
    present_BO: Tensor,
    *,
    points: int = 12_544,
    oversample: int = 3,
    importance: float = 0.75,
    rng: torch.Generator | None = None,
) -> MaskLoss:
    """The loss at random points, most of them where the mask is uncertain (PointRend, Mask2Former).

    Args:
        margins_BOHW: float [B, O, h, w], from `object_margins`.
        target_BOHW: bool [B, O, H, W], at any size.
        known_BHW: bool [B, H, W]; what is not known counts nowhere.
        present_BO: bool [B, O], which slots hold an object.
        points: for each object.
        oversample: candidates for an uncertain point.
        importance: share of the points that are chosen among the candidates as the most uncertain.
        rng: source of the draw, on the processor.
    """
    batch, objects = margins_BOHW.shape[:2]
    map_N1HW = margins_BOHW.flatten(0, 1)[:, None].float()
    target_NHW = target_BOHW.flatten(0, 1)
    known_NHW = known_BHW.repeat_interleave(objects, dim=0)

    def draw(count: int) -> Tensor:
        unit = torch.rand(batch * objects, count, 2, generator=rng)
        return unit.to(margins_BOHW.device)

    with torch.no_grad():
        candidates_NP2 = draw(points * oversample)
        doubt_NP = -_at(map_N1HW, candidates_NP2).abs()
        doubt_NP = doubt_NP.masked_fill(~_nearest(known_NHW, candidates_NP2), NO_UNCERTAINTY)
        chosen = round(importance * points)
        best_NP = doubt_NP.topk(chosen, dim=1).indices
        xy_NP2 = candidates_NP2.gather(1, best_NP[..., None].expand(-1, -1, 2))
        xy_NP2 = torch.cat([xy_NP2, draw(points - chosen)], dim=1)
        target_NP = _nearest(target_NHW, xy_NP2).float()
        weight_NP = _nearest(known_NHW, xy_NP2).float()

    def of_objects(values_NP: Tensor) -> Tensor:
        values_BOP: Tensor = values_NP.unflatten(0, (batch, objects))
        return values_BOP

    logits_NP = _at(map_N1HW, xy_NP2)
    return _mask_loss(
        of_objects(logits_NP), of_objects(target_NP), of_objects(weight_NP), present_BO
    )


def _mask_loss(
    logits_BOP: Tensor, target_BOP: Tensor, weight_BOP: Tensor, present_BO: Tensor
) -> MaskLoss:
    logits_BOP = logits_BOP.float()
    entropy_BOP = F.binary_cross_entropy_with_logits(logits_BOP, target_BOP, reduction="none")
    entropy_BO = (entropy_BOP * weight_BOP).sum(dim=2) / weight_BOP.sum(dim=2).clamp_min(1e-6)
    entropy = (entropy_BO * present_BO).sum() / present_BO.sum().clamp_min(1)
    prob_BOP = logits_BOP.sigmoid() * weight_BOP
    return MaskLoss(entropy, dice_loss(prob_BOP, target_BOP * weight_BOP, present_BO))


def _at(map_N1HW: Tensor, unit_NP2: Tensor) -> Tensor:
    """Bilinear values at positions in parts of the map, float [N, P]."""
    size = unit_NP2.new_tensor([map_N1HW.shape[-1], map_N1HW.shape[-2]])
    return sample_at_points(map_N1HW, unit_NP2 * size)[:, 0]


def _nearest(map_NHW: Tensor, unit_NP2: Tensor) -> Tensor:
    """Values of the pixels that positions in parts of the map fall into, [N, P]."""
    height, width = map_NHW.shape[-2:]
    x_NP = (unit_NP2[..., 0] * width).long().clamp_max(width - 1)
    y_NP = (unit_NP2[..., 1] * height).long().clamp_max(height - 1)
    values_NP: Tensor = map_NHW.flatten(1).gather(1, y_NP * width + x_NP)
    return values_NP
