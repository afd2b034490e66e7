"""Cross-entropy at annotated points (paper, Appendix D)."""

import torch
from torch import Tensor

from pointvos.core.sampling import sample_at_points


def point_cross_entropy(
    prob_BKHW: Tensor, xy_BP2: Tensor, classes_BP: Tensor, valid_BP: Tensor
) -> Tensor:
    """Negative log-probability of the annotated class at each point.

    The *probability* map is interpolated bilinearly at the exact positions, not the logits. Points
    on an object carry its class; background points, shared by all objects of a frame, carry class 0
    and so push every object away. The loss is the mean over the points of a sample, then the mean
    over the samples that have points: a sample with few points counts as much as one with many.

    Args:
        prob_BKHW: float [B, K, H, W], probabilities over K = O + 1 classes (background first) that
            sum to one: softmax of `pointvos.nn.aggregate.soft_aggregate`.
        xy_BP2: float [B, P, 2], continuous (x, y) in pixels of the map.
        classes_BP: int64 [B, P] in 0 .. K - 1; any value where `valid_BP` is false.
        valid_BP: bool [B, P]; false for padding and for points that left the crop.

    Returns:
        Scalar; 0, with zero gradients, when no sample has a point.
    """
    xy_BP2 = xy_BP2.masked_fill(~valid_BP[..., None], 0)  # padding may hold anything, even nan
    at_points_BKP = sample_at_points(prob_BKHW.float(), xy_BP2)
    classes_B1P = classes_BP.masked_fill(~valid_BP, 0)[:, None]
    true_prob_BP = at_points_BKP.gather(1, classes_B1P)[:, 0]
    # One in place of padding: its logarithm is 0, and so is the gradient.
    true_prob_BP = true_prob_BP.masked_fill(~valid_BP, 1.0)
    # Soft aggregation keeps probabilities above 1e-14; the floor only guards other callers' zeros.
    loss_BP = -true_prob_BP.clamp_min(torch.finfo(torch.float32).tiny).log()
    points_B = valid_BP.sum(dim=1)
    loss_B = loss_BP.sum(dim=1) / points_B.clamp_min(1)
    return loss_B.sum() / (points_B > 0).sum().clamp_min(1)
