"""Decoder of STCN: memory readout and frame features to a mask, one object at a time."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.convolution import Conv3x3
from pointvos.nn.residual_block import PreActivationBlock
from pointvos.nn.stcn import QueryFeatures


class UpsampleBlock(nn.Module):
    """Doubles the resolution and adds a skip connection."""

    def __init__(self, skip_channels: int, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.skip_conv = Conv3x3(skip_channels, in_channels)
        self.out_conv = PreActivationBlock(in_channels, out_channels)

    def forward(self, skip_BCHW: Tensor, x_NCHW: Tensor) -> Tensor:
        """Return float [N, out_channels, 2H, 2W], N = B * O.

        The skip convolution sees frame features only, so it runs once for all objects of a frame.
        """
        objects = x_NCHW.shape[0] // skip_BCHW.shape[0]
        skip_NCHW = self.skip_conv(skip_BCHW).repeat_interleave(objects, dim=0)
        out: Tensor = self.out_conv(skip_NCHW + _upsample(x_NCHW, 2))
        return out


class STCNDecoder(nn.Module):
    """Two upsampling steps and a prediction at stride 4, enlarged to the input.

    Args:
        readout_channels: channels of the memory readout (512 in STCN).
        thin_channels: channels of the frame's appearance features (512).
        f8_channels: channels of the stride-8 skip connection (512).
        f4_channels: channels of the stride-4 skip connection (256).
        width: channels at stride 16; half as many at strides 8 and 4.
    """

    def __init__(
        self,
        *,
        readout_channels: int,
        thin_channels: int,
        f8_channels: int,
        f4_channels: int,
        width: int,
    ) -> None:
        super().__init__()
        self.compress = PreActivationBlock(readout_channels + thin_channels, width)
        self.up_16_8 = UpsampleBlock(f8_channels, width, width // 2)
        self.up_8_4 = UpsampleBlock(f4_channels, width // 2, width // 2)
        self.prediction = nn.Conv2d(width // 2, 1, 3, padding=1)

    def forward(self, features: QueryFeatures, readout_BOCHW: Tensor) -> Tensor:
        """Return logits, float [B, O, H, W] at input resolution."""
        batch, objects = readout_BOCHW.shape[:2]
        thin_NCHW = features.thin_BCHW.repeat_interleave(objects, dim=0)
        x_NCHW = self.compress(torch.cat([readout_BOCHW.flatten(0, 1), thin_NCHW], dim=1))
        x_NCHW = self.up_16_8(features.f8_BCHW, x_NCHW)
        x_NCHW = self.up_8_4(features.f4_BCHW, x_NCHW)
        logits_N1HW = _upsample(self.prediction(F.relu(x_NCHW)), 4)
        return logits_N1HW.reshape(batch, objects, *logits_N1HW.shape[2:])


def _upsample(x_BCHW: Tensor, factor: int) -> Tensor:
    return F.interpolate(x_BCHW, scale_factor=factor, mode="bilinear", align_corners=False)
