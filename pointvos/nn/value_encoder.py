"""Value encoder of STCN: a frame with an object's mask to the features that are memorised."""

import torch
from torch import Tensor, nn

from pointvos.nn.cbam import CBAM
from pointvos.nn.residual_block import PreActivationBlock
from pointvos.nn.resnet import ResNetTrunk
from pointvos.nn.stcn import QueryFeatures


class FeatureFusion(nn.Module):
    """Joins mask features with the key encoder's features of the frame, both at stride 16."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.block1 = PreActivationBlock(in_channels, out_channels)
        self.attention = CBAM(out_channels)
        self.block2 = PreActivationBlock(out_channels, out_channels)

    def forward(self, mask_features_BCHW: Tensor, f16_BCHW: Tensor) -> Tensor:
        """Return float [B, out_channels, H, W]."""
        x_BCHW = self.block1(torch.cat([mask_features_BCHW, f16_BCHW], dim=1))
        fused: Tensor = self.block2(x_BCHW + self.attention(x_BCHW))
        return fused


class ResNetValueEncoder(nn.Module):
    """A ResNet trunk over RGB, mask and "other objects" channels, fused with the frame's features.

    Args:
        trunk: with 5 input channels (RGB, mask, others) or, for the single-object network of the
            static-image stage, 4 (RGB, mask).
        f16_channels: channels of the key encoder's stride-16 features.
        value_channels: channels of the values (512 in STCN).
    """

    def __init__(self, *, trunk: ResNetTrunk, f16_channels: int, value_channels: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.fusion = FeatureFusion(trunk.channels[2] + f16_channels, value_channels)
        # RGB filters come from a classifier; the mask filters have no such source (STCN code).
        with torch.no_grad():
            nn.init.orthogonal_(trunk.conv1.weight[:, 3:])

    def forward(
        self,
        frames_BCHW: Tensor,
        features: QueryFeatures,
        masks_BOHW: Tensor,
        others_BOHW: Tensor,
        points: bool,
    ) -> Tensor:
        """Encode all objects; frames are normalised. Points and masks are encoded alike.

        Returns:
            float [B, O, value_channels, H/16, W/16].

        Raises:
            ValueError: several objects given to the single-object network.
        """
        del points
        batch, objects = masks_BOHW.shape[:2]
        planes = [masks_BOHW.flatten(0, 1)[:, None]]
        if self.trunk.conv1.in_channels == 5:
            planes.append(others_BOHW.flatten(0, 1)[:, None])
        elif objects > 1:
            raise ValueError(
                f"the static-stage network has no channel for other objects and takes one object, "
                f"got {objects}; build stcn_resnet50(other_mask=True)"
            )
        frames_NCHW = frames_BCHW.repeat_interleave(objects, dim=0)  # N = B * O, objects fastest
        f16_NCHW = features.f16_BCHW.repeat_interleave(objects, dim=0)
        mask_features_NCHW = self.trunk(torch.cat([frames_NCHW, *planes], dim=1))[2]
        value_NCHW: Tensor = self.fusion(mask_features_NCHW, f16_NCHW)
        return value_NCHW.reshape(batch, objects, *value_NCHW.shape[1:])
