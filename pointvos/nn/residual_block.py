"""Residual block without normalisation, used by the value fusion and the decoder of STCN."""

import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.convolution import Conv3x3


class PreActivationBlock(nn.Module):
    """Two 3x3 convolutions, each after a ReLU, plus a shortcut (3x3 where the channels differ)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = Conv3x3(in_channels, out_channels)
        self.conv2 = Conv3x3(out_channels, out_channels)
        self.downsample: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.downsample = Conv3x3(in_channels, out_channels)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return float [B, out_channels, H, W]."""
        y_BCHW = self.conv1(F.relu(x_BCHW))
        sum_BCHW: Tensor = self.conv2(F.relu(y_BCHW)) + self.downsample(x_BCHW)
        return sum_BCHW
