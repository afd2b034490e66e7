"""Named RF-VNG networks: the place where the numbers of an architecture stand."""

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor, nn

from pointvos.nn.backbones import RESNET_DEPTHS, SWINS, TRUNKS, TransformersTrunk
from pointvos.nn.efficientnet_lite import (
    PIXEL_MEAN,
    PIXEL_STD,
    EfficientNetLite0,
    EfficientNetLite0Top,
)
from pointvos.nn.fixed_batch_norm import FixedBatchNorm2d
from vng.nn.cross_modal_fpn import CrossModalFPN
from vng.nn.decoder import GroundingDecoder
from vng.nn.dynamic_mask_head import DynamicMaskHead
from vng.nn.encoder import GroundingEncoder
from vng.nn.noun_classes import NounClasses
from vng.nn.noun_map import NounMap
from vng.nn.rf_vng import RFVNG
from vng.nn.text_projection import TextProjection
from vng.nn.video_swin import VideoSwin
from vng.nn.video_swin_weights import load_kinetics_video_swin

ROBERTA_CHANNELS = 768
MINILM_CHANNELS = 384
LITE_TRUNK_CHANNELS = (24, 40, 112, 192)


def rf_vng_resnet50(
    *,
    weights: str | None = None,
    text_channels: int = ROBERTA_CHANNELS,
    dropout: float = 0.1,
) -> RFVNG:
    """Build ReferFormer with a ResNet-50: 51.7 M parameters without the text encoder.

    Args:
        weights: folder with the trunk in the layout of transformers; None fills it randomly.
        text_channels: of the text encoder; 768 for RoBERTa.
        dropout: probability, in training.

    Returns:
        Network whose parts beside the trunk are randomly initialised; see
        `vng.nn.official_weights` for trained ones.

    Raises:
        ValueError: the folder holds another trunk.
    """
    return rf_vng_resnet("resnet50", weights=weights, text_channels=text_channels, dropout=dropout)


def rf_vng_resnet(
    name: str,
    *,
    weights: str | None = None,
    text_channels: int = ROBERTA_CHANNELS,
    dropout: float = 0.1,
) -> RFVNG:
    """Build ReferFormer with a ResNet, of which stem, first stage and batch norms never train.

    Args:
        name: "resnet50" or "resnet101".
        weights: folder with the trunk in the layout of transformers; None fills it randomly.
        text_channels: of the text encoder.
        dropout: probability, in training.

    Raises:
        ValueError: the name is unknown, or the folder holds another trunk.
    """
    trunk = _trunk(name, weights, known=sorted(RESNET_DEPTHS))
    freeze_resnet(trunk)
    return rf_vng_on(
        trunk, trunk_channels=trunk.channels, text_channels=text_channels, dropout=dropout
    )


def rf_vng_swin(
    name: str = "swin_tiny",
    *,
    weights: str | None = None,
    text_channels: int = ROBERTA_CHANNELS,
    dropout: float = 0.1,
) -> RFVNG:
    """Build ReferFormer with a Swin Transformer.

    Args:
        name: "swin_tiny", "swin_small", "swin_base" or "swin_large".
        weights: folder with the trunk in the layout of transformers; None fills it randomly.
        text_channels: of the text encoder.
        dropout: probability, in training, behind the trunk.

    Raises:
        ValueError: the name is unknown, or the folder holds another trunk.
    """
    trunk = _trunk(name, weights, known=sorted(SWINS))
    return rf_vng_on(
        trunk, trunk_channels=trunk.channels, text_channels=text_channels, dropout=dropout
    )


def rf_vng_video_swin_tiny(
    *,
    weights: Mapping[str, Tensor] | None = None,
    text_channels: int = ROBERTA_CHANNELS,
    dropout: float = 0.1,
    drop_path: float = 0.2,
) -> RFVNG:
    """Build ReferFormer with a Video Swin Transformer, which mixes the frames of a clip.

    Args:
        weights: of the trunk, published for Kinetics; None fills it randomly.
        text_channels: of the text encoder.
        dropout: probability, in training, behind the trunk.
        drop_path: largest probability, in training, that a clip skips half a block of the trunk.

    Raises:
        ValueError: the weights are of another trunk.
    """
    # Liu et al. (CVPR 2022), section 3.3; the window of the published weights.
    trunk = VideoSwin(
        channels=96,
        depths=(2, 2, 6, 2),
        heads=(3, 6, 12, 24),
        window=(8, 7, 7),
        drop_path=drop_path,
    )
    if weights is not None:
        load_kinetics_video_swin(trunk, weights)
    return rf_vng_on(
        trunk, trunk_channels=trunk.channels, text_channels=text_channels, dropout=dropout
    )


def rf_vng_on(
    trunk: nn.Module,
    *,
    trunk_channels: tuple[int, ...],
    channels: int = 256,
    layers: int = 4,
    text_channels: int = ROBERTA_CHANNELS,
    dropout: float = 0.1,
) -> RFVNG:
    """Build the full network on any trunk, with ReferFormer's published dimensions.

    Args:
        trunk: normalised frames, or clips (`ClipTrunk`), to features at strides 4, 8, 16 and 32.
        trunk_channels: of those.
        channels: of everything behind them; the published network has 256.
        layers: of encoder and decoder each; the published network has 4.
        text_channels: of the text encoder.
        dropout: probability, in training.
    """
    heads, points, hidden = 8, 4, 8 * channels
    return RFVNG(
        trunk=trunk,
        text=TextProjection(text_channels=text_channels, channels=channels, dropout=dropout),
        encoder=GroundingEncoder(
            trunk_channels=trunk_channels,
            channels=channels,
            layers=layers,
            heads=heads,
            points=points,
            hidden=hidden,
            dropout=dropout,
        ),
        pixel_decoder=CrossModalFPN(
            inputs=(trunk_channels[0], channels, channels, channels),
            channels=channels,
            mask_channels=channels,
            heads=heads,
            hidden=hidden,
            reductions=(8, 4, 2, 1),
            dropout=dropout,
        ),
        decoder=GroundingDecoder(
            queries=5,
            channels=channels,
            levels=len(trunk_channels),
            layers=layers,
            heads=heads,
            points=points,
            hidden=hidden,
            dropout=dropout,
        ),
        mask_head=DynamicMaskHead(query_channels=channels, mask_channels=channels, hidden=8),
    )


def rf_vng_lite(*, text_channels: int = MINILM_CHANNELS) -> RFVNG:
    """Build the small network, on EfficientNet-Lite0: 7.0 M parameters, 2.3 M of them trunk.

    It is made for two processor cores and frames whose short side is about 320 pixels. Half the
    channels of the full one, fewer layers, and at stride 4, where three quarters of the pixels are,
    a quarter of the channels and no vision and language: the mask features there take what they
    need from stride 8. Relative coordinates count in steps of 32 pixels, so that the masks of an
    untrained network are not ramps of hundreds. A noun map, which ReferFormer does not have, learns
    what words look like from the few images that such a network is trained on, and starts from what
    the trunk's ImageNet classifier knows of them.

    Args:
        text_channels: of the text encoder; 384 for MiniLM.

    Returns:
        Randomly initialised network. `pointvos.nn.efficientnet_lite.load_imagenet_lite0` fills the
        trunk, `vng.training.known_classes.fill_noun_classes` the noun classes.
    """
    channels, heads, points, hidden = 128, 4, 4, 512
    top = EfficientNetLite0Top()
    return RFVNG(
        trunk=EfficientNetLite0(),
        text=TextProjection(text_channels=text_channels, channels=channels),
        encoder=GroundingEncoder(
            trunk_channels=LITE_TRUNK_CHANNELS,
            channels=channels,
            layers=2,
            heads=heads,
            points=points,
            hidden=hidden,
        ),
        pixel_decoder=CrossModalFPN(
            inputs=(LITE_TRUNK_CHANNELS[0], channels, channels, channels),
            channels=channels,
            mask_channels=64,
            heads=heads,
            hidden=hidden,
            finest_channels=64,
            reductions=(None, 4, 2, 1),
        ),
        decoder=GroundingDecoder(
            queries=5,
            channels=channels,
            levels=len(LITE_TRUNK_CHANNELS),
            layers=3,
            heads=heads,
            points=points,
            hidden=hidden,
        ),
        mask_head=DynamicMaskHead(
            query_channels=channels, mask_channels=64, hidden=8, coordinate_unit=32.0
        ),
        noun_map=NounMap(channels),
        noun_classes=NounClasses(top=top, channels=top.channels, text_channels=text_channels),
        pixel_mean=PIXEL_MEAN,
        pixel_std=PIXEL_STD,
    )


def freeze_resnet(trunk: TransformersTrunk) -> None:
    """Exclude from training what ReferFormer excludes: stem, first stage, all batch norms."""
    backbone = trunk.backbone
    batch_norms = [x for x in backbone.modules() if isinstance(x, FixedBatchNorm2d)]
    for module in (backbone.embedder, backbone.encoder.stages[0], *batch_norms):
        module.requires_grad_(False)


def _trunk(name: str, weights: str | None, *, known: list[str]) -> TransformersTrunk:
    if name not in known:
        raise ValueError(f"backbone: expected one of {known}, found {name!r}")
    return TRUNKS[name](weights)


# Each takes `text_channels`; the full ones also `weights` and `dropout`.
BUILDERS: dict[str, Callable[..., RFVNG]] = {
    "rf_vng_lite": rf_vng_lite,
    **{f"rf_vng_{name}": partial(rf_vng_resnet, name) for name in sorted(RESNET_DEPTHS)},
    **{f"rf_vng_{name}": partial(rf_vng_swin, name) for name in SWINS},
    "rf_vng_video_swin_tiny": rf_vng_video_swin_tiny,
}
