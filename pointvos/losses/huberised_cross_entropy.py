"""Cross-entropy that tolerates wrong labels: linear where the model strongly disagrees."""

import math

import torch
from torch import Tensor

DEFAULT_TAU = 10.0  # Menon et al., ICLR 2020, use 2 and 10; the paper names no value

UNKNOWN = 255  # void of the DAVIS masks


def huberised_cross_entropy(
    logits_BKHW: Tensor,
    target_BHW: Tensor,
    tau: float = DEFAULT_TAU,
    *,
    reduction: str = "mean",
    unknown: int = UNKNOWN,
) -> Tensor:
    """Partially Huberised cross-entropy (Menon et al., ICLR 2020), for training on pseudo-masks.

    With p the probability of the labelled class: -log p where p > 1 / tau, and its tangent there,
    1 + log tau - tau p, below; no pixel pulls with a gradient above tau in p.

    Args:
        logits_BKHW: float [B, K, H, W] over background and objects.
        target_BHW: int64 [B, H, W] in 0 .. K - 1, or `unknown`.
        tau: above 1; 1 / tau is the probability below which the loss is linear.
        reduction: "mean" over all pixels, or "none".
        unknown: the target of pixels whose loss is 0.

    Returns:
        Scalar, or float [B, H, W] with `reduction="none"`.

    Raises:
        ValueError: `tau` is not above 1, or the reduction is unknown.
    """
    if tau <= 1:
        raise ValueError(f"tau must be above 1, got {tau}")
    if reduction not in ("mean", "none"):
        raise ValueError(f"reduction must be 'mean' or 'none', got {reduction!r}")
    log_prob_BKHW = logits_BKHW.float().log_softmax(dim=1)
    unknown_BHW = target_BHW == unknown
    known_target_B1HW = target_BHW.masked_fill(unknown_BHW, 0)[:, None]
    log_prob_BHW = log_prob_BKHW.gather(1, known_target_B1HW)[:, 0]
    linear_BHW = 1 + math.log(tau) - tau * log_prob_BHW.exp()
    loss_BHW = torch.where(log_prob_BHW > -math.log(tau), -log_prob_BHW, linear_BHW)
    loss_BHW = loss_BHW.masked_fill(unknown_BHW, 0)
    return loss_BHW.mean() if reduction == "mean" else loss_BHW
