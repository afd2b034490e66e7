"""One query for each noun over the whole clip (ReferFormer's instance sequence matching).

A noun has one object in a clip, so that the Hungarian assignment of DETR is the cheapest query.

Shape legend: `vng.losses.targets`.
"""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from vng.losses.boxes import generalized_iou, to_xyxy
from vng.losses.focal import ALPHA, GAMMA, focal_cross_entropy
from vng.losses.targets import LayerPrediction, Targets, thinned_masks

# ReferFormer's, of costs and losses alike.
WEIGHTS: Mapping[str, float] = MappingProxyType(
    {"ce": 2.0, "bbox": 5.0, "giou": 2.0, "mask": 2.0, "dice": 5.0}
)
EPS = 1e-8  # of the published class cost


@torch.no_grad()
def match_queries(
    layer: LayerPrediction, targets: Targets, weights: Mapping[str, float] = WEIGHTS
) -> Tensor:
    """The query of each noun that fits its object best.

    Returns:
        int64 [B, N]; 0 for nouns of which nothing is known.
    """
    return matching_costs(layer, targets, weights).argmin(dim=-1)


@torch.no_grad()
def matching_costs(
    layer: LayerPrediction, targets: Targets, weights: Mapping[str, float] = WEIGHTS
) -> Tensor:
    """What it would cost to take a query for a noun's object.

    The class counts in the frames where the object is, box and mask in all that are known: a box
    without size and an empty mask where the object is absent.

    Returns:
        float32 [B, N, Q].
    """
    masks_BNTQHW = layer.masks_BNTQHW.float()
    target_BNTHW = thinned_masks(targets.masks_BNTHW, *masks_BNTQHW.shape[-2:])
    known_BNT, present_BNT = targets.known_BNT, targets.present_BNT
    boxes_BNTQ4, target_BNT14 = layer.boxes_BNTQ4.float(), targets.boxes_BNT4[..., None, :]
    distance_BNTQ = (boxes_BNTQ4 - target_BNT14).abs().sum(dim=-1)
    overlap_BNTQ = generalized_iou(to_xyxy(boxes_BNTQ4), to_xyxy(target_BNT14))
    focal_BNTQ = focal_cross_entropy(masks_BNTQHW, target_BNTHW[:, :, :, None]).mean(dim=(-2, -1))
    return (
        weights["ce"] * _mean(_class_cost(layer.logits_BNTQ.float()), present_BNT)
        + weights["bbox"] * _mean(distance_BNTQ, known_BNT)
        - weights["giou"] * _mean(overlap_BNTQ, known_BNT)
        + weights["mask"] * _mean(focal_BNTQ, known_BNT)
        - weights["dice"] * dice(masks_BNTQHW, target_BNTHW, known_BNT)
    )


def dice(masks_BNTQHW: Tensor, target_BNTHW: Tensor, known_BNT: Tensor) -> Tensor:
    """Soft dice overlap over the known frames of a clip, one pixel added on either side.

    Args:
        masks_BNTQHW: float [B, N, T, Q, h, w], logits.
        target_BNTHW: float [B, N, T, h, w].
        known_BNT: bool.

    Returns:
        float32 [B, N, Q].
    """
    prob_BNTQS = masks_BNTQHW.float().sigmoid().flatten(4) * known_BNT[..., None, None]
    target_BNTS = target_BNTHW.flatten(3) * known_BNT[..., None]
    shared_BNQ = (prob_BNTQS @ target_BNTS[..., None]).squeeze(-1).sum(dim=2)
    total_BNQ = prob_BNTQS.sum(dim=(2, 4)) + target_BNTS.sum(dim=(2, 3))[..., None]
    return (2 * shared_BNQ + 1) / (total_BNQ + 1)


def _class_cost(logits_BNTQ: Tensor) -> Tensor:
    """Focal cross-entropy if the query were the object, less that if it were not."""
    prob = logits_BNTQ.sigmoid()
    object_cost = ALPHA * (1 - prob) ** GAMMA * -(prob + EPS).log()
    other_cost = (1 - ALPHA) * prob**GAMMA * -(1 - prob + EPS).log()
    return object_cost - other_cost


def _mean(values_BNTQ: Tensor, frames_BNT: Tensor) -> Tensor:
    """Mean over some frames, 0 where there are none; [B, N, Q]."""
    counted = (values_BNTQ * frames_BNT[..., None]).sum(dim=2)
    return counted / frames_BNT.sum(dim=2)[..., None].clamp_min(1)
