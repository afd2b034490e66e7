"""Cross-entropy over the hardest pixels (STCN training)."""

import torch.nn.functional as F
from torch import Tensor

# STCN code: all pixels for 20K iterations, then linearly down to 15 % of them at 70K.
WARM_UP_START = 20_000
WARM_UP_END = 70_000
FINAL_FRACTION = 0.15

UNKNOWN = 255  # void of the DAVIS masks


def bootstrap_fraction(
    iteration: int,
    *,
    start: int = WARM_UP_START,
    end: int = WARM_UP_END,
    final: float = FINAL_FRACTION,
) -> float:
    """Share of the pixels that count at an iteration: 1 up to `start`, `final` from `end` on.

    >>> bootstrap_fraction(0), bootstrap_fraction(45_000), bootstrap_fraction(100_000)
    (1.0, 0.575, 0.15)
    """
    if iteration < start:
        return 1.0
    if iteration >= end:
        return final
    return final + (1 - final) * (end - iteration) / (end - start)


def bootstrapped_cross_entropy(
    logits_BKHW: Tensor, target_BHW: Tensor, fraction: float, *, unknown: int = UNKNOWN
) -> Tensor:
    """Mean cross-entropy over the share of pixels of each sample with the largest loss.

    Args:
        logits_BKHW: float [B, K, H, W] over background and objects.
        target_BHW: int64 [B, H, W] in 0 .. K - 1, or `unknown`.
        fraction: of the pixels, in (0, 1], see `bootstrap_fraction`.
        unknown: the target of pixels whose loss is 0.

    Returns:
        Scalar, mean over samples.
    """
    loss_BHW = F.cross_entropy(
        logits_BKHW.float(), target_BHW, ignore_index=unknown, reduction="none"
    )
    loss_BN = loss_BHW.flatten(1)
    if fraction < 1:
        kept = max(1, int(loss_BN.shape[1] * fraction))
        loss_BN = loss_BN.topk(kept, dim=1, sorted=False).values
    return loss_BN.mean()
