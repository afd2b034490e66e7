"""Encoder layers and decoder read nothing in the padding; boxes are refined step by step."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.vng.nn.tiny_rf_vng import tiny_rf_vng
from vng.nn.decoder import DecodedLayer, Memory
from vng.nn.encoder import joined_padding, level_shapes, reference_points
from vng.nn.heads import inverse_sigmoid
from vng.nn.levels import Level, pyramid_levels
from vng.nn.rf_vng import RFVNG

STRIDES = (8, 16, 32, 64)
HEIGHT, WIDTH = 64, 128  # multiples of all strides


@pytest.fixture(scope="module")
def network() -> RFVNG:
    return tiny_rf_vng().eval()


def levels(height: int, width: int) -> tuple[Level, ...]:
    size = torch.tensor([[HEIGHT, WIDTH]])
    return pyramid_levels(size, height, width, strides=STRIDES, channels=32)


def random_maps() -> list[Tensor]:
    rng = torch.Generator().manual_seed(0)
    return [torch.randn(1, 32, HEIGHT // s, WIDTH // s, generator=rng) for s in STRIDES]


def padded(maps: list[Tensor]) -> list[Tensor]:
    """The maps of frames padded to 128 x 192, with nonsense in the padding."""
    sides = [(64 // s, 64 // s) for s in STRIDES]
    return [
        F.pad(x, (0, right, 0, below), value=7.0)
        for x, (below, right) in zip(maps, sides, strict=True)
    ]


def tokens(maps: list[Tensor]) -> Tensor:
    return torch.cat([x.flatten(2).transpose(1, 2) for x in maps], dim=1)


def encode(network: RFVNG, maps: list[Tensor], geometry: tuple[Level, ...]) -> Tensor:
    x = tokens(maps)
    position = torch.cat([level.position_BSC for level in geometry], dim=1)
    for layer in network.encoder.layers:
        x = layer(
            x,
            position,
            reference_points(geometry),
            level_shapes(geometry),
            joined_padding(geometry),
        )
    return x


def decode(network: RFVNG, maps: list[Tensor], geometry: tuple[Level, ...]) -> list[DecodedLayer]:
    nouns = torch.randn(1, 2, 32, generator=torch.Generator().manual_seed(1))
    found: list[DecodedLayer] = network.decoder(nouns, Memory.of(tokens(maps), geometry))
    return found


@torch.inference_mode()
def test_the_encoder_reads_nothing_in_the_padding(network: RFVNG) -> None:
    maps, geometry = random_maps(), levels(128, 192)
    image = ~joined_padding(geometry)  # type: ignore[operator]
    assert not image.all()
    found = encode(network, padded(maps), geometry)
    expected = encode(network, maps, levels(HEIGHT, WIDTH))
    torch.testing.assert_close(found[image], expected[0], atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_the_decoder_reads_nothing_in_the_padding(network: RFVNG) -> None:
    maps = random_maps()
    found = decode(network, padded(maps), levels(128, 192))
    expected = decode(network, maps, levels(HEIGHT, WIDTH))
    for one, other in zip(found, expected, strict=True):
        for name in DecodedLayer._fields:
            torch.testing.assert_close(
                getattr(one, name), getattr(other, name), atol=1e-4, rtol=1e-4, msg=name
            )


@torch.inference_mode()
def test_each_layer_moves_the_boxes_of_the_one_before(network: RFVNG) -> None:
    first, second = decode(network, random_maps(), levels(HEIGHT, WIDTH))
    step = network.decoder.box_heads[1](second.state_FNQC)
    torch.testing.assert_close(
        second.boxes_FNQ4, (inverse_sigmoid(first.boxes_FNQ4) + step).sigmoid()
    )
    assert (second.boxes_FNQ4 - first.boxes_FNQ4).abs().max() > 1e-3


def test_inverse_sigmoid_is_bounded() -> None:
    share = torch.tensor([0.0, 0.25, 1.0])
    logits = inverse_sigmoid(share)
    torch.testing.assert_close(logits.sigmoid(), share, atol=1e-4, rtol=0)
    assert logits.abs().max() < 12
