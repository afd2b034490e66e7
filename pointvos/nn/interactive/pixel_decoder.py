"""The full pixel decoder: a deformable encoder over strides 8, 16 and 32, and stride-4 features.

Shape legend: B batch, C channels, S positions of all three levels, L levels, H W height and width.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.deformable_attention import LevelShapes, MultiScaleDeformableAttention
from pointvos.nn.efficientnet_lite import TrunkFeatures
from pointvos.nn.interactive.attention import FeedForwardBlock
from pointvos.nn.interactive.features import FrameFeatures
from pointvos.nn.interactive.positions import map_encoding

NORM_GROUPS = 32


class DeformableEncoderLayer(nn.Module):
    """Deformable self-attention of all positions, then feed-forward.

    Args:
        channels: of all tokens.
        levels: of the pyramid.
        heads: of the attention.
        points: read by each head of each level.
        hidden: of the feed-forward block.
        dropout: probability behind every linear layer that ends a path, in training.
    """

    def __init__(
        self,
        *,
        channels: int,
        levels: int,
        heads: int,
        points: int,
        hidden: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.attention = MultiScaleDeformableAttention(
            channels=channels, levels=levels, heads=heads, points=points
        )
        self.norm = nn.LayerNorm(channels)
        self.feed_forward = FeedForwardBlock(channels=channels, hidden=hidden, dropout=dropout)

    def forward(
        self,
        x_BSC: Tensor,
        position: Tensor,
        reference_BSL2: Tensor,
        shapes: LevelShapes,
        padding_BS: Tensor | None = None,
    ) -> Tensor:
        """[B, S, C] -> [B, S, C]; positions are [S, C] or [B, S, C]."""
        read_BSC = self.attention(x_BSC + position, reference_BSL2, x_BSC, shapes, padding_BS)
        if self.dropout:
            read_BSC = F.dropout(read_BSC, self.dropout, self.training)
        out_BSC: Tensor = self.feed_forward(self.norm(x_BSC + read_BSC))
        return out_BSC


class PixelDecoder(nn.Module):
    """Mask2Former's pixel decoder, which DynaMITe uses, on pure-PyTorch deformable attention.

    Args:
        trunk_channels: of the trunk at strides 4, 8, 16 and 32.
        channels: of all results.
        layers: of the deformable encoder.
        heads: of its attention.
        points: read by each head of each level.
        hidden: of its feed-forward blocks.
    """

    def __init__(
        self,
        *,
        trunk_channels: Sequence[int],
        channels: int = 256,
        layers: int = 6,
        heads: int = 8,
        points: int = 4,
        hidden: int = 1024,
    ) -> None:
        super().__init__()
        finest, *coarser = trunk_channels
        self.inputs = nn.ModuleList(  # strides 32, 16, 8
            nn.Sequential(nn.Conv2d(inputs, channels, 1), nn.GroupNorm(NORM_GROUPS, channels))
            for inputs in reversed(coarser)
        )
        levels = len(coarser)
        self.level = nn.Parameter(torch.randn(levels, channels))
        self.layers = nn.ModuleList(
            DeformableEncoderLayer(
                channels=channels, levels=levels, heads=heads, points=points, hidden=hidden
            )
            for _ in range(layers)
        )
        self.lateral4 = nn.Sequential(
            nn.Conv2d(finest, channels, 1, bias=False), nn.GroupNorm(NORM_GROUPS, channels)
        )
        self.output4 = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.GroupNorm(NORM_GROUPS, channels),
            nn.ReLU(),
        )
        self.mask = nn.Conv2d(channels, channels, 1)

    def forward(self, trunk: TrunkFeatures) -> FrameFeatures:
        """Scales and mask features at stride 4, all with `channels`."""
        f4, f8, f16, f32 = trunk
        maps = [project(x) for project, x in zip(self.inputs, (f32, f16, f8), strict=True)]
        shapes = [(x.shape[-2], x.shape[-1]) for x in maps]
        x_BSC = torch.cat([x.flatten(2).transpose(1, 2) for x in maps], dim=1)
        positions = [
            map_encoding(height, width, x_BSC.shape[-1], x_BSC.device) + level_C
            for (height, width), level_C in zip(shapes, self.level, strict=True)
        ]
        position_SC = torch.cat(positions).to(x_BSC.dtype)
        reference_BSL2 = pixel_centres(shapes, x_BSC).expand(x_BSC.shape[0], -1, len(shapes), -1)
        for layer in self.layers:
            x_BSC = layer(x_BSC, position_SC, reference_BSL2, shapes)
        parts = x_BSC.split([height * width for height, width in shapes], dim=1)
        scale32, scale16, scale8 = (
            part.transpose(1, 2).unflatten(-1, shape)
            for part, shape in zip(parts, shapes, strict=True)
        )
        up = F.interpolate(scale8, size=f4.shape[-2:], mode="bilinear")
        mask_BCHW = self.mask(self.output4(self.lateral4(f4) + up))
        return FrameFeatures((scale32, scale16, scale8), mask_BCHW, None)


def pixel_centres(shapes: LevelShapes, like: Tensor) -> Tensor:
    """Where the pixels of all levels lie, (x, y) in [0, 1] of the image: float32 [1, S, 1, 2]."""
    centres = []
    for height, width in shapes:
        y_H = (torch.arange(height, device=like.device) + 0.5) / height
        x_W = (torch.arange(width, device=like.device) + 0.5) / width
        y_HW, x_HW = torch.meshgrid(y_H, x_W, indexing="ij")
        centres.append(torch.stack([x_HW, y_HW], dim=-1).flatten(0, 1))
    return torch.cat(centres)[None, :, None]
