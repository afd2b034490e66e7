"""Segmentation of the frame on which objects are given by points, from coarse to fine.

One point says nothing of how far its object reaches, and at full size a small network looks at a
part of it. So the frame is segmented in a small copy first, where the whole object is seen, and
each finer copy starts from the mask of the one before. docs/results.md has what this is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.inference.distance_gate import connected
from pointvos.inference.joint_masks import JointMasks
from pointvos.nn.aggregate import PROBABILITY_MARGIN
from pointvos.nn.stcn import STCN, STRIDE, QueryFeatures


def scaled_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """The size of a copy of a frame: multiples of the network's stride, at least one of it."""
    rows, columns = (max(1, round(scale * side / STRIDE)) * STRIDE for side in (height, width))
    return rows, columns


def ascend_to_one(scales: Sequence[float]) -> bool:
    """Whether these can be the scales of `segment_from_points`."""
    ascending = all(low < high for low, high in pairwise(scales))
    return len(scales) > 0 and scales[0] > 0 and ascending and scales[-1] == 1


def against(prob_HW: Tensor, rival_HW: Tensor) -> Tensor:
    """What an object keeps of its probability beside a rival: half where both are as sure."""
    lead_HW = prob_HW.logit(PROBABILITY_MARGIN) - rival_HW.logit(PROBABILITY_MARGIN)
    return prob_HW * lead_HW.sigmoid()


def segment_from_points(
    network: STCN,
    frame_BCHW: Tensor,
    features: QueryFeatures,
    known: Mapping[int, Tensor],
    coarse_points: Mapping[int, Tensor],
    *,
    scales: Sequence[float],
    top_k: int | None,
    negative: Mapping[int, Tensor] | None = None,
    coarse_negative: Mapping[int, Tensor] | None = None,
) -> Tensor:
    """Probabilities of the objects that are given by points.

    The background points of an object start a rival of its own: a thing that is segmented from them
    in the same way, as far as it is connected with them, and takes from the object, and from no
    other, what looks more like it.

    Args:
        network: full or lite.
        frame_BCHW: float [1, 3, H, W], RGB in [0, 1], sides multiples of 16.
        features: of this frame.
        known: float [H, W] for the id of every object, the points drawn for those given by points.
        coarse_points: by the ids of those, their points drawn at the size of the first scale, see
            `scaled_size`.
        scales: of the copies of the frame, ascending; the last is 1, the frame itself.
        top_k: memory positions read per query position; None reads all.
        negative: by the ids of objects given by points, float [H, W], the points beside them drawn.
        coarse_negative: the same at the size of the first scale.

    Returns:
        float32 [P, H, W] in [0, 1], each object by itself, in the order of `coarse_points`.
    """
    height, width = frame_BCHW.shape[2:]
    negative, coarse_negative = negative or {}, coarse_negative or {}
    before, rivals = dict(known), dict(negative)
    for number, scale in enumerate(scales):
        copy_BCHW, copy_features = frame_BCHW, features
        if scale != 1:
            size = scaled_size(height, width, scale)
            copy_BCHW = F.interpolate(frame_BCHW, size, mode="bilinear", antialias=True)
            copy_features = network.encode_key(copy_BCHW)
        read_back = partial(_read_back, network, copy_BCHW, copy_features, top_k)
        first = number == 0
        found = read_back(before, list(coarse_points), coarse_points if first else None)
        if rivals:
            beside = read_back(rivals, list(rivals), coarse_negative if first else None)
            rivals = {
                i: torch.maximum(connected(_as(prob_HW, frame_BCHW), negative[i]), negative[i])
                for i, prob_HW in beside.items()
            }
        found = {i: _as(prob_HW, frame_BCHW) for i, prob_HW in found.items()}
        found.update((i, against(found[i], rival_HW)) for i, rival_HW in rivals.items())
        certain = {i: torch.maximum(prob_HW, known[i]) for i, prob_HW in found.items()}
        before = dict(JointMasks.aggregated({**known, **certain}).items())
    return torch.stack([found[i] for i in coarse_points])


def _read_back(
    network: STCN,
    frame_BCHW: Tensor,
    features: QueryFeatures,
    top_k: int | None,
    masks: Mapping[int, Tensor],
    wanted: Sequence[int],
    points: Mapping[int, Tensor] | None,
) -> dict[int, Tensor]:
    """Memorise masks of objects, or points of some of them, and read the wanted ones back."""
    order = sorted(masks)
    masks_OHW = torch.stack([masks[i] for i in order])
    masks_OHW = F.adaptive_avg_pool2d(masks_OHW, (frame_BCHW.shape[2], frame_BCHW.shape[3]))
    for i, points_HW in (points or {}).items():  # drawn at this size: they fade when made smaller
        masks_OHW[order.index(i)] = points_HW
    value_BOCHW = network.encode_value(
        frame_BCHW, features, masks_OHW[None].to(frame_BCHW.dtype), points=points is not None
    )
    value_BPCM = value_BOCHW[:, [order.index(i) for i in wanted]].flatten(3)
    readout_BPCHW = network.read(features, features.key_BCHW.flatten(2), value_BPCM, top_k)
    prob_PHW = network.decode(features, readout_BPCHW)[0].float().sigmoid()
    return dict(zip(wanted, prob_PHW, strict=True))


def _as(prob_HW: Tensor, frame_BCHW: Tensor) -> Tensor:
    """A map at the size of a frame."""
    return F.interpolate(prob_HW[None, None], frame_BCHW.shape[2:], mode="bilinear")[0, 0]
