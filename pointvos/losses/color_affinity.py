"""Neighbours of one colour should get one label: what points alone do not say of boundaries."""

import torch
import torch.nn.functional as F
from torch import Tensor

# Tian et al., BoxInst, CVPR 2021, section 3.2: 3x3 neighbours two pixels apart, colours alike above
# 0.3 of exp(-distance / 2) in LAB. In RGB of [0, 1] the same contrast is about a fiftieth of it.
DILATION = 2
COLOR_SCALE = 0.04
ALIKE = 0.3
MARGIN = 1e-6  # keeps the logarithm finite


def color_affinity_loss(
    prob_BOHW: Tensor, frames_BCHW: Tensor, present_BO: Tensor | None = None
) -> Tensor:
    """Negative log-probability that neighbours of one colour are on one side of the boundary.

    With p and q the probabilities of two neighbours, they agree with probability
    p q + (1 - p) (1 - q). Pairs whose colours differ are not compared, so that the boundary settles
    on edges of the image. It needs no annotation and says nothing of which side is the object.

    Args:
        prob_BOHW: float [B, O, H, W] in [0, 1].
        frames_BCHW: float [B, 3, H, W], RGB in [0, 1], of the same size.
        present_BO: bool [B, O]; which slots are in use. None means all.

    Returns:
        Scalar: mean over the compared pairs of each object, then over the objects present.
    """
    terms_BO, pairs_B1 = [], []
    for dy, dx in ((0, DILATION), (DILATION, 0), (DILATION, DILATION), (DILATION, -DILATION)):
        color_BCHW, color_there_BCHW = _neighbours(frames_BCHW.float(), dy, dx)
        distance_BHW = (color_BCHW - color_there_BCHW).square().sum(dim=1).sqrt()
        alike_B1HW = (torch.exp(-distance_BHW / COLOR_SCALE) >= ALIKE)[:, None]
        p_BOHW, q_BOHW = _neighbours(prob_BOHW.float(), dy, dx)
        agree_BOHW = p_BOHW * q_BOHW + (1 - p_BOHW) * (1 - q_BOHW)
        loss_BOHW = -agree_BOHW.clamp_min(MARGIN).log() * alike_B1HW
        terms_BO.append(loss_BOHW.sum(dim=(2, 3)))
        pairs_B1.append(alike_B1HW.sum(dim=(2, 3)))
    loss_BO = torch.stack(terms_BO).sum(dim=0) / torch.stack(pairs_B1).sum(dim=0).clamp_min(1)
    if present_BO is None:
        return loss_BO.mean()
    return (loss_BO * present_BO).sum() / present_BO.sum().clamp_min(1)


def _neighbours(x_BCHW: Tensor, dy: int, dx: int) -> tuple[Tensor, Tensor]:
    """Each pixel and the one at (+dy, +dx), over the part of the map where both exist."""
    height, width = x_BCHW.shape[-2:]
    here = x_BCHW[..., : height - dy, max(0, -dx) : width - max(0, dx)]
    there = x_BCHW[..., dy:, max(0, dx) : width - max(0, -dx)]
    return here, there


def at_stride(prob_BOHW: Tensor, frames_BCHW: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Both maps averaged over cells, where the loss is as good and much cheaper."""
    return F.avg_pool2d(prob_BOHW, stride), F.avg_pool2d(frames_BCHW, stride)
