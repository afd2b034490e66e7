"""A small RF-VNG and inputs for it, drawn from a seed."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.efficientnet_lite import TrunkFeatures
from vng.nn.builders import rf_vng_on
from vng.nn.noun_classes import NounClasses
from vng.nn.noun_map import NounMap
from vng.nn.rf_vng import RFVNG

TEXT_CHANNELS = 12
TRUNK_CHANNELS = (8, 8, 16, 16)


class TinyTrunk(nn.Module):
    """Strided convolutions; sides are rounded up."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, TRUNK_CHANNELS[0], 3, stride=2, padding=1)
        inputs = (TRUNK_CHANNELS[0], *TRUNK_CHANNELS[:-1])
        self.stages = nn.ModuleList(
            nn.Conv2d(i, o, 3, stride=2, padding=1)
            for i, o in zip(inputs, TRUNK_CHANNELS, strict=True)
        )

    def forward(self, frames_BCHW: Tensor) -> TrunkFeatures:
        x = F.gelu(self.stem(frames_BCHW))
        levels = []
        for stage in self.stages:
            x = F.gelu(stage(x))
            levels.append(x)
        return TrunkFeatures(*levels)


def tiny_rf_vng(*, dropout: float = 0.0, seed: int = 0, lite: bool = False) -> RFVNG:
    """All parts of the full network with 32 channels and two layers, or also those of the lite."""
    torch.manual_seed(seed)
    network = rf_vng_on(
        TinyTrunk(),
        trunk_channels=TRUNK_CHANNELS,
        channels=32,
        layers=2,
        text_channels=TEXT_CHANNELS,
        dropout=dropout,
    )
    if lite:
        network.noun_map = NounMap(32)
        top = nn.Conv2d(TRUNK_CHANNELS[-1], 6, 1)
        network.noun_classes = NounClasses(top=top, channels=6, text_channels=TEXT_CHANNELS)
    # Layers that start at zero would hide what those before them do.
    for parameter in network.parameters():
        if parameter.ndim > 1 and not parameter.any():
            nn.init.normal_(parameter, std=0.2)
    return network


class Inputs(NamedTuple):
    """Arguments of the network."""

    frames_BT3HW: Tensor
    words_BLD: Tensor
    word_valid_BL: Tensor
    nouns_BND: Tensor


def tiny_inputs(
    *,
    batch: int = 2,
    frames: int = 3,
    height: int = 64,
    width: int = 96,
    nouns: int = 2,
    lengths: Sequence[int] = (4, 6),
    text_channels: int = TEXT_CHANNELS,
) -> Inputs:
    """Random clips, words and nouns."""
    rng = torch.Generator().manual_seed(0)
    longest = max(lengths[:batch])
    return Inputs(
        torch.rand(batch, frames, 3, height, width, generator=rng),
        torch.randn(batch, longest, text_channels, generator=rng),
        torch.arange(longest) < torch.tensor(lengths[:batch])[:, None],
        torch.randn(batch, nouns, text_channels, generator=rng),
    )
