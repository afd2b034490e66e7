"""A gate around what is known: objects do not jump, and do not lie far from their points."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.nn.stcn import PREDICTION_STRIDE

RIM = 4  # pixels over which a boundary is soft


def coarse_mask(mask_HW: Tensor) -> Tensor:
    """A bool mask [H, W] (sides multiples of 4) at stride 4: cells that it touches at all."""
    return F.max_pool2d(mask_HW[None].float(), PREDICTION_STRIDE)[0] > 0


def within(coarse_hw: Tensor, distance: float) -> Tensor:
    """Positions not farther than `distance` pixels from a mask.

    Args:
        coarse_hw: bool [H/4, W/4], not empty, see `coarse_mask`.
        distance: in pixels of the full map.

    Returns:
        bool [H, W].
    """
    outside = (~coarse_hw).cpu().numpy().astype(np.uint8)
    distances = cv2.distanceTransform(outside, cv2.DIST_L2, 3) * PREDICTION_STRIDE
    near_hw = torch.from_numpy(np.asarray(distances) <= distance).to(coarse_hw.device)
    return near_hw.repeat_interleave(PREDICTION_STRIDE, 0).repeat_interleave(PREDICTION_STRIDE, 1)


def connected(prob_HW: Tensor, points_HW: Tensor) -> Tensor:
    """Probabilities in the parts of the mask that hold a point, and at their rim.

    Args:
        prob_HW: float [H, W] in [0, 1].
        points_HW: float [H, W], 1 where points are drawn; what is there belongs to the mask.

    Returns:
        float [H, W]; 0 farther than `RIM` pixels from every part of the mask (above 0.5,
        8-connected) that holds a point.
    """
    inside = ((prob_HW > 0.5) | (points_HW > 0)).cpu().numpy()
    _, part_HW = cv2.connectedComponents(inside.astype(np.uint8), connectivity=8)
    with_point = inside & np.isin(part_HW, part_HW[(points_HW > 0).cpu().numpy()])
    rim = np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)
    near_HW = torch.from_numpy(cv2.dilate(with_point.astype(np.uint8), rim)).to(prob_HW.device)
    return prob_HW * near_HW
