"""Official ReferFormer weights: every key used, misfits named, box heads stored twice."""

import pytest
import torch
from torch import Tensor

from pointvos.nn import backbones
from tests.vng.nn.tiny_rf_vng import tiny_rf_vng
from vng.nn.builders import freeze_resnet, rf_vng_on
from vng.nn.official_weights import architecture_of, load_official_referformer, official_key_map
from vng.nn.rf_vng import RFVNG


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> RFVNG:
    monkeypatch.setitem(backbones.RESNET_DEPTHS, "resnet50", [1, 2, 1, 1])
    torch.manual_seed(0)
    trunk = backbones.resnet_trunk("resnet50", None)
    freeze_resnet(trunk)
    return rf_vng_on(trunk, trunk_channels=trunk.channels, channels=32, layers=2, text_channels=16)


def official_state(network: RFVNG, *, seed: int = 1) -> dict[str, Tensor]:
    """Random weights of the same shapes under the names of the reference implementation."""
    rng = torch.Generator().manual_seed(seed)
    to_official = {ours: theirs for theirs, ours in official_key_map(network).items()}
    state = {}
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        prefix = next(prefix for prefix in to_official if name.startswith(prefix))
        key = to_official[prefix] + name.removeprefix(prefix)
        state[key] = torch.rand(tensor.shape, generator=rng)
        if key.startswith("bbox_embed."):
            state[f"transformer.decoder.{key}"] = state[key].clone()
    state["text_encoder.pooler.dense.bias"] = torch.ones(16)
    state["text_encoder.embeddings.position_ids"] = torch.arange(514)[None]
    return state


def test_every_tensor_is_filled(network: RFVNG) -> None:
    state = official_state(network)
    text_encoder = load_official_referformer(network, state)
    assert {key: x.tolist() for key, x in text_encoder.items()} == {"pooler.dense.bias": [1.0] * 16}
    filled = {name for name in network.state_dict() if not name.endswith("num_batches_tracked")}
    used = [key for key in state if not key.startswith(("text_encoder.", "transformer.decoder.b"))]
    assert len(filled) == len(used)
    sums = sorted(network.state_dict()[name].double().sum().item() for name in filled)
    assert sums == pytest.approx(sorted(state[key].double().sum().item() for key in used))


def test_what_the_published_training_freezes_is_frozen(network: RFVNG) -> None:
    frozen = {name for name, x in network.named_parameters() if not x.requires_grad}
    trunk = {name for name, _ in network.named_parameters() if name.startswith("trunk.")}
    kept = {name for name in trunk if "normalization" in name or ".stages.0." in name}
    kept |= {name for name in trunk if ".embedder." in name}
    assert frozen == kept
    assert trunk - frozen  # the convolutions of the other stages


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"pixel_decoder.extra": torch.zeros(3)},
            r"unknown key 'pixel_decoder.extra', found \[3\]",
        ),
        (
            {"controller.layers.7.bias": torch.zeros(2)},
            r"unknown key 'controller.layers.7.bias', found \[2\]",
        ),
        ({"resizer.fc.bias": None}, r"missing key 'resizer.fc.bias' of shape \[32\]"),
        (
            {"backbone.0.body.layer2.1.conv2.weight": torch.zeros(1, 2, 3, 3)},
            r"'backbone.0.body.layer2.1.conv2.weight' expected shape \[128, 128, 3, 3\], "
            r"found \[1, 2, 3, 3\]",
        ),
        (
            {"transformer.decoder.bbox_embed.0.layers.0.bias": torch.zeros(32)},
            "expected 'transformer.decoder.bbox_embed.0.layers.0.bias' to be equal to "
            "'bbox_embed.0.layers.0.bias'",
        ),
        (
            {"bbox_embed.1.layers.2.bias": None},
            "missing key 'bbox_embed.1.layers.2.bias', of which 'transformer.decoder.bbox_embed.1",
        ),
    ],
)
def test_misfits_are_named(network: RFVNG, change: dict[str, Tensor | None], message: str) -> None:
    state = {**official_state(network), **change}
    fitting = {key: tensor for key, tensor in state.items() if tensor is not None}
    with pytest.raises(ValueError, match=message):
        load_official_referformer(network, fitting)


def test_another_trunk_is_refused() -> None:
    with pytest.raises(ValueError, match="a ResNet trunk of transformers, found TinyTrunk"):
        load_official_referformer(tiny_rf_vng(), {})


BODY = "backbone.0.body."


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["layer3.5.conv1.weight"], "rf_vng_resnet50"),
        (["layer3.5.conv1.weight", "layer3.22.conv1.weight"], "rf_vng_resnet101"),
        (["patch_embed.proj.weight", "layers.2.blocks.5.norm1.weight"], "rf_vng_video_swin_tiny"),
    ],
)
def test_the_trunk_says_which_network_it_is(names: list[str], expected: str) -> None:
    assert architecture_of(BODY + name for name in names) == expected


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], "no trunk"),
        (["weight"], "no trunk"),
        ([f"{BODY}layer3.1.conv1.weight"], "another trunk"),  # a ResNet-18
        (
            [f"{BODY}patch_embed.proj.weight"]
            + [f"{BODY}layers.2.blocks.{n}.norm1.weight" for n in (5, 6, 17)],
            "another trunk",  # a Video-Swin-S
        ),
    ],
)
def test_a_trunk_without_a_key_map_is_refused(names: list[str], found: str) -> None:
    with pytest.raises(ValueError, match=f"or a Video-Swin-T, found {found}"):
        architecture_of(names)
