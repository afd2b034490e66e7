"""Segmentation of the frame on which objects are given by points, from coarse to fine.

One point says nothing of how far its object reaches, and at full size a small network looks at a
part of it. So the frame is segmented in a small copy first, where the whole object is seen, and
each finer copy starts from the mask of the one before. docs/results.md has what this is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.inference.joint_masks import JointMasks
from pointvos.nn.stcn import STCN, STRIDE, QueryFeatures


def scaled_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """The size of a copy of a frame: multiples of the network's stride, at least one of it."""
    rows, columns = (max(1, round(scale * side / STRIDE)) * STRIDE for side in (height, width))
    return rows, columns


def ascend_to_one(scales: Sequence[float]) -> bool:
    """Whether these can be the scales of `segment_from_points`."""
    ascending = all(low < high for low, high in pairwise(scales))
    return len(scales) > 0 and scales[0] > 0 and ascending and scales[-1] == 1


def segment_from_points(
    network: STCN,
    frame_BCHW: Tensor,
    features: QueryFeatures,
    known: Mapping[int, Tensor],
    coarse_points: Mapping[int, Tensor],
    *,
    scales: Sequence[float],
    top_k: int | None,
) -> Tensor:
    """Probabilities of the objects that are given by points.

    Args:
        network: full or lite.
        frame_BCHW: float [1, 3, H, W], RGB in [0, 1], sides multiples of 16.
        features: of this frame.
        known: float [H, W] for the id of every object, the points drawn for those given by points.
        coarse_points: by the ids of those, their points drawn at the size of the first scale, see
            `scaled_size`.
        scales: of the copies of the frame, ascending; the last is 1, the frame itself.
        top_k: memory positions read per query position; None reads all.

    Returns:
        float32 [P, H, W] in [0, 1], each object by itself, in the order of `coarse_points`.
    """
    height, width = frame_BCHW.shape[2:]
    slots = [sorted(known).index(object_id) for object_id in coarse_points]
    joint: JointMasks | None = None  # of the scale before
    for scale in scales:
        size = scaled_size(height, width, scale)
        copy_BCHW, copy_features = frame_BCHW, features
        if scale != 1:
            copy_BCHW = F.interpolate(frame_BCHW, size, mode="bilinear", antialias=True)
            copy_features = network.encode_key(copy_BCHW)
        before = known if joint is None else dict(joint.items())
        masks_OHW = torch.stack([before[object_id] for object_id in sorted(before)])
        masks_OHW = F.adaptive_avg_pool2d(masks_OHW, size)
        if joint is None:  # points would fade when made smaller
            masks_OHW[slots] = torch.stack(list(coarse_points.values()))
        value_BOCHW = network.encode_value(
            copy_BCHW, copy_features, masks_OHW[None].to(copy_BCHW.dtype), points=joint is None
        )
        readout_BOCHW = network.read(
            copy_features,
            copy_features.key_BCHW.flatten(2),
            value_BOCHW[:, slots].flatten(3),
            top_k,
        )
        prob_BPHW = network.decode(copy_features, readout_BOCHW).float().sigmoid()
        prob_PHW = F.interpolate(prob_BPHW, (height, width), mode="bilinear")[0]
        found = {
            i: torch.maximum(p, known[i]) for i, p in zip(coarse_points, prob_PHW, strict=True)
        }
        joint = JointMasks.aggregated({**known, **found})
    return prob_PHW
