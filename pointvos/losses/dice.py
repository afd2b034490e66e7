"""Soft dice loss of each object by itself."""

from torch import Tensor

SMOOTHING = 1.0  # pixels; an object absent from both maps has loss 0, not 0 / 0


def dice_loss(prob_BOHW: Tensor, target_BOHW: Tensor, present_BO: Tensor | None = None) -> Tensor:
    """One minus the soft dice overlap (Milletari et al., 3DV 2016), mean over the objects present.

    Args:
        prob_BOHW: float [B, O, H, W] in [0, 1], objects only.
        target_BOHW: float or bool [B, O, H, W].
        present_BO: bool [B, O]; which object slots are in use. None means all.

    Returns:
        Scalar; 0 when no slot is in use.
    """
    prob_BON, target_BON = prob_BOHW.float().flatten(2), target_BOHW.float().flatten(2)
    overlap_BO = (prob_BON * target_BON).sum(dim=2)
    total_BO = prob_BON.sum(dim=2) + target_BON.sum(dim=2)
    loss_BO = 1 - (2 * overlap_BO + SMOOTHING) / (total_BO + SMOOTHING)
    if present_BO is None:
        return loss_BO.mean()
    return (loss_BO * present_BO).sum() / present_BO.sum().clamp_min(1)
