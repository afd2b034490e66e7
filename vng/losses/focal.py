"""Focal binary cross-entropy (Lin et al., ICCV 2017)."""

import torch.nn.functional as F
from torch import Tensor

ALPHA, GAMMA = 0.25, 2.0  # RetinaNet's, and ReferFormer's


def focal_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Of every element by itself.

    Args:
        logits: float [...].
        target: float [...] in [0, 1]; shapes broadcast.

    Returns:
        float [...].
    """
    target = target.expand_as(logits)
    prob = logits.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    of_other = prob + target - 2 * prob * target  # probability of what is not the target
    weight = ALPHA * target + (1 - ALPHA) * (1 - target)
    return weight * of_other.square() * entropy
