"""Sine encodings of where a pixel or a word stands, as ReferFormer computes them.

There is none of time: frames are told apart by what they show. The order of operations matters.
What lies in the padding gets phases of millions, whose sines are noise, but a noise that the
convolutions behind them carry some pixels into the image; only the same order gives the same noise.

Shape legend: B batch, H W height and width of a level, S = H W its pixels row by row, L words,
C channels.
"""

import math

import torch
from torch import Tensor

TEMPERATURE = 10_000.0  # ratio of the longest to the shortest wavelength
EPS = 1e-6  # of the published implementation
FULL_TURN = 2 * math.pi


def map_encoding(valid_BHW: Tensor, channels: int) -> Tensor:
    """Encode pixel centres relative to the part of the map that is image.

    Args:
        valid_BHW: bool [B, H, W], false on padding.
        channels: of the result, a multiple of 4; the first half for y, the other for x.

    Returns:
        float32 [B, S, channels].
    """
    y_BHW = valid_BHW.cumsum(1, dtype=torch.float32)
    x_BHW = valid_BHW.cumsum(2, dtype=torch.float32)
    y_BHW = (y_BHW - 0.5) / (y_BHW[:, -1:] + EPS) * FULL_TURN
    x_BHW = (x_BHW - 0.5) / (x_BHW[:, :, -1:] + EPS) * FULL_TURN
    half = channels // 2
    return torch.cat([_waves(y_BHW, half), _waves(x_BHW, half)], dim=-1).flatten(1, 2)


def word_encoding(valid_BL: Tensor, channels: int) -> Tensor:
    """Encode how far along its text a word stands.

    Args:
        valid_BL: bool [B, L], false on padding.
        channels: of the result, even.

    Returns:
        float32 [B, L, channels].
    """
    place_BL = valid_BL.cumsum(1, dtype=torch.float32)
    return _waves(place_BL / (place_BL[:, -1:] + EPS) * FULL_TURN, channels)


def _waves(angle: Tensor, channels: int) -> Tensor:
    """Sine and cosine, beside each other, of geometrically spaced fractions of an angle."""
    index_C = torch.arange(channels, dtype=torch.float32, device=angle.device)
    slowdown_C = TEMPERATURE ** (2 * (index_C // 2) / channels)
    phase = angle[..., None] / slowdown_C
    return torch.stack([phase[..., 0::2].sin(), phase[..., 1::2].cos()], dim=-1).flatten(-2)
