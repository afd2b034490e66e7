"""Sizes of the named networks, and that they run."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from pointvos.nn import backbones
from pointvos.nn.efficientnet_lite import PIXEL_MEAN, EfficientNetLite0
from pointvos.nn.stcn import IMAGENET_MEAN
from tests.vng.nn.tiny_rf_vng import tiny_inputs
from vng.nn.builders import rf_vng_lite, rf_vng_resnet, rf_vng_resnet50, rf_vng_swin
from vng.nn.rf_vng import RFVNG

LITE_SIZES = {
    "trunk": 2_336_304,
    "text": 49_536,
    "encoder": 713_344,
    "pixel_decoder": 1_370_624,
    "decoder": 870_865,
    "mask_head": 112_617,
    "noun_map": 66_177,
    "noun_classes": 1_506_884,
}


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_small_one_is_small() -> None:
    network = rf_vng_lite()
    assert parameters(network) <= 8_000_000
    assert {name: parameters(part) for name, part in network.named_children()} == LITE_SIZES
    assert network.pixel_mean.flatten().tolist() == pytest.approx(PIXEL_MEAN)
    assert isinstance(network.trunk, EfficientNetLite0)
    behind = [
        x
        for name, part in network.named_children()
        if name not in ("trunk", "noun_classes")
        for x in part.modules()
    ]
    assert all(x.groups == 1 for x in behind if isinstance(x, nn.Conv2d))


@pytest.mark.parametrize("network", [rf_vng_lite, rf_vng_resnet50])
def test_every_parameter_can_be_sharded(network: Callable[[], nn.Module]) -> None:
    with torch.device("meta"):
        parameters = dict(network().named_parameters())
    for name, parameter in parameters.items():
        assert parameter.ndim > 0, name
        assert parameter.is_contiguous(), name


@torch.inference_mode()
def test_the_small_one_grounds_nouns() -> None:
    network = rf_vng_lite().eval()
    inputs = tiny_inputs(batch=1, frames=2, nouns=3, lengths=(5,), text_channels=384)
    features = network.encode(*inputs[:3])
    best = network.ground_best(features, inputs.nouns_BND)
    assert best.masks_BNTHW.shape == (1, 3, 2, 16, 24)
    assert best.masks_BNTHW.isfinite().all()
    assert best.masks_BNTHW.std() > 1e-3


def test_the_full_one_has_the_published_dimensions(monkeypatch: pytest.MonkeyPatch) -> None:
    network = rf_vng_resnet50()
    sizes = {name: parameters(part) for name, part in network.named_children()}
    # torchvision's ResNet-50 without its classifier.
    assert sizes["trunk"] == 25_557_032 - 2_049_000
    assert len(network.encoder.layers) == len(network.decoder.layers) == 4
    assert network.decoder.position.shape == (5, 256)
    assert network.encoder.level.shape == (4, 256)
    assert network.mask_head.controller.layers[-1].out_features == 2153
    assert network.pixel_mean.flatten().tolist() == pytest.approx(IMAGENET_MEAN)
    assert network.encoder.layers[0].dropout == 0.1


@torch.inference_mode()
def test_swin_trunks_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backbones.SWINS, "swin_tiny", (16, [1, 1, 1, 1], [1, 2, 4, 8], 4))
    network: RFVNG = rf_vng_swin("swin_tiny").eval()
    inputs = tiny_inputs(batch=1, frames=1, height=50, width=70, lengths=(5,), text_channels=768)
    last = network(*inputs).last
    assert last.masks_BNTQHW.shape == (1, 2, 1, 5, 13, 18)
    assert last.masks_BNTQHW.isfinite().all()


def test_unknown_trunks_are_named() -> None:
    with pytest.raises(ValueError, match=r"one of \['resnet101', 'resnet50'\], found 'swin_tiny'"):
        rf_vng_resnet("swin_tiny")
    with pytest.raises(ValueError, match=r"'swin_tiny'\], found 'resnet50'"):
        rf_vng_swin("resnet50")
