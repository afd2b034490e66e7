"""A gate around the previous mask: objects do not jump across the frame between two frames."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

GATE_STRIDE = 4  # the decoder predicts at this stride; finer distances say nothing more


def coarse_mask(mask_HW: Tensor) -> Tensor:
    """A bool mask [H, W] (sides multiples of 4) at stride 4: cells that it touches at all."""
    return F.max_pool2d(mask_HW[None].float(), GATE_STRIDE)[0] > 0


def within(coarse_hw: Tensor, distance: float) -> Tensor:
    """Positions not farther than `distance` pixels from a mask.

    Args:
        coarse_hw: bool [H/4, W/4], not empty, see `coarse_mask`.
        distance: in pixels of the full map.

    Returns:
        bool [H, W].
    """
    outside = (~coarse_hw).cpu().numpy().astype(np.uint8)
    distances = cv2.distanceTransform(outside, cv2.DIST_L2, 3) * GATE_STRIDE
    near_hw = torch.from_numpy(np.asarray(distances) <= distance).to(coarse_hw.device)
    return near_hw.repeat_interleave(GATE_STRIDE, 0).repeat_interleave(GATE_STRIDE, 1)
