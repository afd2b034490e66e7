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


class EdgeFilter:
    """The filter for one image: what depends on the image alone is there once.

    Args:
        rgb_CHW: float [3, H, W] in [0, 1]; sides multiples of 4.
        radius: of the window, in pixels.
    """

    def __init__(self, rgb_CHW: Tensor, radius: float) -> None:
        self._rgb_CHW = rgb_CHW.contiguous()
        self._window = max(1, round(radius / PREDICTION_STRIDE))
        rgb_Chw = F.avg_pool2d(self._rgb_CHW, PREDICTION_STRIDE)
        mean_Chw = _box(rgb_Chw, self._window)
        square_CChw = rgb_Chw[:, None] * rgb_Chw
        variance_CChw = _box(square_CChw.flatten(0, 1), self._window).unflatten(0, (3, 3))
        variance_CChw = variance_CChw - mean_Chw[:, None] * mean_Chw
        noise_CC = COLOUR_NOISE * torch.eye(3, device=rgb_Chw.device)
        self._small_Chw, self._mean_Chw = rgb_Chw, mean_Chw
        self._inverse_CChw = _inverse(variance_CChw + noise_CC[:, :, None, None])

    def __call__(self, prob_OHW: Tensor) -> Tensor:
        """Filter probabilities.

        Args:
            prob_OHW: float [O, H, W] in [0, 1].

        Returns:
            float32 [O, H, W] in [0, 1].
        """
        fit_Nhw = self._fit(F.avg_pool2d(prob_OHW.float(), PREDICTION_STRIDE))
        # As images of one channel: torch is three times slower with one of three channels.
        fit_NHW = F.interpolate(fit_Nhw[:, None], prob_OHW.shape[1:], mode="bilinear")[:, 0]
        slope_OCHW = fit_NHW[: 3 * len(prob_OHW)].unflatten(0, (-1, 3))
        offset_OHW = fit_NHW[3 * len(prob_OHW) :]
        prob_OHW = (slope_OCHW * self._rgb_CHW).sum(dim=1) + offset_OHW
        return prob_OHW.clamp(0, 1)

    def _fit(self, prob_Ohw: Tensor) -> Tensor:
        """Slopes of the probability over colour, three for each object, then the offsets.

        Returns:
            float32 [3 O + O, h, w].
        """
        mean_Ohw = _box(prob_Ohw, self._window)
        product_OChw = prob_Ohw[:, None] * self._small_Chw
        covariance_OChw = _box(product_OChw.flatten(0, 1), self._window).unflatten(0, (-1, 3))
        covariance_OChw = covariance_OChw - mean_Ohw[:, None] * self._mean_Chw
        slope_OChw = torch.einsum("ochw,cdhw->odhw", covariance_OChw, self._inverse_CChw)
        offset_Ohw = mean_Ohw - (slope_OChw * self._mean_Chw).sum(dim=1)
        return _box(torch.cat([slope_OChw.flatten(0, 1), offset_Ohw]), self._window)


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
