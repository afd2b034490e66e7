"""The parts of the full network at toy widths: same code, milliseconds instead of seconds."""

import torch

from pointvos.nn.decoder import STCNDecoder
from pointvos.nn.key_encoder import ResNetKeyEncoder
from pointvos.nn.memory_read import SpaceTimeReader
from pointvos.nn.resnet import BasicBlock, Bottleneck, ResNetTrunk
from pointvos.nn.stcn import STCN
from pointvos.nn.value_encoder import ResNetValueEncoder


def tiny_stcn(
    *,
    seed: int = 0,
    other_mask: bool = True,
    point_radius: int = 0,
    decodes_reference: bool = False,
) -> STCN:
    """A randomly initialised STCN with 8-channel keys and 32-channel values."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        key_trunk = ResNetTrunk(block=Bottleneck, depths=(1, 1, 1), width=4)
        value_trunk = ResNetTrunk(
            block=BasicBlock,
            depths=(1, 1, 1),
            in_channels=5 if other_mask else 4,
            width=4,
            bias=True,
        )
        f4_channels, f8_channels, f16_channels = key_trunk.channels
        return STCN(
            key_encoder=ResNetKeyEncoder(trunk=key_trunk, key_channels=8, thin_channels=16),
            value_encoder=ResNetValueEncoder(
                trunk=value_trunk, f16_channels=f16_channels, value_channels=32
            ),
            reader=SpaceTimeReader(),
            decoder=STCNDecoder(
                readout_channels=32,
                thin_channels=16,
                f8_channels=f8_channels,
                f4_channels=f4_channels,
                width=16,
            ),
            point_radius=point_radius,
            decodes_reference=decodes_reference,
        ).eval()
