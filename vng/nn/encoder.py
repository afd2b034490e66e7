"""The encoder: trunk features, joined to the narrative, in a deformable transformer, per frame.

Shape legend: F frames, H W height and width of a level, S pixels of all levels one after another,
L levels, C channels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pointvos.nn.deformable_attention import LevelShapes
from pointvos.nn.efficientnet_lite import TrunkFeatures
from pointvos.nn.interactive.pixel_decoder import DeformableEncoderLayer
from vng.nn.early_fusion import EarlyFusion
from vng.nn.levels import Level
from vng.nn.text_projection import Words

NORM_GROUPS = 32


class InputProjections(nn.Module):
    """Trunk features at strides 8, 16 and 32 to as many channels; a fourth level at stride 64.

    Args:
        trunk_channels: of the trunk at strides 4, 8, 16 and 32.
        channels: of the results.
    """

    def __init__(self, *, trunk_channels: Sequence[int], channels: int) -> None:
        super().__init__()
        coarser = trunk_channels[1:]
        self.same_size = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs, channels, 1), nn.GroupNorm(NORM_GROUPS, channels))
            for inputs in coarser
        )
        self.halve = nn.Sequential(
            nn.Conv2d(coarser[-1], channels, 3, stride=2, padding=1),
            nn.GroupNorm(NORM_GROUPS, channels),
        )
        for projection in (*self.same_size, self.halve):
            nn.init.xavier_uniform_(projection[0].weight)
            nn.init.zeros_(projection[0].bias)

    def forward(self, trunk: TrunkFeatures) -> list[Tensor]:
        """Four maps [F, channels, H, W]."""
        coarser = trunk[1:]
        maps = [project(x) for project, x in zip(self.same_size, coarser, strict=True)]
        return [*maps, self.halve(coarser[-1])]


class GroundingEncoder(nn.Module):
    """ReferFormer's encoder.

    Args:
        trunk_channels: of the trunk at strides 4, 8, 16 and 32.
        channels: of everything behind it.
        layers: of the transformer.
        heads: of all attention.
        points: read by each head of each level.
        hidden: of the feed-forward blocks.
        dropout: probability, in training.
    """

    def __init__(
        self,
        *,
        trunk_channels: Sequence[int],
        channels: int,
        layers: int,
        heads: int,
        points: int,
        hidden: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.project = InputProjections(trunk_channels=trunk_channels, channels=channels)
        self.fuse = EarlyFusion(channels=channels, heads=heads)
        levels = len(trunk_channels)
        self.level = nn.Parameter(torch.randn(levels, channels))
        self.layers = nn.ModuleList(
            DeformableEncoderLayer(
                channels=channels,
                levels=levels,
                heads=heads,
                points=points,
                hidden=hidden,
                dropout=dropout,
            )
            for _ in range(layers)
        )
        for layer in self.layers:
            for name in ("feed_forward.expand", "feed_forward.project"):
                nn.init.xavier_uniform_(layer.get_submodule(name).weight)  # type: ignore[arg-type]

    def forward(self, trunk: TrunkFeatures, words: Words, levels: Sequence[Level]) -> Tensor:
        """Encode frames.

        Args:
            trunk: features of the frames.
            words: of each frame.
            levels: at strides 8, 16, 32 and 64, for each frame.

        Returns:
            float [F, S, C], the levels one after another.
        """
        maps = self.project(trunk)
        x_FSC = torch.cat([self.fuse(x.flatten(2).transpose(1, 2), words) for x in maps], dim=1)
        position_FSC = torch.cat(
            [
                level.position_BSC + embedding_C
                for level, embedding_C in zip(levels, self.level, strict=True)
            ],
            dim=1,
        ).to(x_FSC.dtype)
        reference_FSL2 = reference_points(levels)
        padding_FS = joined_padding(levels)
        shapes = level_shapes(levels)
        for layer in self.layers:
            x_FSC = layer(x_FSC, position_FSC, reference_FSL2, shapes, padding_FS)
        return x_FSC


def level_shapes(levels: Sequence[Level]) -> LevelShapes:
    """Heights and widths of levels."""
    return [level.shape for level in levels]


def joined_padding(levels: Sequence[Level]) -> Tensor | None:
    """Padding of all levels one after another, bool [F, S]; None where there is none."""
    paddings = [level.padding_BS for level in levels if level.padding_BS is not None]
    return torch.cat(paddings, dim=1) if paddings else None


def reference_points(levels: Sequence[Level]) -> Tensor:
    """Where on each level every pixel of all levels lies: float32 [F, S, L, 2] in parts of it.

    A place is the same part of the *image* on all levels, whose padding is rounded differently.
    """
    centres = []
    for (height, width), _, _, valid_F2 in levels:
        y_H = (torch.arange(height, device=valid_F2.device) + 0.5) / height
        x_W = (torch.arange(width, device=valid_F2.device) + 0.5) / width
        y_HW, x_HW = torch.meshgrid(y_H, x_W, indexing="ij")
        of_map_1S2 = torch.stack([x_HW, y_HW], dim=-1).flatten(0, 1)[None]
        centres.append(of_map_1S2 / valid_F2[:, None])
    valid_FL2 = torch.stack([level.valid_B2 for level in levels], dim=1)
    return torch.cat(centres, dim=1)[:, :, None] * valid_FL2[:, None]
