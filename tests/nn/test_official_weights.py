import pytest
import torch
from torch import Tensor

from pointvos.nn import official_weights
from pointvos.nn.official_weights import (
    add_other_mask_channel,
    load_imagenet_resnets,
    load_official_stcn,
)
from pointvos.nn.stcn import STCN
from tests.tiny_network import tiny_stcn

MASK_CONV = "value_encoder.trunk.conv1.weight"


def official_state(network: STCN) -> dict[str, Tensor]:
    """The weights of a network under the names of the reference implementation."""
    to_official = {ours: theirs for theirs, ours in official_weights._FROM_OFFICIAL_STCN.items()}
    state = {}
    for name, tensor in network.state_dict().items():
        prefix = next(prefix for prefix in to_official if name.startswith(prefix))
        state[to_official[prefix] + name.removeprefix(prefix)] = tensor.clone()
    return state


def test_official_weights_fill_every_tensor() -> None:
    source, target = tiny_stcn(seed=1), tiny_stcn(seed=2)
    load_official_stcn(target, official_state(source))
    expected = source.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in target.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"decoder.extra.weight": torch.zeros(3)},
            r"unknown key 'decoder.extra.weight', found \[3\]",
        ),
        (
            {"decoder.pred.scale": torch.zeros(2)},
            r"unknown key 'decoder.pred.scale', found \[2\]",
        ),
        ({"key_comp.bias": None}, r"missing key 'key_comp.bias' of shape \[16\]"),
        (
            {"key_encoder.res2.0.conv1.weight": torch.zeros(4, 4, 3, 3)},
            r"'key_encoder.res2.0.conv1.weight' expected shape \[4, 4, 1, 1\], "
            r"found \[4, 4, 3, 3\]",
        ),
    ],
)
def test_misfits_are_named(change: dict[str, Tensor | None], message: str) -> None:
    network = tiny_stcn()
    state = {**official_state(network), **change}
    fitting = {key: tensor for key, tensor in state.items() if tensor is not None}
    with pytest.raises(ValueError, match=message):
        load_official_stcn(network, fitting)


def test_static_checkpoint_does_not_load_as_multi_object() -> None:
    with pytest.raises(ValueError, match=r"'value_encoder.conv1.weight' expected shape \[4, 5"):
        load_official_stcn(tiny_stcn(), official_state(tiny_stcn(other_mask=False)))


def test_static_weights_with_a_zero_channel_compute_the_same() -> None:
    static, network = tiny_stcn(other_mask=False), tiny_stcn(seed=5)
    network.load_state_dict(add_other_mask_channel(static.state_dict(), init="zeros"))
    frames = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:20, 8:20] = 1
    static_value = static.encode_value(frames, static.encode_key(frames), mask)
    other = torch.cat([mask, 1 - mask], dim=1)
    value = network.encode_value(frames, network.encode_key(frames), other)[:, :1]
    torch.testing.assert_close(value, static_value)


def test_orthogonal_channel_comes_from_the_generator_and_leaves_the_rest() -> None:
    state = tiny_stcn(other_mask=False).state_dict()
    grown = [
        add_other_mask_channel(state, generator=torch.Generator().manual_seed(seed))[MASK_CONV]
        for seed in (0, 0, 1)
    ]
    assert grown[0].shape[1] == 5
    assert torch.equal(grown[0][:, :4], state[MASK_CONV])
    assert torch.equal(grown[0], grown[1])
    assert not torch.equal(grown[0], grown[2])
    filters = grown[0][:, 4].flatten(1)
    torch.testing.assert_close(filters @ filters.T, torch.eye(len(filters)))


def test_only_static_weights_can_grow_a_channel() -> None:
    with pytest.raises(ValueError, match=r"must have 4 input channels.*found shape \[4, 5, 7, 7\]"):
        add_other_mask_channel(tiny_stcn().state_dict())
    with pytest.raises(ValueError, match=r"missing key 'value_encoder.trunk.conv1.weight'"):
        add_other_mask_channel({})


def classifier_state(trunk: torch.nn.Module, *, seed: int) -> dict[str, Tensor]:
    """A torchvision classifier whose trunk fits: RGB input, no convolution biases, a head."""
    generator = torch.Generator().manual_seed(seed)
    state = {"fc.weight": torch.zeros(2, 2), "layer4.0.conv1.weight": torch.zeros(1)}
    for name, tensor in trunk.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue  # old files do not have it
        convolution = ".downsample.0." in name or ".conv" in name or name.startswith("conv")
        if name.endswith("bias") and convolution:
            continue
        shape = list(tensor.shape)
        if name == "conv1.weight":
            shape[1] = 3
        state[name] = torch.rand(shape, generator=generator)
    return state


def test_imagenet_weights_fill_both_trunks_and_leave_the_mask_channels() -> None:
    network = tiny_stcn()
    mask_filters = network.state_dict()[MASK_CONV][:, 3:].clone()
    resnet50 = classifier_state(network.key_encoder.trunk, seed=0)
    resnet18 = classifier_state(network.value_encoder.trunk, seed=1)
    load_imagenet_resnets(network, resnet50, resnet18)

    state = network.state_dict()
    assert torch.equal(state[MASK_CONV][:, :3], resnet18["conv1.weight"])
    assert torch.equal(state[MASK_CONV][:, 3:], mask_filters)
    assert state["value_encoder.trunk.layer1.0.conv1.bias"].abs().max() == 0
    expected = resnet50["layer3.0.bn2.running_var"]
    assert torch.equal(state["key_encoder.trunk.layer3.0.bn2.running_var"], expected)


def test_imagenet_misfits_are_named() -> None:
    network = tiny_stcn()
    resnet50 = classifier_state(network.key_encoder.trunk, seed=0)
    resnet18 = classifier_state(network.value_encoder.trunk, seed=1)
    del resnet18["layer2.0.bn1.bias"]
    with pytest.raises(ValueError, match=r"ResNet-18 weights: missing key 'layer2.0.bn1.bias'"):
        load_imagenet_resnets(network, resnet50, resnet18)
    resnet50["features.0"] = torch.zeros(1)
    with pytest.raises(ValueError, match=r"ResNet-50 weights: unknown key 'features.0'"):
        load_imagenet_resnets(network, resnet50, resnet18)
