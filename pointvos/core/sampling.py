"""Bilinear sampling of maps at continuous positions; the torch side of `pointvos.core.geometry`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def sample_at_points(map_BCHW: Tensor, xy_BP2: Tensor) -> Tensor:
    """Interpolate maps bilinearly at continuous positions.

    A position at the centre of a pixel, (column + 0.5, row + 0.5), gives that pixel's value. Beyond
    the outermost centres the border value holds, so a map of ones gives one everywhere.

    Args:
        map_BCHW: float [B, C, H, W].
        xy_BP2: float [B, P, 2], continuous (x, y) in pixels of the map.

    Returns:
        float [B, C, P], in the dtype of the map.
    """
    # Imported here: `pointvos.core` works without torch.
    import torch
    import torch.nn.functional as F

    height, width = map_BCHW.shape[-2:]
    size = torch.tensor([width, height], dtype=torch.float32, device=xy_BP2.device)
    grid_BP12 = (2 * xy_BP2.float() / size - 1)[:, :, None].to(map_BCHW.dtype)
    sampled_BCP1 = F.grid_sample(
        map_BCHW, grid_BP12, mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled_BCP1[..., 0]
