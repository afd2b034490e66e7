"""The small pixel decoder: convolutions from coarse to fine, and what the evidence path reads.

No depthwise convolutions: their weight gradients are slow on a processor. Everything here is done
once per frame, however many clicks follow.

Shape legend: B batch, C channels, H W height and width (of the level at hand).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.efficientnet_lite import TrunkFeatures
from pointvos.nn.interactive.features import EvidenceFeatures, FrameFeatures
from pointvos.nn.interactive.similar_places import Similarity
from pointvos.nn.lite import ResidualBlock

NORM_GROUPS = 8


class LitePixelDecoder(nn.Module):
    """Lateral 1x1 convolutions, bilinear enlargement, one residual block per scale.

    Mask features stay at stride 8: the evidence path carries the masks on to stride 4.

    Args:
        trunk_channels: of the trunk at strides 4, 8, 16 and 32.
        channels: of scales and mask features.
        thin: of the evidence features at strides 8 to 32; half as many at stride 4.
        embedding: length of the vectors by which clicks and pixels are compared.
    """

    def __init__(
        self, *, trunk_channels: Sequence[int], channels: int, thin: int, embedding: int
    ) -> None:
        super().__init__()
        finest, *coarser = trunk_channels
        self.laterals = nn.ModuleList(nn.Conv2d(inputs, channels, 1) for inputs in coarser)
        self.input_norms = nn.ModuleList(nn.GroupNorm(NORM_GROUPS, channels) for _ in coarser)
        self.blocks = nn.ModuleList(ResidualBlock(channels, channels) for _ in coarser)
        self.output_norms = nn.ModuleList(nn.GroupNorm(NORM_GROUPS, channels) for _ in coarser)
        self.mask = nn.Conv2d(channels, channels, 1)
        self.thin32 = nn.Conv2d(channels, thin, 1)
        self.thin16 = nn.Conv2d(channels, thin, 1)
        self.thin8 = nn.Conv2d(channels, thin, 1)
        self.skip4 = nn.Conv2d(finest, thin // 2, 1)
        self.up4 = nn.Conv2d(thin, thin // 2, 1)
        self.norm4 = nn.GroupNorm(NORM_GROUPS, thin)
        self.embedding = nn.Conv2d(thin, embedding, 1)
        self.thin4 = nn.Conv2d(thin, thin // 2, 1)
        self.similarity = Similarity()

    def forward(self, trunk: TrunkFeatures) -> FrameFeatures:
        """Scales, mask features at stride 8, evidence features."""
        f4, *coarser = trunk
        found: list[Tensor] = []
        for index in reversed(range(len(coarser))):
            x = self.laterals[index](coarser[index])
            if found:
                x = x + F.interpolate(found[-1], size=x.shape[-2:], mode="bilinear")
            x = self.blocks[index](self.input_norms[index](x))
            found.append(self.output_norms[index](x))
        scale32, scale16, scale8 = found
        f8 = self.thin8(scale8)
        up = F.interpolate(self.up4(f8), size=f4.shape[-2:], mode="bilinear")
        both = self.norm4(torch.cat([self.skip4(f4), up], dim=1))
        embedding = F.normalize(self.embedding(both).float(), dim=1)
        thin = self.thin4(both), f8, self.thin16(scale16), self.thin32(scale32)
        evidence = EvidenceFeatures(embedding, *thin, self.similarity(embedding))
        return FrameFeatures((scale32, scale16, scale8), self.mask(scale8), evidence)
