"""Sizes of the named segmenters."""

import pytest
import torch
from torch import nn

from pointvos.nn.efficientnet_lite import PIXEL_MEAN
from pointvos.nn.interactive.builders import interactive_full, interactive_lite
from pointvos.nn.interactive.pixel_decoder import PixelDecoder
from pointvos.nn.stcn import IMAGENET_MEAN


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_small_one_is_small() -> None:
    network = interactive_lite()
    assert parameters(network) <= 8_000_000
    assert {name: parameters(part) for name, part in network.named_children()} == LITE_SIZES
    assert network.pixel_mean.flatten().tolist() == pytest.approx(PIXEL_MEAN)


LITE_SIZES = {
    "trunk": 2_336_304,
    "pixel_decoder": 982_481,
    "query_encoder": 100_992,
    "transformer": 778_138,
    "evidence": 905_930,
}


def test_the_full_one_has_the_published_dimensions() -> None:
    network = interactive_full()
    decoder, queries, transformer = (
        network.pixel_decoder,
        network.query_encoder,
        network.transformer,
    )
    assert isinstance(decoder, PixelDecoder)
    assert [branch[0].in_channels for branch in decoder.inputs] == [768, 384, 192]  # type: ignore[index,union-attr]
    attention = decoder.layers[0].attention
    assert (len(decoder.layers), attention.heads, attention.levels, attention.points) == (
        6,
        8,
        3,
        4,
    )  # type: ignore[union-attr]
    assert decoder.mask.out_channels == 256
    assert queries.coordinates.weight.shape == (256, 384)
    assert queries.background_content.shape == queries.background_position.shape == (9, 256)
    assert (len(transformer.query_layers), len(transformer.pixel_layers)) == (9, 5)
    assert transformer.heads == 8
    hidden = [
        layers[0].feed_forward.expand.out_features  # type: ignore[union-attr]
        for layers in (transformer.query_layers, transformer.pixel_layers)
    ]
    assert hidden == [2048, 512]
    assert network.evidence is None
    assert network.pixel_mean.flatten().tolist() == pytest.approx(IMAGENET_MEAN)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["swin_tiny", "resnet50"])
@torch.inference_mode()
def test_the_full_one_segments(backbone: str) -> None:
    from tests.nn.interactive.tiny_interactions import clicks, frames

    network = interactive_full(backbone=backbone).eval()
    result = network.segment(network.encode(frames()), clicks([(9, 9, 0)]), objects=1)
    assert result.logits_BKHW.shape == (1, 2, 16, 24)
    assert len(result.auxiliary) == 9 + 5
    assert result.logits_BKHW.isfinite().all()


def test_an_unknown_backbone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected one of \['resnet101', .*found 'vgg'"):
        interactive_full(backbone="vgg")
