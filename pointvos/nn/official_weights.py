"""Weights of the reference implementations, through explicit key maps, strictly.

Nothing is loaded by similarity of names: a key that no map names, a key that is missing and a shape
that differs are errors. What is left out on purpose is listed here by name.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from pointvos.nn.key_encoder import ResNetKeyEncoder
from pointvos.nn.resnet import ResNetTrunk
from pointvos.nn.stcn import STCN
from pointvos.nn.value_encoder import ResNetValueEncoder

# hkchengrex/STCN name prefix -> ours.
_FROM_OFFICIAL_STCN = {
    "key_encoder.conv1.": "key_encoder.trunk.conv1.",
    "key_encoder.bn1.": "key_encoder.trunk.bn1.",
    "key_encoder.res2.": "key_encoder.trunk.layer1.",
    "key_encoder.layer2.": "key_encoder.trunk.layer2.",
    "key_encoder.layer3.": "key_encoder.trunk.layer3.",
    "key_proj.key_proj.": "key_encoder.key_projection.",
    "key_comp.": "key_encoder.thin_projection.",
    "value_encoder.conv1.": "value_encoder.trunk.conv1.",
    "value_encoder.bn1.": "value_encoder.trunk.bn1.",
    "value_encoder.layer1.": "value_encoder.trunk.layer1.",
    "value_encoder.layer2.": "value_encoder.trunk.layer2.",
    "value_encoder.layer3.": "value_encoder.trunk.layer3.",
    "value_encoder.fuser.block1.": "value_encoder.fusion.block1.",
    "value_encoder.fuser.block2.": "value_encoder.fusion.block2.",
    "value_encoder.fuser.attention.ChannelGate.mlp.1.": (
        "value_encoder.fusion.attention.channel_gate.reduce."
    ),
    "value_encoder.fuser.attention.ChannelGate.mlp.3.": (
        "value_encoder.fusion.attention.channel_gate.expand."
    ),
    "value_encoder.fuser.attention.SpatialGate.spatial.conv.": (
        "value_encoder.fusion.attention.spatial_gate.conv."
    ),
    "decoder.compress.": "decoder.compress.",
    "decoder.up_16_8.": "decoder.up_16_8.",
    "decoder.up_8_4.": "decoder.up_8_4.",
    "decoder.pred.": "decoder.prediction.",
}

# torchvision ResNet name prefix -> name in `ResNetTrunk`.
_FROM_TORCHVISION = {name: name for name in ("conv1.", "bn1.", "layer1.", "layer2.", "layer3.")}
_DROPPED_FROM_TORCHVISION = ("layer4.", "fc.")  # STCN stops at stride 16

# Counts batches for a running average that never runs here; old files do not have it.
_OPTIONAL_SUFFIX = ".num_batches_tracked"

_MASK_CONV = "value_encoder.trunk.conv1.weight"


def load_official_stcn(model: STCN, state: Mapping[str, Tensor]) -> None:
    """Load a checkpoint of hkchengrex/STCN into the network of the same kind.

    Args:
        model: `stcn_resnet50()`, or `stcn_resnet50(other_mask=False)` for the static stage.
        state: official names to tensors, as `torch.load(path, weights_only=True)` gives.

    Raises:
        ValueError: unknown or missing key, or wrong shape; names the key, expected and found.
    """
    ours = rename_keys(state, _FROM_OFFICIAL_STCN, dropped=(), source="official STCN")
    load_strictly(model, ours, _FROM_OFFICIAL_STCN, source="official STCN")


def load_imagenet_resnets(
    model: STCN, resnet50: Mapping[str, Tensor], resnet18: Mapping[str, Tensor]
) -> None:
    """Start both encoders from ImageNet classifiers, as the paper does.

    The mask channels of the value encoder's first convolution keep their values. Its convolutions
    have biases, which the classifier's have not: those become zero, which computes the same.

    Args:
        model: `stcn_resnet50()` of either kind.
        resnet50: torchvision names to tensors, for the key encoder.
        resnet18: torchvision names to tensors, for the value encoder.

    Raises:
        ValueError: unknown or missing key, or wrong shape; names the key, expected and found.
        TypeError: the encoders of the model are no ResNets.
    """
    key_encoder, value_encoder = model.key_encoder, model.value_encoder
    if not isinstance(key_encoder, ResNetKeyEncoder):
        raise TypeError(f"expected a ResNet key encoder, found {type(key_encoder).__name__}")
    if not isinstance(value_encoder, ResNetValueEncoder):
        raise TypeError(f"expected a ResNet value encoder, found {type(value_encoder).__name__}")
    _load_trunk(key_encoder.trunk, resnet50, source="torchvision ResNet-50")
    _load_trunk(value_encoder.trunk, resnet18, source="torchvision ResNet-18")


def add_other_mask_channel(
    static_state: Mapping[str, Tensor],
    *,
    init: Literal["orthogonal", "zeros"] = "orthogonal",
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Turn the weights of the static-image stage into ones for several objects.

    Appends the channel for the other objects' masks to the first convolution of the value encoder.

    Args:
        static_state: state dict of `stcn_resnet50(other_mask=False)`.
        init: "orthogonal" to go on training, "zeros" to compute what the given network does.
        generator: of the orthogonal filters; None takes torch's global one.

    Returns:
        State dict for `stcn_resnet50()`; the other tensors are the given ones, not copies.

    Raises:
        ValueError: the first convolution is missing or has not 4 input channels.
    """
    if _MASK_CONV not in static_state:
        raise ValueError(f"static-stage weights: missing key {_MASK_CONV!r}")
    weight = static_state[_MASK_CONV]
    if weight.ndim != 4 or weight.shape[1] != 4:
        raise ValueError(
            f"static-stage weights: {_MASK_CONV!r} must have 4 input channels (RGB and mask), "
            f"found shape {list(weight.shape)}"
        )
    channel = torch.zeros_like(weight[:, :1])
    if init == "orthogonal":
        nn.init.orthogonal_(channel, generator=generator)
    return {**static_state, _MASK_CONV: torch.cat([weight, channel], dim=1)}


def _load_trunk(trunk: ResNetTrunk, state: Mapping[str, Tensor], *, source: str) -> None:
    ours = rename_keys(state, _FROM_TORCHVISION, dropped=_DROPPED_FROM_TORCHVISION, source=source)
    expected = trunk.state_dict()
    rgb, conv1 = ours.get("conv1.weight"), expected["conv1.weight"]
    if rgb is not None and rgb.shape == conv1[:, :3].shape:
        ours["conv1.weight"] = torch.cat([rgb.to(conv1), conv1[:, 3:]], dim=1)
    convolutions = [name for name, module in trunk.named_modules() if isinstance(module, nn.Conv2d)]
    for name in convolutions:
        if f"{name}.bias" in expected:
            ours.setdefault(f"{name}.bias", torch.zeros_like(expected[f"{name}.bias"]))
    load_strictly(trunk, ours, _FROM_TORCHVISION, source=source)


def rename_keys(
    state: Mapping[str, Tensor],
    key_map: Mapping[str, str],
    *,
    dropped: tuple[str, ...],
    source: str,
) -> dict[str, Tensor]:
    """Translate the names of a state dict.

    Args:
        state: their names to tensors.
        key_map: their prefixes to ours; the first that fits counts.
        dropped: their prefixes that have no place here.
        source: whose weights they are, for errors.

    Returns:
        Our names to the same tensors.

    Raises:
        ValueError: no prefix fits a key; names it.
    """
    ours = {}
    for key, tensor in state.items():
        if key.startswith(dropped):
            continue
        prefix = next((prefix for prefix in key_map if key.startswith(prefix)), None)
        if prefix is None:
            raise ValueError(f"{source} weights: unknown key {key!r}, found {list(tensor.shape)}")
        ours[key_map[prefix] + key.removeprefix(prefix)] = tensor
    return ours


def load_strictly(
    module: nn.Module, ours: dict[str, Tensor], key_map: Mapping[str, str], *, source: str
) -> None:
    """Load renamed weights into a module, which they must fill exactly.

    Args:
        module: to fill.
        ours: what `rename_keys` gave; counters of batch norm may be missing, and are filled in.
        key_map: as of `rename_keys`, so that errors can name the keys of the file.
        source: whose weights they are, for errors.

    Raises:
        ValueError: unknown or missing key, or wrong shape; names the key, expected and found.
    """
    expected = module.state_dict()

    def official(name: str) -> str:
        return next(
            theirs + name.removeprefix(prefix)
            for theirs, prefix in key_map.items()
            if name.startswith(prefix)
        )

    for name, tensor in ours.items():
        if name not in expected:
            raise ValueError(
                f"{source} weights: unknown key {official(name)!r}, found {list(tensor.shape)}"
            )
        if tensor.shape != expected[name].shape:
            raise ValueError(
                f"{source} weights: {official(name)!r} expected shape "
                f"{list(expected[name].shape)}, found {list(tensor.shape)}"
            )
    for name, tensor in expected.items():
        if name not in ours and name.endswith(_OPTIONAL_SUFFIX):
            ours[name] = tensor
        elif name not in ours:
            raise ValueError(
                f"{source} weights: missing key {official(name)!r} of shape {list(tensor.shape)}"
            )
    module.load_state_dict(ours)
