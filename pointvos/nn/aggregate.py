"""Soft aggregation of independently segmented objects (STM, Oh et al., ICCV 2019)."""

import torch
from torch import Tensor

PROBABILITY_MARGIN = 1e-7  # STCN code: keeps the odds finite


def soft_aggregate(prob_BOHW: Tensor) -> Tensor:
    """Join object probabilities into logits over background and objects.

    The background is where no object is: prod(1 - p). The logits are the log-odds of each
    probability, so a softmax over them gives probabilities that sum to one.

    Args:
        prob_BOHW: float [B, O, H, W] in [0, 1], each object by itself.

    Returns:
        float32 [B, O + 1, H, W], background first; `.softmax(dim=1)` gives the joint probabilities.
    """
    prob_BOHW = prob_BOHW.float()  # the margin is below the resolution of half precision
    background_B1HW = torch.prod(1 - prob_BOHW, dim=1, keepdim=True)
    joint = torch.cat([background_B1HW, prob_BOHW], dim=1)
    joint = joint.clamp(PROBABILITY_MARGIN, 1 - PROBABILITY_MARGIN)
    return torch.log(joint / (1 - joint))
