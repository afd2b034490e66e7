"""Masks that follow the edges of the image: a guided filter with a colour guide.

He, Sun and Tang (TPAMI 2013) fit, in a window around each pixel, the probability as a linear
function of the colour; so it keeps the edges of the image and loses those that the image does not
have. As in the fast variant (He and Sun, 2015) the fit is made on a small map and only its
application runs at full size. A small network predicts at stride 4 with soft, blobby boundaries;
docs/results.md has what the filter is worth.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.nn.stcn import PREDICTION_STRIDE

COLOUR_NOISE = 1e-4  # variance, of RGB in [0, 1], below which a window has no edge


def follow_edges(prob_OHW: Tensor, rgb_CHW: Tensor, radius: float) -> Tensor:
    """Filter probabilities under the guidance of an image.

    Args:
        prob_OHW: float [O, H, W] in [0, 1]; sides multiples of 4.
        rgb_CHW: float [3, H, W] in [0, 1].
        radius: of the window, in pixels.

    Returns:
        float32 [O, H, W] in [0, 1].
    """
    window = max(1, round(radius / PREDICTION_STRIDE))
    slope_OChw, offset_Ohw = _fit(
        F.avg_pool2d(prob_OHW.float(), PREDICTION_STRIDE),
        F.avg_pool2d(rgb_CHW, PREDICTION_STRIDE),
        window,
    )
    size = prob_OHW.shape[1:]
    slope_OCHW = F.interpolate(slope_OChw, size, mode="bilinear")
    offset_OHW = F.interpolate(offset_Ohw[None], size, mode="bilinear")[0]
    return ((slope_OCHW * rgb_CHW).sum(dim=1) + offset_OHW).clamp(0, 1)


def _fit(prob_Ohw: Tensor, rgb_Chw: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """Slopes [O, 3, h, w] and offsets [O, h, w] of the probability over colour."""
    mean_Chw, mean_Ohw = _box(rgb_Chw, window), _box(prob_Ohw, window)
    product_OChw = prob_Ohw[:, None] * rgb_Chw
    covariance_OChw = _box(product_OChw.flatten(0, 1), window).unflatten(0, product_OChw.shape[:2])
    covariance_OChw = covariance_OChw - mean_Ohw[:, None] * mean_Chw
    square_CChw = rgb_Chw[:, None] * rgb_Chw
    variance_CChw = _box(square_CChw.flatten(0, 1), window).unflatten(0, (3, 3))
    variance_CChw = variance_CChw - mean_Chw[:, None] * mean_Chw
    noise_CC = COLOUR_NOISE * torch.eye(3, device=rgb_Chw.device)
    inverse_CChw = _inverse(variance_CChw + noise_CC[:, :, None, None])
    slope_OChw = torch.einsum("ochw,cdhw->odhw", covariance_OChw, inverse_CChw)
    offset_Ohw = mean_Ohw - (slope_OChw * mean_Chw).sum(dim=1)
    smooth_NChw = _box(torch.cat([slope_OChw.flatten(0, 1), offset_Ohw]), window)
    objects = len(prob_Ohw)
    return smooth_NChw[: 3 * objects].unflatten(0, (objects, 3)), smooth_NChw[3 * objects :]


def _inverse(matrix_CChw: Tensor) -> Tensor:
    """Inverses of symmetric 3x3 matrices, by cross products: far cheaper than a solver for each."""
    a, b, c = matrix_CChw
    adjugate_CChw = torch.stack(
        [torch.linalg.cross(b, c, dim=0), torch.linalg.cross(c, a, dim=0),
         torch.linalg.cross(a, b, dim=0)]
    )  # fmt: skip
    determinant_hw: Tensor = (a * adjugate_CChw[0]).sum(dim=0)
    return adjugate_CChw / determinant_hw


def _box(map_Chw: Tensor, window: int) -> Tensor:
    """Mean over a square of `window` cells to each side, of those inside the map."""
    # Two products with band matrices: a fifth of the time of pooling at these sizes.
    rows_hh, columns_ww = (_band(side, window, map_Chw.device) for side in map_Chw.shape[1:])
    return rows_hh @ map_Chw @ columns_ww.T


def _band(side: int, window: int, device: torch.device) -> Tensor:
    """Rows of equal weights around the diagonal, each row with sum 1, float32 [side, side]."""
    place = torch.arange(side, device=device)
    near = ((place[:, None] - place).abs() <= window).float()
    return near / near.sum(dim=1, keepdim=True)
