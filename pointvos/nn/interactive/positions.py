"""Sine encodings of positions and of time.

Shape legend: B batch, N items, C channels, H W height and width of a level.
"""

import math

import torch
from torch import Tensor

TEMPERATURE = 10_000.0  # ratio of the longest to the shortest wavelength
FULL_TURN = 2 * math.pi  # a coordinate of 1 in the fastest channels


def sine_encoding(value: Tensor, channels: int) -> Tensor:
    """Sines and cosines of a coordinate at geometrically spaced frequencies.

    Args:
        value: float [...], normalised to [0, 1].
        channels: even.

    Returns:
        float32 [..., channels]: sine and cosine of each frequency beside each other.
    """
    steps = torch.arange(0, channels, 2, device=value.device, dtype=torch.float32) / channels
    angle = value.float()[..., None] * (FULL_TURN / TEMPERATURE**steps)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2)


def map_encoding(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """Encoding of the pixel centres of a level: half the channels of y, half of x.

    Returns:
        float32 [H W, channels].
    """
    y_H, x_W = (
        (torch.arange(side, device=device, dtype=torch.float32) + 0.5) / side
        for side in (height, width)
    )
    y_HWC = sine_encoding(y_H, channels // 2)[:, None].expand(-1, width, -1)
    x_HWC = sine_encoding(x_W, channels // 2)[None].expand(height, -1, -1)
    return torch.cat([y_HWC, x_HWC], dim=-1).flatten(0, 1)
