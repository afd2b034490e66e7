"""ResNet trunks up to stride 16 (He et al., 2016), with the parameter names of torchvision.

ResNet-50 is "v1.5": the 3x3 convolution of a bottleneck carries the stride, not the first 1x1.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.convolution import Conv3x3
from pointvos.nn.fixed_batch_norm import FixedBatchNorm2d


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, in_channels: int, width: int, *, stride: int, bias: bool) -> None:
        super().__init__()
        self.conv1 = Conv3x3(in_channels, width, stride=stride, bias=bias)
        self.bn1 = FixedBatchNorm2d(width)
        self.conv2 = Conv3x3(width, width, bias=bias)
        self.bn2 = FixedBatchNorm2d(width)
        self.downsample = _shortcut(in_channels, width, stride=stride, bias=bias)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return float [B, width, H/stride, W/stride]."""
        y_BCHW = F.relu(self.bn1(self.conv1(x_BCHW)))
        y_BCHW = self.bn2(self.conv2(y_BCHW))
        return F.relu(y_BCHW + self.downsample(x_BCHW))


class Bottleneck(nn.Module):
    """1x1, 3x3 (with the stride), 1x1 to four times the width, and a shortcut."""

    expansion = 4

    def __init__(self, in_channels: int, width: int, *, stride: int, bias: bool) -> None:
        super().__init__()
        out_channels = width * self.expansion
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=bias)
        self.bn1 = FixedBatchNorm2d(width)
        self.conv2 = Conv3x3(width, width, stride=stride, bias=bias)
        self.bn2 = FixedBatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=bias)
        self.bn3 = FixedBatchNorm2d(out_channels)
        self.downsample = _shortcut(in_channels, out_channels, stride=stride, bias=bias)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return float [B, 4 width, H/stride, W/stride]."""
        y_BCHW = F.relu(self.bn1(self.conv1(x_BCHW)))
        y_BCHW = F.relu(self.bn2(self.conv2(y_BCHW)))
        y_BCHW = self.bn3(self.conv3(y_BCHW))
        return F.relu(y_BCHW + self.downsample(x_BCHW))


class ResNetTrunk(nn.Module):
    """Stem and the first three stages of a ResNet.

    Args:
        block: `BasicBlock` (ResNet-18) or `Bottleneck` (ResNet-50).
        depths: number of blocks of each of the three stages.
        in_channels: 3 for RGB, more when masks are stacked onto it.
        width: channels of the stem; the stages have 1, 2 and 4 times as many (times the expansion).
        bias: whether convolutions have biases (the STCN value encoder's do).
    """

    def __init__(
        self,
        *,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        in_channels: int = 3,
        width: int = 64,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=bias)
        self.bn1 = FixedBatchNorm2d(width)
        channels = [width * factor * block.expansion for factor in (1, 2, 4)]
        self.layer1 = _stage(block, width, width, depths[0], stride=1, bias=bias)
        self.layer2 = _stage(block, channels[0], 2 * width, depths[1], stride=2, bias=bias)
        self.layer3 = _stage(block, channels[1], 4 * width, depths[2], stride=2, bias=bias)
        self.channels = tuple(channels)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the outputs of the three stages, at strides 4, 8 and 16."""
        x_BCHW = F.relu(self.bn1(self.conv1(x_BCHW)))
        x_BCHW = F.max_pool2d(x_BCHW, kernel_size=3, stride=2, padding=1)
        f4_BCHW = self.layer1(x_BCHW)
        f8_BCHW = self.layer2(f4_BCHW)
        f16_BCHW = self.layer3(f8_BCHW)
        return f4_BCHW, f8_BCHW, f16_BCHW


def _shortcut(in_channels: int, out_channels: int, *, stride: int, bias: bool) -> nn.Module:
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=bias),
        FixedBatchNorm2d(out_channels),
    )


def _stage(
    block: type[BasicBlock] | type[Bottleneck],
    in_channels: int,
    width: int,
    depth: int,
    *,
    stride: int,
    bias: bool,
) -> nn.Sequential:
    blocks = [block(in_channels, width, stride=stride, bias=bias)]
    out_channels = width * block.expansion
    blocks += [block(out_channels, width, stride=1, bias=bias) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)
