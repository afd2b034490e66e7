"""Convolutional block attention (CBAM, Woo et al., ECCV 2018): a channel, then a spatial gate."""

import torch
from torch import Tensor, nn


class ChannelGate(nn.Module):
    """Scales channels by an MLP of their spatial mean and maximum."""

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // reduction)
        self.expand = nn.Linear(channels // reduction, channels)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return float [B, C, H, W]."""
        scale_BC = self._mlp(x_BCHW.mean(dim=(2, 3))) + self._mlp(x_BCHW.amax(dim=(2, 3)))
        return x_BCHW * torch.sigmoid(scale_BC)[:, :, None, None]

    def _mlp(self, pooled_BC: Tensor) -> Tensor:
        expanded: Tensor = self.expand(torch.relu(self.reduce(pooled_BC)))
        return expanded


class SpatialGate(nn.Module):
    """Scales positions by a 7x7 convolution of the maximum and mean over channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return float [B, C, H, W]."""
        pooled = [x_BCHW.amax(dim=1, keepdim=True), x_BCHW.mean(dim=1, keepdim=True)]
        return x_BCHW * torch.sigmoid(self.conv(torch.cat(pooled, dim=1)))


class CBAM(nn.Module):
    """Channel gate followed by spatial gate; the residual is the caller's."""

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        self.channel_gate = ChannelGate(channels, reduction=reduction)
        self.spatial_gate = SpatialGate()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return float [B, C, H, W]."""
        gated: Tensor = self.spatial_gate(self.channel_gate(x_BCHW))
        return gated
