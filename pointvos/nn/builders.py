"""Named networks: the place where the numbers of an architecture stand."""

from collections.abc import Callable

from pointvos.nn.decoder import STCNDecoder
from pointvos.nn.key_encoder import ResNetKeyEncoder
from pointvos.nn.lite import stcn_lite
from pointvos.nn.memory_read import SpaceTimeReader
from pointvos.nn.resnet import BasicBlock, Bottleneck, ResNetTrunk
from pointvos.nn.stcn import STCN
from pointvos.nn.value_encoder import ResNetValueEncoder


def stcn_resnet50(*, other_mask: bool = True) -> STCN:
    """Build the network of the paper: ResNet-50 keys, ResNet-18 values, 54.43 M parameters.

    Args:
        other_mask: whether the value encoder sees the masks of the other objects. False gives the
            single-object network of the static-image stage.

    Returns:
        Randomly initialised network; see `pointvos.nn.official_weights` for trained ones.
    """
    key_trunk = ResNetTrunk(block=Bottleneck, depths=(3, 4, 6))
    value_trunk = ResNetTrunk(
        block=BasicBlock, depths=(2, 2, 2), in_channels=5 if other_mask else 4, bias=True
    )
    f4_channels, f8_channels, f16_channels = key_trunk.channels
    return STCN(
        key_encoder=ResNetKeyEncoder(trunk=key_trunk, key_channels=64, thin_channels=512),
        value_encoder=ResNetValueEncoder(
            trunk=value_trunk, f16_channels=f16_channels, value_channels=512
        ),
        reader=SpaceTimeReader(),
        decoder=STCNDecoder(
            readout_channels=512,
            thin_channels=512,
            f8_channels=f8_channels,
            f4_channels=f4_channels,
            width=512,
        ),
    )


BUILDERS: dict[str, Callable[[], STCN]] = {
    "stcn_resnet50": stcn_resnet50,
    "stcn_lite": stcn_lite,
}
