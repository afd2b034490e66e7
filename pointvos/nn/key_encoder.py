"""Key encoder of STCN: ResNet features of a frame, its key and its appearance features."""

from torch import Tensor, nn

from pointvos.nn.convolution import Conv3x3
from pointvos.nn.resnet import ResNetTrunk
from pointvos.nn.stcn import QueryFeatures


class ResNetKeyEncoder(nn.Module):
    """A ResNet trunk with two 3x3 projections of its stride-16 output.

    Args:
        trunk: gives strides 4, 8 and 16 of an RGB frame.
        key_channels: channels of the key (64 in STCN).
        thin_channels: channels of the appearance features (512 in STCN).
    """

    def __init__(self, *, trunk: ResNetTrunk, key_channels: int, thin_channels: int) -> None:
        super().__init__()
        self.trunk = trunk
        f16_channels = trunk.channels[2]
        self.key_projection = Conv3x3(f16_channels, key_channels)
        self.thin_projection = Conv3x3(f16_channels, thin_channels)
        # Orthogonal keys without offset spread the L2 similarity well at the start (STCN code).
        nn.init.orthogonal_(self.key_projection.weight)
        assert self.key_projection.bias is not None
        nn.init.zeros_(self.key_projection.bias)

    def forward(self, frames_BCHW: Tensor) -> QueryFeatures:
        """Encode normalised frames, float [B, 3, H, W]."""
        f4_BCHW, f8_BCHW, f16_BCHW = self.trunk(frames_BCHW)
        return QueryFeatures(
            key_BCHW=self.key_projection(f16_BCHW),
            thin_BCHW=self.thin_projection(f16_BCHW),
            f16_BCHW=f16_BCHW,
            f8_BCHW=f8_BCHW,
            f4_BCHW=f4_BCHW,
        )
