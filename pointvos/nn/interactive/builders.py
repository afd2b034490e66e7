"""Named interactive segmenters: the place where the numbers of an architecture stand."""

from collections.abc import Callable

from torch import nn

from pointvos.nn.backbones import TRUNKS
from pointvos.nn.efficientnet_lite import PIXEL_MEAN, PIXEL_STD, EfficientNetLite0
from pointvos.nn.interactive.evidence import EvidencePath
from pointvos.nn.interactive.lite_pixel_decoder import LitePixelDecoder
from pointvos.nn.interactive.mask_head import MaskHead
from pointvos.nn.interactive.pixel_decoder import PixelDecoder
from pointvos.nn.interactive.queries import ClickEncoder, QueryEncoder, TraceEncoder
from pointvos.nn.interactive.segmenter import InteractiveSegmenter
from pointvos.nn.interactive.transformer import InteractiveTransformer

LITE_TRUNK_CHANNELS = (24, 40, 112, 192)


def interactive_full(
    *, backbone: str = "swin_tiny", weights: str | None = None
) -> InteractiveSegmenter:
    """Build DynaMITe with its published dimensions and the trace query of the paper.

    Args:
        backbone: a name in `pointvos.nn.backbones.TRUNKS`.
        weights: folder with the trunk in the layout of transformers; None fills it randomly.

    Returns:
        Network whose parts beside the trunk are randomly initialised.

    Raises:
        ValueError: the backbone is unknown, or the folder holds another one.
    """
    if backbone not in TRUNKS:
        raise ValueError(f"backbone: expected one of {sorted(TRUNKS)}, found {backbone!r}")
    trunk = TRUNKS[backbone](weights)
    return interactive_on(trunk, trunk_channels=trunk.channels)


def interactive_on(
    trunk: nn.Module, *, trunk_channels: tuple[int, ...], channels: int = 256
) -> InteractiveSegmenter:
    """Build the full network on any trunk.

    Args:
        trunk: normalised frames to features at strides 4, 8, 16 and 32.
        trunk_channels: of those.
        channels: of everything behind them; the published network has 256.

    Returns:
        Network whose parts beside the trunk are randomly initialised.
    """
    return InteractiveSegmenter(
        trunk=trunk,
        pixel_decoder=PixelDecoder(
            trunk_channels=trunk_channels,
            channels=channels,
            layers=6,
            heads=8,
            points=4,
            hidden=1024,
        ),
        query_encoder=QueryEncoder(
            click_encoder=ClickEncoder(channels=channels),
            trace_encoder=TraceEncoder(channels=channels),
            channels=channels,
            static_background=9,
        ),
        transformer=InteractiveTransformer(
            mask_head=MaskHead(channels=channels),
            channels=channels,
            heads=8,
            query_layers=9,
            query_hidden=2048,
            pixel_layers=5,
            pixel_hidden=512,
        ),
    )


def interactive_lite() -> InteractiveSegmenter:
    """Build the small network, on EfficientNet-Lite0.

    Returns:
        Randomly initialised network. `pointvos.nn.efficientnet_lite.load_imagenet_lite0` fills the
        trunk.
    """
    channels, thin = 128, 64
    return InteractiveSegmenter(
        trunk=EfficientNetLite0(),
        pixel_decoder=LitePixelDecoder(
            trunk_channels=LITE_TRUNK_CHANNELS, channels=channels, thin=thin, embedding=48
        ),
        query_encoder=QueryEncoder(
            click_encoder=ClickEncoder(channels=channels, normalised=True),
            trace_encoder=TraceEncoder(channels=channels, normalised=True),
            channels=channels,
            static_background=4,
            kinds=True,
        ),
        transformer=InteractiveTransformer(
            mask_head=MaskHead(channels=channels, unit_length=True),
            channels=channels,
            heads=4,
            query_layers=3,
            query_hidden=256,
            pixel_layers=1,
            pixel_hidden=256,
            object_scores=True,
        ),
        evidence=EvidencePath(thin=thin, width=64),
        pixel_mean=PIXEL_MEAN,
        pixel_std=PIXEL_STD,
    )


BUILDERS: dict[str, Callable[[], InteractiveSegmenter]] = {
    "interactive_full": interactive_full,
    "interactive_lite": interactive_lite,
}
