"""The loss of RF-VNG: ReferFormer's five terms for every layer of the decoder, for many nouns.

Shape legend: `vng.losses.targets`.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vng.losses.boxes import generalized_iou, to_xyxy
from vng.losses.focal import focal_cross_entropy
from vng.losses.matching import WEIGHTS, dice, match_queries
from vng.losses.targets import LayerPrediction, Targets, thinned_masks


def grounding_losses(
    last: LayerPrediction,
    auxiliary: Sequence[LayerPrediction],
    targets: Targets,
    *,
    boxes: Tensor | float | None = None,
    weights: Mapping[str, float] = WEIGHTS,
) -> dict[str, Tensor]:
    """Unweighted terms of all layers, each matched by itself.

    Args:
        last: of the last layer.
        auxiliary: of the layers before it, the first first.
        targets: what is known.
        boxes: what sums are divided by; None: `box_count(targets)`. Training on several processes
            gives the mean of theirs.
        weights: of the costs of matching.

    Returns:
        "ce", "bbox", "giou", "mask" and "dice" of the last layer, and "ce_0" and so on of the
        auxiliary ones; scalars, connected to the predictions also where nothing is known.
    """
    if boxes is None:
        boxes = box_count(targets)
    losses = layer_losses(last, targets, match_queries(last, targets, weights), boxes)
    for index, layer in enumerate(auxiliary):
        of_layer = layer_losses(layer, targets, match_queries(layer, targets, weights), boxes)
        losses |= {f"{name}_{index}": value for name, value in of_layer.items()}
    return losses


def weighted_total(losses: Mapping[str, Tensor], weights: Mapping[str, float] = WEIGHTS) -> Tensor:
    """The sum of all terms, each with the weight of its name before the number of the layer."""
    return torch.stack([weights[name.split("_")[0]] * x for name, x in losses.items()]).sum()


def box_count(targets: Targets) -> Tensor:
    """Number of frames in which an object is known to be, at least 1; a float32 scalar."""
    return targets.present_BNT.sum().float().clamp_min(1)


def layer_losses(
    layer: LayerPrediction, targets: Targets, query_BN: Tensor, boxes: Tensor | float
) -> dict[str, Tensor]:
    """The five terms of one layer.

    Args:
        layer: its predictions; masks may be those of the chosen queries alone, [B, N, T, 1, h, w].
        targets: what is known.
        query_BN: int64, the query of each noun that is its object.
        boxes: what sums are divided by.
    """
    known_BNT = targets.known_BNT
    # Only the matched query is the object, only where the object is; all else is not.
    is_object_BNTQ = F.one_hot(query_BN, layer.logits_BNTQ.shape[-1])[:, :, None].bool()
    is_object_BNTQ = is_object_BNTQ & targets.present_BNT[..., None]
    entropy_BNTQ = focal_cross_entropy(layer.logits_BNTQ.float(), is_object_BNTQ.float())

    box_BNT4 = _of_query(layer.boxes_BNTQ4.float(), query_BN)
    distance_BNT = (box_BNT4 - targets.boxes_BNT4).abs().sum(dim=-1)
    overlap_BNT = generalized_iou(to_xyxy(box_BNT4), to_xyxy(targets.boxes_BNT4))

    mask_BNTHW = _of_query(layer.masks_BNTQHW.float(), query_BN)
    target_BNTHW = thinned_masks(targets.masks_BNTHW, *mask_BNTHW.shape[-2:])
    entropy_BNTHW = focal_cross_entropy(mask_BNTHW, target_BNTHW)
    sums = {
        "ce": (entropy_BNTQ * known_BNT[..., None]).sum(),
        "bbox": (distance_BNT * known_BNT).sum(),
        "giou": ((1 - overlap_BNT) * known_BNT).sum(),
        "mask": _mean_of_clips(entropy_BNTHW, known_BNT),
        "dice": _dice_of_clips(mask_BNTHW, target_BNTHW, known_BNT),
    }
    return {name: value / boxes for name, value in sums.items()}


def map_loss(map_BNTHW: Tensor, targets: Targets, boxes: Tensor | float) -> Tensor:
    """Cross-entropy and dice of the noun map (`vng.nn.noun_map`), which ReferFormer lacks.

    Args:
        map_BNTHW: float [B, N, T, h, w], logits.
        targets: what is known.
        boxes: what sums are divided by.
    """
    map_BNTHW, known_BNT = map_BNTHW.float(), targets.known_BNT
    target_BNTHW = thinned_masks(targets.masks_BNTHW, *map_BNTHW.shape[-2:])
    entropy_BNTHW = F.binary_cross_entropy_with_logits(map_BNTHW, target_BNTHW, reduction="none")
    total = _mean_of_clips(entropy_BNTHW, known_BNT)
    return (total + _dice_of_clips(map_BNTHW, target_BNTHW, known_BNT)) / boxes


def _mean_of_clips(loss_BNTHW: Tensor, known_BNT: Tensor) -> Tensor:
    """The mean over the pixels of the known frames of each noun, summed."""
    frames_BN = known_BNT.sum(dim=2).clamp_min(1)
    return ((loss_BNTHW.mean(dim=(-2, -1)) * known_BNT).sum(dim=2) / frames_BN).sum()


def _dice_of_clips(mask_BNTHW: Tensor, target_BNTHW: Tensor, known_BNT: Tensor) -> Tensor:
    """The dice loss of each noun over its known frames, summed."""
    dice_BN = dice(mask_BNTHW[:, :, :, None], target_BNTHW, known_BNT).squeeze(-1)
    return ((1 - dice_BN) * known_BNT.any(dim=2)).sum()


def _of_query(values: Tensor, query_BN: Tensor) -> Tensor:
    """[B, N, T, Q, ...] -> [B, N, T, ...], the values of one query of each noun.

    Values of one query only are taken for those of the wanted one.
    """
    if values.shape[3] == 1:
        return values.squeeze(3)
    index = query_BN.reshape(*query_BN.shape, *[1] * (values.ndim - 2))
    return values.take_along_dim(index, dim=3).squeeze(3)
